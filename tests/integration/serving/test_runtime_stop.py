"""How a server process ends: health first, then the calls in flight, then the engine; and what ends it at once."""

import signal

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import eventually
from server_process import (
    AT_ONCE,
    FOR_EVER,
    NOT_SERVING,
    SERVICE_NAME,
    SERVING,
    UNTIL_RELEASED,
    health,
    server,
    started,
    widths,
)


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
        # Before that a new call would be taken, and wait for the place of the first.
        await eventually(lambda: probe.logged("stopping"))

        async def refused() -> bool:
            async with open_channel(address) as other:
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


@pytest.mark.long
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


async def test_a_failing_close_is_logged_and_told_by_the_exit_code(tmp_path):
    async with server(tmp_path, FAIL_CLOSING="1") as probe:
        await probe.serving()
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 1
        assert "RuntimeError" in probe.logged("closing failed")["exception"]
