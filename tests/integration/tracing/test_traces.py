"""Traces of real processes, as a real receiver sees them."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc
from postcards.language.v1 import language_pb2, language_pb2_grpc

from free_ports import free_port_base
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.testing import eventually

pytest.importorskip(
    "opentelemetry.exporter.otlp.proto.http",
    reason="no OpenTelemetry here: pip install 'postcards-serving[tracing]'",
)

TINY = Path(__file__).parents[2] / "models" / "tiny.onnx"
SMALL = ("--width", "96", "--height", "96", "--seconds", "1", "--theme", "swordfish", "--quiet", "--json")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SERVER, CLIENT = 2, 3


def surroundings(endpoint: str, **settings: str) -> dict[str, str]:
    quiet = {"POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", "POSTCARDS_DRAIN_PAUSE_SECONDS": "0"}
    ours = {"POSTCARDS_TRACES_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    return os.environ | quiet | ours | {"NO_PROXY": "127.0.0.1"} | settings


async def run(*arguments: str, environment: dict[str, str], folder: Path) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, env=environment, cwd=folder, stdout=pipe, stderr=pipe
    )


@contextlib.asynccontextmanager
async def service(name: str, folder: Path, environment: dict[str, str]) -> AsyncIterator["Served"]:
    """A service as a process; ends it in order unless it has ended before."""
    process = await run(f"postcards_{name}", environment=environment, folder=folder)
    served = Served(process)
    reading = asyncio.create_task(served.read())
    try:
        serving = await eventually(lambda: served.said("serving"))
        served.address = serving[0]["address"]
        yield served
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading


class Served:
    """A running service and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.address = ""
        self.lines: list[dict] = []
        self.other: list[str] = []

    def said(self, part: str) -> list[dict]:
        return [line for line in self.lines if part in line["message"]]

    async def read(self) -> None:
        async for line in self.process.stderr:
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))
            else:
                self.other.append(line.decode())


async def test_one_trace_from_the_command_to_the_steps_of_the_engine(receiver, tmp_path):
    ddpm = {
        "POSTCARDS_IMAGE_ENGINE": "ddpm",
        "POSTCARDS_IMAGE_MODEL": str(TINY),
        "POSTCARDS_IMAGE_THREADS": "1",
    }
    environment = surroundings(receiver.endpoint, **ddpm)
    base = ("--port-base", str(free_port_base()))
    up = await run("postcards_cli", "up", "--json", *base, "--out", "kept", environment=environment, folder=tmp_path)
    try:
        assert json.loads(await up.stdout.readline())["state"] == "SERVING"
        create = ("postcards_cli", "create", "--seed", "28", *SMALL, *base)
        process = await run(*create, environment=environment, folder=tmp_path)
        out, err = await process.communicate()
        assert process.returncode == 0, err
        postcard = json.loads(out)
    finally:
        up.send_signal(signal.SIGTERM)
        _, told = await up.communicate()
    assert up.returncode == 0, told

    (command,) = receiver.named("postcards create")
    assert err.decode().split() == ["trace", command.trace]
    assert {span.trace for span in receiver.spans} == {command.trace}, "nothing else makes traces"
    assert [span for span in receiver.spans if not span.parent] == [command]

    def only(name: str, service: str = ""):
        (found,) = [span for span in receiver.named(name) if service in ("", span.service)]
        return found

    def chain(span) -> list[tuple[str, str]]:
        above = {other.id: other for other in receiver.spans}
        found = []
        while span is not None:
            found.append((span.service, span.name))
            span = above.get(span.parent)
        return found[::-1]

    called = "postcards.composer.v1.PostcardService/CreatePostcard"
    drawn = "postcards.image.v1.ImageService/GenerateImage"
    begin = [
        ("postcards-client", "postcards create"),
        ("postcards-client", called),
        ("postcards-composer", called),
        ("postcards-composer", "postcard"),
    ]
    assert chain(only("steps")) == [
        *begin,
        ("postcards-composer", "part image"),
        ("postcards-composer", drawn),
        ("postcards-image", drawn),
        ("postcards-image", "engine ddpm"),
        ("postcards-image", "stage denoise"),
        ("postcards-image", "steps"),
    ]
    assert chain(only("stage phrases"))[4][1] == "part language"
    assert chain(only("stage master"))[4:] == [
        ("postcards-composer", "part audio"),
        ("postcards-composer", "postcards.audio.v1.AudioService/GenerateAudio"),
        ("postcards-audio", "postcards.audio.v1.AudioService/GenerateAudio"),
        ("postcards-audio", "engine vocal-tract"),
        ("postcards-audio", "stage master"),
    ]
    assert chain(only("card")) == [*begin, ("postcards-composer", "card")]
    assert {child.name for child in receiver.children(only("part image"))} == {drawn, "store put"}

    assert only("postcard").attributes == {
        "postcards.id": postcard["id"],
        "postcards.round": 0,
        "postcards.takeovers": 0,
        "postcards.state": "active",
    }
    assert (only(drawn, "postcards-composer").kind, only(drawn, "postcards-image").kind) == (CLIENT, SERVER)
    rpc = only(drawn, "postcards-image").attributes
    assert {key: rpc[key] for key in rpc if key.startswith("rpc.")} == {
        "rpc.system.name": "grpc",
        "rpc.method": drawn,
        "rpc.response.status_code": "OK",
    }
    assert only("steps").attributes["postcards.steps"] >= 3
    assert not any(span.failed for span in receiver.spans)
    sent = b"".join(receiver.bodies)
    assert b"swordfish" not in sent
    assert postcard["name"].encode() not in sent
    manifest = json.loads((tmp_path / "kept/postcards" / postcard["id"] / "manifest.json").read_text())
    assert manifest["traceparent"].split("-")[1] == command.trace


async def test_a_postcard_that_another_process_takes_over_stays_in_its_trace(receiver, tmp_path):
    """The part services are away: the first composer waits for them until it is killed, the second gives up at once."""
    store = {"POSTCARDS_STORE_URL": (tmp_path / "kept").as_uri(), "POSTCARDS_LEASE_SECONDS": "0.5"}
    store |= {f"POSTCARDS_{part}_ADDRESS": "127.0.0.1:1" for part in ("IMAGE", "AUDIO", "LANGUAGE")}
    environment = surroundings(receiver.endpoint, **store, POSTCARDS_RECOVERY_INTERVAL_SECONDS="0.1")
    async with service("composer", tmp_path, environment) as first:
        async with open_channel(first.address) as channel:
            stub = composer_pb2_grpc.PostcardServiceStub(channel)
            request = composer_pb2.CreatePostcardRequest(seed=1, request_id="taken-over")
            await stub.CreatePostcard(request, metadata=(("traceparent", f"00-{TRACE}-{PARENT}-01"),))
        await eventually(lambda: receiver.named("postcards.composer.v1.PostcardService/CreatePostcard"))
        first.process.kill()
    assert not receiver.named("postcard"), "it was not finished"
    async with service("composer", tmp_path, environment | {"POSTCARDS_PART_PATIENCE_SECONDS": "0"}):
        (postcard,) = await eventually(lambda: receiver.named("postcard"))
    (created,) = receiver.named("postcards.composer.v1.PostcardService/CreatePostcard")
    assert created.parent == PARENT
    assert (postcard.trace, postcard.parent) == (TRACE, created.id)
    assert postcard.attributes["postcards.takeovers"] == 1
    assert postcard.attributes["postcards.state"] == "failed"
    parts = [span for span in receiver.children(postcard) if span.name.startswith("part ")]
    assert [span.attributes["error.type"] for span in parts] == ["SERVICE_UNREACHABLE"] * 3
    tries = [span for part in parts for span in receiver.children(part) if span.kind == CLIENT and span.failed]
    assert {span.attributes["rpc.response.status_code"] for span in tries} == {"UNAVAILABLE"}
    assert {span.trace for span in receiver.spans} == {TRACE}, "looking for work makes no traces"


async def ask(address: str, count: int = 1, **sent) -> None:
    async with open_channel(address) as channel:
        stub = language_pb2_grpc.LanguageServiceStub(channel)
        for _ in range(count):
            async for _ in stub.GeneratePhrases(language_pb2.GeneratePhrasesRequest(seed=1), **sent):
                pass


async def test_a_dead_receiver_is_told_of_once_and_holds_nobody_up(tmp_path):
    async with service("language", tmp_path, surroundings("http://127.0.0.1:1")) as served:
        await ask(served.address, 5)
        await eventually(lambda: served.said("traces are lost"))
        # More batches fail before the end, and at the end.
        await ask(served.address, 5)
    assert served.process.returncode == 0
    assert len(served.said("traces are lost")) == 1
    assert not served.other
    assert {line["level"] for line in served.lines} == {"info", "warning"}


async def test_a_receiver_that_never_answers_does_not_keep_a_process_alive(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        environment = surroundings(endpoint, OTEL_EXPORTER_OTLP_TIMEOUT="600")
        async with asyncio.timeout(120), service("language", tmp_path, environment) as served:
            await ask(served.address, 3)
            # Accepted, so that the exporter waits for the answer that never comes.
            connection, _ = await asyncio.to_thread(deaf.accept)
            await ask(served.address, 3)
        connection.close()
    assert served.process.returncode == 0


async def test_a_receiver_that_comes_back_is_served_again(receiver, tmp_path):
    receiver.status = 400
    async with service("language", tmp_path, surroundings(receiver.endpoint)) as served:
        await ask(served.address)
        await eventually(lambda: served.said("traces are lost"))
        receiver.status = 200
        await ask(served.address)
        await eventually(lambda: receiver.named("engine phonotactic"))
        await eventually(lambda: served.said("received again"))
    assert len(served.said("traces are lost")) == 1


async def test_what_is_not_sampled_is_not_sent_and_a_caller_may_ask_for_more(receiver, tmp_path):
    environment = surroundings(receiver.endpoint, POSTCARDS_TRACES_SAMPLE_RATIO="0")
    async with service("language", tmp_path, environment) as served:
        await ask(served.address)
        await ask(served.address, metadata=(("traceparent", f"00-{TRACE}-{PARENT}-01"),))
    # The end of the process sends what is left.
    assert receiver.named("engine phonotactic")
    assert {span.trace for span in receiver.spans} == {TRACE}
    line = next(line for line in served.lines if line["message"] == "call" and "trace_id" in line)
    assert line["trace_id"] == TRACE


async def test_by_default_nothing_of_opentelemetry_is_imported(tmp_path):
    environment = surroundings("", PYTHONPROFILEIMPORTTIME="1")
    async with service("language", tmp_path, environment) as served:
        await ask(served.address, metadata=(("traceparent", f"00-{TRACE}-{PARENT}-01"),))
    assert served.process.returncode == 0
    imported = "".join(served.other)
    assert "postcards_serving.telemetry.tracing" in imported
    assert "opentelemetry" not in imported
    assert not any("trace_id" in line for line in served.lines)


async def test_an_endpoint_of_opentelemetry_itself_counts_and_so_does_its_name(receiver, tmp_path):
    own = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_SERVICE_NAME": "phrases"}
    async with service("language", tmp_path, surroundings("", **own)) as served:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await ask(served.address, timeout=0.000001)
        await ask(served.address)
    assert {span.service for span in receiver.spans} == {"phrases"}
