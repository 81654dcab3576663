"""The life of a server as a process: starting, serving, draining, dying."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_serving.channels import open_channel
from postcards_serving.errors import ServiceError
from postcards_serving.statuses import from_rpc_error
from postcards_serving.testing import eventually

SCRIPT = Path(__file__).with_name("slow_engine_server.py")
SERVICE_NAME = "postcards.image.v1.ImageService"
AT_ONCE, UNTIL_RELEASED, FOR_EVER, CRASHING = 0, 1, 2, 3
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Server:
    """A server process under test."""

    def __init__(self, process: asyncio.subprocess.Process, gate: Path) -> None:
        self.process = process
        self.gate = gate
        self.lines: list[str] = []
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.lines.append(line.decode().rstrip())

    def logged(self, message: str) -> dict | None:
        parsed = [json.loads(line) for line in self.lines if line.startswith("{")]
        return next((line for line in parsed if line["message"] == message), None)

    async def serving(self) -> dict:
        return await eventually(lambda: self.logged("serving"))

    async def channel(self) -> grpc.aio.Channel:
        return open_channel(f"127.0.0.1:{(await self.serving())['port']}", max_attempts=1)

    async def exit_code(self) -> int:
        code = await asyncio.wait_for(self.process.wait(), 60)
        await self._reading
        return code

    def release(self) -> None:
        self.gate.touch()


@contextlib.asynccontextmanager
async def server(tmp_path: Path, **environment: str) -> AsyncIterator[Server]:
    gate = tmp_path / "gate"
    settings = {
        "GATE": str(gate),
        "POSTCARDS_PORT": "0",
        "POSTCARDS_METRICS_PORT": "0",
        "POSTCARDS_DRAIN_PAUSE_SECONDS": "0",
        # As the containers and the command line have it: gRPC's own notes about connections are no errors.
        "GRPC_VERBOSITY": "ERROR",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        SCRIPT,
        env=os.environ | settings | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Server(process, gate)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.exit_code()


async def widths(channel: grpc.aio.Channel, seed: int) -> list[int]:
    stub = image_pb2_grpc.ImageServiceStub(channel)
    call = stub.GenerateImage(image_pb2.GenerateImageRequest(seed=seed))
    return [response.result.width async for response in call if response.HasField("result")]


async def started(channel: grpc.aio.Channel, seed: int) -> "asyncio.Task[list[int]]":
    """A call whose engine is at work."""
    stub = image_pb2_grpc.ImageServiceStub(channel)
    responses = aiter(stub.GenerateImage(image_pb2.GenerateImageRequest(seed=seed)))
    assert (await anext(responses)).progress.stage == "draw"

    async def rest() -> list[int]:
        return [response.result.width async for response in responses]

    return asyncio.ensure_future(rest())


async def health(channel: grpc.aio.Channel, service: str = "") -> int:
    request = health_pb2.HealthCheckRequest(service=service)
    return (await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)).status


async def test_it_serves_and_stops_on_sigterm(tmp_path):
    async with server(tmp_path) as probe, await probe.channel() as channel:
        assert await health(channel) == SERVING
        assert await health(channel, SERVICE_NAME) == SERVING
        assert await widths(channel, AT_ONCE) == [0]
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 0
        assert probe.lines.count("engine closed") == 1


async def test_a_call_in_flight_survives_sigterm_and_health_goes_first(tmp_path):
    async with server(tmp_path, POSTCARDS_DRAIN_PAUSE_SECONDS="1") as probe, await probe.channel() as channel:
        call = await started(channel, UNTIL_RELEASED)
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE_NAME))
        assert (await watching.read()).status == SERVING
        probe.process.send_signal(signal.SIGTERM)
        assert (await watching.read()).status == NOT_SERVING
        # During the pause new calls are still taken: balancers have not looked away yet.
        assert await health(channel) == NOT_SERVING
        assert await health(channel, "liveness") == SERVING
        watching.cancel()
        assert not call.done()
        assert "engine closed" not in probe.lines
        probe.release()
        assert await call == [1]
        assert await probe.exit_code() == 0
        assert probe.lines.index("engine closed") < len(probe.lines)


async def test_no_new_call_is_taken_while_the_last_one_ends(tmp_path):
    async with server(tmp_path) as probe, await probe.channel() as channel:
        address = (await probe.serving())["address"]
        call = await started(channel, UNTIL_RELEASED)
        probe.process.send_signal(signal.SIGINT)

        async def refused() -> bool:
            async with open_channel(address, max_attempts=1) as other:
                try:
                    await widths(other, AT_ONCE)
                except grpc.aio.AioRpcError as fault:
                    return from_rpc_error(fault).reason == "STOPPING"
                return False

        await eventually(refused)
        assert not call.done()
        probe.release()
        assert await call == [1]
        assert await probe.exit_code() == 0


async def test_when_the_grace_is_over_the_engine_is_stopped_then_closed(tmp_path):
    async with server(tmp_path, POSTCARDS_GRACE_SECONDS="0.2") as probe, await probe.channel() as channel:
        call = await started(channel, UNTIL_RELEASED)
        probe.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.aio.AioRpcError):
            await call
        assert await probe.exit_code() == 0
        assert "engine closed" in probe.lines


async def test_an_engine_that_hangs_is_left_unclosed(tmp_path):
    async with server(tmp_path, POSTCARDS_GRACE_SECONDS="0") as probe, await probe.channel() as channel:
        call = await started(channel, FOR_EVER)
        probe.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.aio.AioRpcError):
            await call
        assert await probe.exit_code() == 1
        assert "engine closed" not in probe.lines
        assert probe.logged("an engine call has not ended; leaving without closing the engine")


async def test_ctrl_c_followed_by_a_supervisor_is_one_request(tmp_path):
    async with server(tmp_path) as probe, await probe.channel() as channel:
        call = await started(channel, UNTIL_RELEASED)
        probe.process.send_signal(signal.SIGINT)
        await eventually(lambda: probe.logged("stopping"))
        probe.process.send_signal(signal.SIGTERM)
        assert await health(channel) == NOT_SERVING
        probe.release()
        assert await call == [1]
        assert await probe.exit_code() == 0


async def test_a_second_signal_ends_it_at_once(tmp_path):
    async with server(tmp_path, POSTCARDS_GRACE_SECONDS="3600") as probe, await probe.channel() as channel:
        call = await started(channel, FOR_EVER)
        probe.process.send_signal(signal.SIGTERM)
        await eventually(lambda: probe.logged("stopping"))
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 130
        with pytest.raises(grpc.aio.AioRpcError):
            await call


async def test_it_is_not_serving_until_the_engine_is_loaded(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with (
        server(tmp_path, SLOW_LOADING="1", POSTCARDS_PORT=str(port)) as probe,
        open_channel(f"127.0.0.1:{port}", max_attempts=1) as channel,
    ):

        async def answers_not_serving() -> bool:
            try:
                return await health(channel, SERVICE_NAME) == NOT_SERVING
            except grpc.aio.AioRpcError:
                return False

        await eventually(answers_not_serving)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await widths(channel, AT_ONCE)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert from_rpc_error(caught.value).reason == "STARTING"
        assert from_rpc_error(caught.value).retry_after == 1.0
        probe.release()
        await probe.serving()
        assert await health(channel, SERVICE_NAME) == SERVING
        assert await widths(channel, AT_ONCE) == [0]


async def test_it_can_be_stopped_while_it_loads(tmp_path):
    async with server(tmp_path, SLOW_LOADING="1", POSTCARDS_LOG_LEVEL="debug") as probe:
        await eventually(lambda: probe.logged("loading"))
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 0
        assert probe.logged("stopped before it was ready")


async def test_an_engine_whose_first_request_fails_is_closed(tmp_path):
    async with server(tmp_path, FAIL_WARM_UP="1") as probe:
        assert await probe.exit_code() == 1
        assert "engine closed" in probe.lines


async def test_a_failing_close_is_logged_and_told_by_the_exit_code(tmp_path):
    async with server(tmp_path, FAIL_CLOSING="1") as probe:
        await probe.serving()
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 1
        assert "RuntimeError" in probe.logged("closing failed")["exception"]


async def test_it_listens_on_ipv6(tmp_path):
    async with server(tmp_path, POSTCARDS_BIND_ADDRESS="::1") as probe:
        address = (await probe.serving())["address"]
        assert address.startswith("[::1]:")
        async with grpc.aio.insecure_channel(address) as channel:
            assert await widths(channel, AT_ONCE) == [0]


async def test_a_call_outlives_the_age_of_its_connection(tmp_path):
    async with server(tmp_path, POSTCARDS_MAX_CONNECTION_AGE_SECONDS="1") as probe, await probe.channel() as channel:
        call = await started(channel, UNTIL_RELEASED)
        state = channel.get_state()
        await asyncio.wait_for(channel.wait_for_state_change(state), 30)
        assert not call.done()
        probe.release()
        assert await call == [1]
        assert await widths(channel, AT_ONCE) == [0]


async def test_a_crashing_engine_harms_one_call_only(tmp_path):
    async with server(tmp_path) as probe, await probe.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await widths(channel, CRASHING)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert "swordfish" not in str(caught.value)
        assert await widths(channel, AT_ONCE) == [0]


@pytest.mark.parametrize(
    ("environment", "words", "code"),
    [
        ({"FAIL_LOADING": "the model x is gated"}, "postcards-probe: cannot start: the model x is gated", 1),
        ({"EXIT_LOADING": "1"}, "postcards-probe: cannot start: RuntimeError: loading raised SystemExit: 3", 1),
        ({"CRASH_LOADING": "1"}, "postcards-probe: cannot start: ValueError: no such file", 1),
        ({"FAIL_WARM_UP": "1", "POSTCARDS_LOG_LEVEL": "error"}, "cannot start: the first request failed: INTERNAL", 1),
        ({"POSTCARDS_PORT": "http"}, "postcards-probe: POSTCARDS_PORT: Input should be a valid integer", 2),
        ({"POSTCARDS_BIND_ADDRESS": "192.0.2.1"}, "cannot listen on 192.0.2.1:0: Cannot assign requested address", 1),
    ],
)
async def test_what_cannot_start_says_why_in_one_line(tmp_path, environment, words, code):
    async with server(tmp_path, **environment) as probe:
        assert await probe.exit_code() == code
        (line,) = [line for line in probe.lines if not line.startswith(("{", "engine closed"))]
        assert words in line


WAIT = {"POSTCARDS_ON_LOAD_FAILURE": "wait", "POSTCARDS_LOAD_RETRY_SECONDS": "0.05"}
FAILURES = "postcards_load_failures_total"


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def refusal(channel: grpc.aio.Channel) -> ServiceError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await widths(channel, AT_ONCE)
    return from_rpc_error(caught.value)


async def test_it_waits_for_a_model_and_serves_it_when_it_comes(tmp_path):
    port, missing = a_free_port(), "the model x is gated: accept its licence"
    async with (
        server(tmp_path, POSTCARDS_PORT=str(port), MISSING_MODEL=missing, **WAIT) as probe,
        open_channel(f"127.0.0.1:{port}", max_attempts=1) as channel,
    ):
        line = await eventually(lambda: probe.logged(f"cannot start: {missing}"))
        assert (line["level"], line["attempt"], line["reason"]) == ("error", 1, "MODEL_UNUSABLE")
        told = await refusal(channel)
        assert (told.code, told.reason, told.message) == ("FAILED_PRECONDITION", "MODEL_UNUSABLE", missing)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE_NAME))
        assert (await watch.read()).status == NOT_SERVING
        assert await health(channel) == NOT_SERVING
        assert await health(channel, "liveness") == SERVING
        probe.release()
        assert (await watch.read()).status == SERVING
        assert await widths(channel, AT_ONCE) == [0]
        watch.cancel()
        text = await asyncio.to_thread(scraped, (await probe.serving())["metrics_port"])
        attempts = [json.loads(line)["attempt"] for line in probe.lines if missing in line]
        assert f"{FAILURES} {len(attempts)}.0" in text
        assert "\npostcards_serving 1.0" in text
        assert attempts == list(range(1, len(attempts) + 1))
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 0


async def test_the_pauses_between_attempts_grow(tmp_path):
    async with server(tmp_path, MISSING_MODEL="gone", **WAIT) as probe:
        entries = await eventually(lambda: len(probe.lines) >= 4 and [json.loads(line) for line in probe.lines[:4]])
        pauses = [entry["next_attempt_seconds"] for entry in entries]
        assert pauses == sorted(pauses)
        assert pauses[0] <= 0.1 < 0.3 < pauses[3]


@pytest.mark.parametrize(
    ("environment", "reason", "words"),
    [
        ({"FAIL_LOADING": "the API answers 401 to Bearer sk-0123456789abcdef"}, "ENGINE_FAILED", "Bearer ***"),
        ({"CRASH_LOADING": "1"}, "LOAD_FAILED", "its log says why"),
        ({"EXIT_LOADING": "1"}, "LOAD_FAILED", "its log says why"),
        ({"FAIL_WARM_UP": "1"}, "INTERNAL", "something went wrong inside the server"),
    ],
)
async def test_whatever_fails_while_it_waits_is_told_and_does_not_end_it(tmp_path, environment, reason, words):
    port = a_free_port()
    patient = WAIT | {"POSTCARDS_LOAD_RETRY_SECONDS": "30"}
    async with (
        server(tmp_path, POSTCARDS_PORT=str(port), **patient, **environment) as probe,
        open_channel(f"127.0.0.1:{port}", max_attempts=1) as channel,
    ):

        async def waiting() -> ServiceError | None:
            told = await refusal(channel)
            return told if told.reason not in ("STARTING", "UNAVAILABLE") else None

        told = await eventually(waiting)
        assert (told.code, told.reason) == ("UNAVAILABLE", reason)
        assert words in told.message
        assert told.retry_after == pytest.approx(30, rel=0.11)
        assert await health(channel) == NOT_SERVING
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 0
        assert "sk-0123456789abcdef" not in "".join(probe.lines)


@pytest.mark.parametrize("policy", ["exit", "wait"])
async def test_a_health_watch_that_is_open_leaves_no_traceback(tmp_path, policy):
    port = a_free_port()
    environment = {"SLOW_LOADING": "1", "FAIL_WARM_UP": "1", "POSTCARDS_LOG_LEVEL": "error"}
    environment |= {"POSTCARDS_ON_LOAD_FAILURE": policy}
    async with (
        server(tmp_path, POSTCARDS_PORT=str(port), **environment) as probe,
        open_channel(f"127.0.0.1:{port}", max_attempts=1) as channel,
    ):
        request = health_pb2.HealthCheckRequest()
        watch = health_pb2_grpc.HealthStub(channel).Watch(request, wait_for_ready=True)
        assert (await watch.read()).status == NOT_SERVING
        if policy == "exit":
            probe.release()
        else:
            probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == (1 if policy == "exit" else 0)
    assert not [line for line in probe.lines if "Watch" in line or "Traceback" in line.split("exception")[0]]


@pytest.mark.parametrize("variable", ["POSTCARDS_PORT", "POSTCARDS_METRICS_PORT"])
async def test_a_busy_port_is_one_clear_line(tmp_path, variable):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with server(tmp_path, **{variable: str(port)}) as probe:
            assert await probe.exit_code() == 1
            (line,) = probe.lines
            assert f"127.0.0.1:{port}: Address already in use" in line
            assert variable in line


async def test_two_servers_never_share_a_port(tmp_path):
    async with server(tmp_path) as first:
        port = (await first.serving())["port"]
        async with server(tmp_path, POSTCARDS_PORT=str(port)) as second:
            assert await second.exit_code() == 1


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        return response.read().decode()


async def test_every_metric_is_there_from_the_start_with_zero(tmp_path):
    async with server(tmp_path) as probe:
        text = await asyncio.to_thread(scraped, (await probe.serving())["metrics_port"])
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    labels = f'grpc_method="GenerateImage",grpc_service="{SERVICE_NAME}",grpc_type="server_stream"'
    for name in ("grpc_server_started_total", "grpc_server_msg_received_total", "grpc_server_msg_sent_total"):
        assert samples[f"{name}{{{labels}}}"] == "0.0"
    handled = [name for name in samples if name.startswith("grpc_server_handled_total") and SERVICE_NAME in name]
    assert len(handled) == 17
    assert {samples[name] for name in handled} == {"0.0"}
    for name in (
        "postcards_queue_depth",
        "postcards_queue_oldest_wait_seconds",
        "postcards_queue_predicted_wait_seconds",
        "postcards_in_flight_rows",
    ):
        assert samples[name] == "0.0"
    assert samples["postcards_serving"] == "1.0"
    assert float(samples["postcards_in_flight_rows_limit"]) >= 1
    assert 'postcards_step_duration_seconds_count{engine="fake",stage="draw"}' in samples
    assert 'postcards_part_duration_seconds_count{engine="fake",outcome="failed"}' in samples


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus")
async def test_promtool_finds_nothing_to_complain_about(tmp_path):
    async with server(tmp_path) as probe, await probe.channel() as channel:
        await widths(channel, AT_ONCE)
        text = await asyncio.to_thread(scraped, (await probe.serving())["metrics_port"])
    checking = await asyncio.create_subprocess_exec(
        "promtool",
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    complaints, _ = await checking.communicate(text.encode())
    assert (checking.returncode, complaints.decode()) == (0, "")
