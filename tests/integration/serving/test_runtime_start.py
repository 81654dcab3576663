"""How a server process starts: not serving until its engine is loaded, and one clear line where it cannot."""

import signal
import socket

import grpc.aio
import pytest

from free_ports import free_port
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import eventually
from server_process import AT_ONCE, NOT_SERVING, SERVICE_NAME, SERVING, health, server, widths


async def test_it_is_not_serving_until_the_engine_is_loaded(tmp_path):
    port = free_port()
    async with (
        server(tmp_path, SLOW_LOADING="1", POSTCARDS_PORT=str(port)) as probe,
        open_channel(f"127.0.0.1:{port}") as channel,
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


async def test_it_listens_on_ipv6(tmp_path):
    async with server(tmp_path, POSTCARDS_BIND_ADDRESS="::1") as probe:
        address = (await probe.serving())["address"]
        assert address.startswith("[::1]:")
        async with grpc.aio.insecure_channel(address) as channel:
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
