"""The health check of the containers, against real servers."""

import asyncio
import os
import socket
import sys

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from postcards_serving.server.health_probe import ask, own_address
from postcards_serving.testing import listening_server

STATUS = health_pb2.HealthCheckResponse


async def check(**variables: str) -> tuple[int, str]:
    """Exit code and output of the check in a process of its own, with no other settings than these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTCARDS_")}
    command = [sys.executable, "-m", "postcards_serving.server.health_probe"]
    process = await asyncio.create_subprocess_exec(
        *command, env=kept | variables, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaints = await process.communicate()
    assert not complaints
    return process.returncode or 0, output.decode().strip()


async def test_a_server_that_serves_is_healthy():
    async with listening_server() as address:
        port = address.rpartition(":")[2]
        # The proxy that containers are often given must not be asked for their own loopback.
        proxy = "http://127.0.0.1:1"
        assert await check(POSTCARDS_PORT=port, http_proxy=proxy, grpc_proxy=proxy) == (0, f"{address}: SERVING")


async def test_a_server_on_every_interface_is_asked_on_loopback():
    async with listening_server() as address:
        port = address.rpartition(":")[2]
        code, output = await check(POSTCARDS_PORT=port, POSTCARDS_BIND_ADDRESS="0.0.0.0")  # noqa: S104
        assert (code, output) == (0, f"{address}: SERVING")


@pytest.mark.parametrize("status", ["NOT_SERVING", "UNKNOWN"])
async def test_a_server_that_does_not_serve_is_not_healthy(status):
    server = grpc.aio.server()
    servicer = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        await servicer.set("", STATUS.ServingStatus.Value(status))
        assert await check(POSTCARDS_PORT=str(port)) == (1, f"127.0.0.1:{port}: {status}")
    finally:
        await server.stop(None)


async def test_where_nobody_listens_is_told():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, output = await check(POSTCARDS_PORT=str(port))
    assert code == 1
    assert "UNAVAILABLE" in output


def test_a_server_that_accepts_and_says_nothing_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask(f"127.0.0.1:{silent.getsockname()[1]}", patience_seconds=0.2)
    assert answer.startswith(("DEADLINE_EXCEEDED", "UNAVAILABLE"))


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("", "127.0.0.1:7"),
        ("0.0.0.0", "127.0.0.1:7"),  # noqa: S104
        ("::", "[::1]:7"),
        ("[::]", "[::1]:7"),
        ("fd00::2", "[fd00::2]:7"),
        ("10.0.0.3", "10.0.0.3:7"),
    ],
)
def test_the_address_is_one_that_can_be_called(bound, expected):
    assert own_address({"POSTCARDS_BIND_ADDRESS": bound, "POSTCARDS_PORT": "7"}) == expected


def test_the_port_of_containers_is_asked_where_none_is_set():
    assert own_address({}) == "127.0.0.1:50051"
