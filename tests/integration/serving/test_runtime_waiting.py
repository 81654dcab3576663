"""A server process whose engine cannot be loaded: it waits, tries again, and tells callers why meanwhile."""

import asyncio
import json
import signal

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from free_ports import free_port
from postcards_serving.errors import ServiceError
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import eventually
from server_process import AT_ONCE, NOT_SERVING, SERVICE_NAME, SERVING, health, scraped, server, widths

WAIT = {"POSTCARDS_ON_LOAD_FAILURE": "wait", "POSTCARDS_LOAD_RETRY_SECONDS": "0.05"}
FAILURES = "postcards_load_failures_total"


async def refusal(channel: grpc.aio.Channel) -> ServiceError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await widths(channel, AT_ONCE)
    return from_rpc_error(caught.value)


async def test_it_waits_for_a_model_and_serves_it_when_it_comes(tmp_path):
    port, missing = free_port(), "the model x is gated: accept its licence"
    async with (
        server(tmp_path, POSTCARDS_PORT=str(port), MISSING_MODEL=missing, **WAIT) as probe,
        open_channel(f"127.0.0.1:{port}") as channel,
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
    port = free_port()
    patient = WAIT | {"POSTCARDS_LOAD_RETRY_SECONDS": "30"}
    async with (
        server(tmp_path, POSTCARDS_PORT=str(port), **patient, **environment) as probe,
        open_channel(f"127.0.0.1:{port}") as channel,
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
    port = free_port()
    environment = {"SLOW_LOADING": "1", "FAIL_WARM_UP": "1", "POSTCARDS_LOG_LEVEL": "error"}
    environment |= {"POSTCARDS_ON_LOAD_FAILURE": policy}
    async with (
        server(tmp_path, POSTCARDS_PORT=str(port), **environment) as probe,
        open_channel(f"127.0.0.1:{port}") as channel,
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
