"""The audio service around a Stable Audio model, as a process of its own."""

import asyncio
import contextlib
import json
import os
import sys

import grpc
import pytest
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc

from postcards_serving.rpc.load_balancing import open_channel
from streamed import streamed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny checkpoint with sounds of 2.9 seconds."""
    pytest.importorskip("stable_audio_tools", reason="make setup-models brings it")
    from checkpoints.stable_audio import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("models") / "tiny-stable-audio")


@contextlib.asynccontextmanager
async def audio_server(**settings: str):
    ours = {
        "POSTCARDS_PORT": "0",
        "POSTCARDS_METRICS_PORT": "0",
        "POSTCARDS_DRAIN_PAUSE_SECONDS": "0",
        "POSTCARDS_AUDIO_ENGINE": "stable-audio",
        "POSTCARDS_AUDIO_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "postcards_audio", env=os.environ | ours | settings, stderr=asyncio.subprocess.PIPE
    )
    try:
        async for line in process.stderr:
            told = json.loads(line)
            if told["message"] == "serving":
                break
        async with open_channel(told["address"]) as channel:
            yield audio_pb2_grpc.AudioServiceStub(channel)
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def call(stub, **fields):
    made = await streamed(stub.GenerateAudio(audio_pb2.GenerateAudioRequest(**fields)))
    return made.result, made.blobs, made.stages


async def test_calls_of_all_kinds_share_a_server_and_a_cancelled_one_makes_room(folder):
    async with audio_server(POSTCARDS_AUDIO_MODEL=str(folder), POSTCARDS_AUDIO_BATCH_ROWS="2") as stub:
        requests = [
            {"seed": 1, "seconds": 2.0, "steps": 12, "exact": True},
            {"seed": 2, "seconds": 1.0, "steps": 30, "init_strength": 1.0, "guidance_scale": 1.0},
            {"seed": 3, "seconds": 0.5, "steps": 8, "init_strength": 0.0},
        ]
        made = await asyncio.gather(*(call(stub, **fields) for fields in requests))
        for (result, blobs, stages), asked in zip(made, requests, strict=True):
            assert result.seconds == asked["seconds"]
            assert blobs.keys() == {"call.flac", "call.mp3"}
            assert result.provenance.engine == "stable-audio"
            assert result.provenance.model_files["model.safetensors"]
            assert ("denoise" in stages) is (asked.get("init_strength") != 0)
        again, blobs, _ = await call(stub, **requests[0])
        assert blobs == made[0][1]
        assert again.provenance == made[0][0].provenance
        with pytest.raises(grpc.aio.AioRpcError, match=r"seconds must be 0\.5 to 2\.9 for this model") as fault:
            await call(stub, seconds=30)
        assert fault.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        begun = stub.GenerateAudio(audio_pb2.GenerateAudioRequest(seconds=1, steps=1000, init_strength=1.0))
        async for response in begun:
            if response.progress.stage == "denoise":
                break
        begun.cancel()
        await asyncio.wait_for(asyncio.gather(*(call(stub, seconds=1, steps=2) for _ in range(2))), 60)


async def test_the_vocal_tract_calls_where_the_model_is_missing():
    settings = {"POSTCARDS_AUDIO_MODEL": "nobody/nothing", "POSTCARDS_AUDIO_FALLBACK": "vocal-tract"}
    async with audio_server(**settings) as stub:
        result, _, _ = await call(stub, seconds=1)
        assert result.provenance.engine == "vocal-tract"
        assert "stable-audio failed" in result.provenance.notes[-1]
        with pytest.raises(grpc.aio.AioRpcError) as fault:
            await call(stub, seconds=1, engine="stable-audio")
        assert fault.value.code() is grpc.StatusCode.FAILED_PRECONDITION
