"""A server process around an engine that the test steers by the request, and what tests ask it."""

import asyncio
import contextlib
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_serving.rpc.load_balancing import open_channel
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
        return open_channel(f"127.0.0.1:{(await self.serving())['port']}")

    async def exit_code(self) -> int:
        code = await asyncio.wait_for(self.process.wait(), 60)
        await self._reading
        return code

    def release(self) -> None:
        self.gate.touch()


@contextlib.asynccontextmanager
async def server(tmp_path: Path, *, script: Path = SCRIPT, **environment: str) -> AsyncIterator[Server]:
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
        script,
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


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        return response.read().decode()
