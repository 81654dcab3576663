"""`postcards load` against a scripted composer and real services: what it counts, prints, leaves and returns."""

import asyncio
import json
import os
import signal
import sys
import threading
import urllib.request

import pytest
from google.protobuf import duration_pb2
from google.rpc import code_pb2, error_details_pb2
from postcards.image.v1 import image_pb2_grpc
from postcards.language.v1 import language_pb2_grpc

from free_ports import free_ports
from postcards_cli.local.ports import Endpoint
from postcards_image.engines.creature import CreatureEngine
from postcards_image.servicer import ImageServicer
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.servicer import LanguageServicer
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import alone
from postcards_serving.testing import eventually, listening_server

RETRY = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=20_000_000))


def codes(run) -> dict[str, int]:
    return run.json["total"]["codes"]


async def test_postcards_are_made_measured_and_deleted(postcards, composer):
    await postcards("create", "--request-id", "kept", "--quiet")
    run = await postcards("load", "--count", "6", "-c", "3", "--theme", "fog", "--seed", "9", "--json", "--quiet")
    assert (run.exit_code, run.err) == (0, "")
    assert run.json["ok"] is True
    assert run.json["total"]["succeeded"] == run.json["total"]["latency"]["count"] == 6
    assert run.json["total"]["first_progress"]["count"] == 6
    assert run.json["postcards"] == {"made": 6, "deleted": 6, "unknown": 0}
    assert list(composer.postcards) == ["kept"]
    created = [request for request in composer.requests[1:] if hasattr(request, "theme")]
    assert {request.theme for request in created} == {"fog"}
    assert len({request.seed for request in created}) == 6


async def test_postcards_may_be_kept(postcards, composer):
    run = await postcards("load", "--count", "2", "--keep", "--json")
    assert run.json["postcards"] == {"made": 2, "deleted": 0, "unknown": 0}
    assert len(composer.postcards) == 2


async def test_people_get_a_table_and_progress_goes_to_standard_error(postcards):
    run = await postcards("load", "--ramp", "1,2", "--count", "2", "--warm-up", "1", "--fail-above", "p95=1h")
    assert run.exit_code == 0
    for words in ("warm-up", "1 caller ", "2 callers", "p99", "✓ p95 <= 3600 s", "5 postcards were made"):
        assert words in run.out
    assert "stage 2 of 3: 1 caller, 2 requests" in run.err
    assert "stage" not in run.out.splitlines()[-1]


async def test_refusals_are_counted_apart_and_are_no_errors(postcards, refused):
    refused(code_pb2.RESOURCE_EXHAUSTED, "full", RETRY, error_details_pb2.ErrorInfo(reason="QUEUE_FULL"))
    run = await postcards("load", "--count", "3", "--json")
    assert run.exit_code == 0
    assert (run.json["total"]["succeeded"], run.json["total"]["refused"]) == (2, 1)
    assert codes(run) == {"RESOURCE_EXHAUSTED QUEUE_FULL": 1}
    assert run.json["postcards"] == {"made": 2, "deleted": 2, "unknown": 0}
    refused(code_pb2.RESOURCE_EXHAUSTED, "full", RETRY)
    strict = await postcards("load", "--count", "2", "--fail-refused-ratio", "0.1", "--json")
    assert strict.exit_code == 1


async def test_refused_requests_come_again_as_told(postcards, refused):
    for _ in range(3):
        refused(code_pb2.RESOURCE_EXHAUSTED, "full", RETRY)
    run = await postcards("load", "--count", "2", "--retry", "--json")
    assert run.exit_code == 0
    assert (run.json["total"]["succeeded"], run.json["total"]["refusals_retried"]) == (2, 3)


async def test_a_watch_that_is_cut_is_a_failure_or_taken_up_again(postcards, composer):
    composer.cuts.append(2)
    run = await postcards("load", "--count", "2", "--json")
    assert run.exit_code == 1
    assert codes(run) == {"UNAVAILABLE": 1}
    assert run.json["postcards"]["deleted"] == 2
    composer.cuts.append(2)
    again = await postcards("load", "--count", "2", "--retry", "--json")
    assert (again.exit_code, again.json["total"]["succeeded"]) == (0, 2)
    assert again.json["postcards"] == {"made": 2, "deleted": 2, "unknown": 0}


async def test_postcards_without_a_part_are_failures_by_name(postcards, composer):
    composer.failing = _Everything()
    run = await postcards("load", "--count", "2", "--json")
    assert run.exit_code == 1
    assert codes(run) == {"PARTIAL audio:INTERNAL": 2}
    accepted = await postcards("load", "--count", "2", "--fail-error-ratio", "1", "--json")
    assert accepted.exit_code == 1, "nothing succeeded"


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True


async def test_ctrl_c_shows_what_was_measured_and_clears_up(composer):
    composer.held = asyncio.Event()
    process = await command("load", "-c", "2", "--json", POSTCARDS_ADDRESS=composer.address)
    await eventually(lambda: sum(hasattr(request, "after_sequence") for request in composer.requests) == 2)
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    view = json.loads(out)
    assert process.returncode == 130, err
    assert (view["interrupted"], view["ok"], view["total"]["unfinished"]) == (True, False, 2)
    assert view["postcards"] == {"made": 2, "deleted": 2, "unknown": 0}
    assert not composer.postcards


async def test_nobody_there(postcards):
    run = await postcards("load", "--wait", "100ms", "--json", address="127.0.0.1:1")
    assert run.exit_code == 6
    assert run.json["error"]["reason"] == "NOT_SERVING"


async def test_parts_are_asked_by_shares():
    drawing, speaking = Executor(1, Admission(8)), Executor(1, Admission(8))
    pictures = ImageServicer(alone(CreatureEngine()), drawing)
    phrases = LanguageServicer(alone(PhonotacticEngine()), speaking)
    async with (
        listening_server(lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(pictures, server)) as image,
        listening_server(
            lambda server: language_pb2_grpc.add_LanguageServiceServicer_to_server(phrases, server)
        ) as language,
    ):
        run = await finished(
            "load", "--mix", "language=3,image=1", "--seed", "1", "--ramp", "1-3/s", "--arrivals", "constant",
            "--duration", "4s", "--width", "64", "--height", "64", "--json",
            POSTCARDS_IMAGE_ADDRESS=image, POSTCARDS_LANGUAGE_ADDRESS=language,
        )  # fmt: skip
    (stage,) = run["stages"]
    assert (stage["loop"], stage["from"], stage["to"]) == ("open", 1.0, 3.0)
    assert run["total"]["succeeded"] == run["total"]["requests"] == 8
    assert stage["targets"]["image"]["succeeded"] + stage["targets"]["language"]["succeeded"] == 8
    assert stage["targets"]["image"]["bytes"] > 1000
    assert run["postcards"] == {"made": 0, "deleted": 0, "unknown": 0}


async def test_several_addresses_take_turns():
    executors = [Executor(1, Admission(8)) for _ in range(2)]
    engines = [CountingEngine(), CountingEngine()]
    servicers = [LanguageServicer(alone(engine), executor) for engine, executor in zip(engines, executors, strict=True)]
    add = language_pb2_grpc.add_LanguageServiceServicer_to_server
    async with (
        listening_server(lambda server: add(servicers[0], server)) as one,
        listening_server(lambda server: add(servicers[1], server)) as other,
    ):
        run = await finished(
            "load", "--target", "language", "--count", "12", "--json", POSTCARDS_LANGUAGE_ADDRESS=f"ipv4:{one},{other}"
        )
    assert run["total"]["succeeded"] == 12
    assert sum(engine.calls for engine in engines) == 12
    assert min(engine.calls for engine in engines) >= 4


class CountingEngine(PhonotacticEngine):
    calls = 0

    def generate(self, *arguments):
        self.calls += 1
        return super().generate(*arguments)


class StuckEngine(CreatureEngine):
    """Works on until nobody wants the picture any more."""

    def generate(self, _, work):
        release = threading.Event()
        while not release.wait(0.005):
            work.check()


async def test_an_open_loop_beyond_capacity_is_refused_and_does_not_hang():
    executor = Executor(1, Admission(1))
    servicer = ImageServicer(alone(StuckEngine()), executor)
    async with listening_server(
        lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server)
    ) as address:
        run = await finished(
            "load", "--target", "image", "--rate", "40/s", "--arrivals", "constant", "--count", "40",
            "--deadline", "500ms", "--json", expect=1, POSTCARDS_IMAGE_ADDRESS=address,
        )  # fmt: skip
    total = run["total"]
    assert total["succeeded"] == 0
    assert total["refused"] + total["deadline"] == 40
    assert total["refused"] >= 20
    assert total["deadline"] >= 2
    assert total["latency"]["p50"] >= 0.5
    assert await executor.drain(10)


async def test_requests_beyond_the_limit_are_not_sent_and_counted(composer):
    composer.held = asyncio.Event()
    run = await finished(
        "load", "--rate", "200/s", "--count", "30", "--outstanding", "5", "--deadline", "2s", "--json", expect=1,
        POSTCARDS_ADDRESS=composer.address,
    )  # fmt: skip
    total = run["total"]
    assert total["unsent"] + total["deadline"] == 30
    assert total["unsent"] > 0
    assert total["deadline"] >= 5


async def test_a_service_that_dies_leaves_a_report_and_an_exit_code(free_endpoint):
    service = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "postcards_language",
        env=os.environ
        | {"POSTCARDS_PORT": str(free_endpoint.port), "POSTCARDS_METRICS_PORT": str(free_endpoint.metrics_port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    load = await command(
        "load", "--target", "language", "-c", "32", "--count", "600", "--wait", "60s", "--json",
        POSTCARDS_LANGUAGE_ADDRESS=free_endpoint.address,
    )  # fmt: skip

    def some_are_made() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{free_endpoint.metrics_port}/metrics") as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return False
        handled = [line for line in lines if line.startswith("grpc_server_handled_total{") and '"OK"' in line]
        return sum(float(line.split()[-1]) for line in handled if "GeneratePhrases" in line) >= 5

    await eventually(some_are_made, timeout=60)
    service.kill()
    await service.wait()
    out, err = await asyncio.wait_for(load.communicate(), 60)
    assert load.returncode == 1, err
    total = json.loads(out)["total"]
    assert total["succeeded"] >= 1
    assert total["failed"] >= 1
    assert set(total["codes"]) <= {"UNAVAILABLE", "RESOURCE_EXHAUSTED QUEUE_FULL"}
    assert total["requests"] == 600


@pytest.fixture
def free_endpoint() -> Endpoint:
    return Endpoint("language", *free_ports(2))


async def command(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "postcards_cli",
        *arguments,
        env={**os.environ, **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finished(*arguments: str, expect: int = 0, **variables: str) -> dict:
    process = await command(*arguments, **variables)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == expect, err.decode()
    return json.loads(out)
