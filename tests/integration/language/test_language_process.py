"""The language service as it is shipped: a process around the embedded engine."""

import asyncio
import json
import os
import signal
import sys

import pytest
from postcards.language.v1 import language_pb2, language_pb2_grpc

from postcards_serving.rpc.load_balancing import open_channel

MAX_RESIDENT_KIB = 200 * 1024


def environment(**settings: str) -> dict[str, str]:
    quiet = {"POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", "POSTCARDS_DRAIN_PAUSE_SECONDS": "0"}
    return os.environ | quiet | settings


async def start(**settings: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "postcards_language", env=environment(**settings), stderr=asyncio.subprocess.PIPE
    )


async def test_it_serves_and_stops() -> None:
    process = await start()
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while (line := json.loads(await process.stderr.readline()))["message"] != "serving":
                pass
        async with open_channel(f"127.0.0.1:{line['port']}") as channel:
            stub = language_pb2_grpc.LanguageServiceStub(channel)
            kinds = [
                response.WhichOneof("event")
                async for response in stub.GeneratePhrases(language_pb2.GeneratePhrasesRequest(count=3))
            ]
        assert kinds.count("phrase") == 3
        assert resident_kib(process.pid) < MAX_RESIDENT_KIB
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:  # noqa: PTH123
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.parametrize("engine", ["gpt", "Phonotactic", "OpenAI"])
async def test_an_unknown_engine_is_one_clear_line(engine: str) -> None:
    process = await start(POSTCARDS_LANGUAGE_ENGINE=engine)
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert "POSTCARDS_LANGUAGE_ENGINE" in errors.decode()
    assert "phonotactic" in errors.decode()
    assert "Traceback" not in errors.decode()


def test_the_service_stays_light() -> None:
    import subprocess

    code = (
        "import sys, postcards_language.__main__; print([m for m in ('torch', 'numpy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
