"""The image service around a Stable Diffusion checkpoint, as a process of its own."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest

for library in ("torch", "diffusers", "transformers", "peft"):
    pytest.importorskip(library, reason="make setup-models brings it")

from postcards.image.v1 import image_pb2, image_pb2_grpc  # noqa: E402

from checkpoints.stable_diffusion import build_checkpoint  # noqa: E402
from postcards_serving.rpc.load_balancing import open_channel  # noqa: E402
from streamed import streamed  # noqa: E402


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return build_checkpoint(tmp_path_factory.mktemp("process") / "tiny", checker="lenient")


async def start(**settings: str) -> asyncio.subprocess.Process:
    quiet = {"POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", "POSTCARDS_DRAIN_PAUSE_SECONDS": "0"}
    ours = {"POSTCARDS_IMAGE_ENGINE": "stable-diffusion", "POSTCARDS_IMAGE_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "postcards_image",
        env=os.environ | quiet | ours | {"POSTCARDS_IMAGE_DEVICE": "cpu"} | settings,
        stderr=asyncio.subprocess.PIPE,
    )


@contextlib.asynccontextmanager
async def image_server(**settings: str):
    process = await start(**settings)
    logged: list[dict] = []
    try:
        while not logged or logged[-1]["message"] != "serving":
            line = await asyncio.wait_for(process.stderr.readline(), 120)
            logged.append(json.loads(line))
        async with open_channel(logged[-1]["address"]) as channel:
            yield image_pb2_grpc.ImageServiceStub(channel), logged
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def draw(stub, **fields) -> tuple[image_pb2.ImageResult, np.ndarray]:
    made = await streamed(stub.GenerateImage(image_pb2.GenerateImageRequest(**fields)))
    png = np.frombuffer(made.blobs["image.png"], np.uint8)
    return made.result, cv2.imdecode(png, cv2.IMREAD_UNCHANGED).astype(int)


async def test_pictures_asked_for_together_are_those_asked_for_alone_and_the_log_is_ours(checkpoint):
    asked = [
        {"seed": 1, "steps": 9, "guidance_scale": 1.0, "prompt": "a pale worm", "init_strength": 1.0},
        {"seed": 2, "steps": 3, "sampler": "ddim", "style": "distorted"},
        {"seed": 3, "steps": 6, "init_strength": 0.4, "guidance_scale": 4.0, "sampler": "euler"},
    ]
    async with image_server(POSTCARDS_IMAGE_MODEL=str(checkpoint)) as (stub, logged):
        assert [line["message"] for line in logged] == ["serving"]
        together = await asyncio.gather(*(draw(stub, **fields) for fields in asked))
        for fields, (result, picture) in zip(asked, together, strict=True):
            again, alone = await draw(stub, **fields)
            assert np.abs(picture - alone).max() <= 1
            assert result.provenance == again.provenance
            assert result.safety == image_pb2.SAFETY_VERDICT_PASSED
            assert (result.width, result.height) == (64, 64)
        assert "heavily distorted until unrecognizable" in together[1][0].provenance.settings["prompt"]


async def test_a_cancelled_call_makes_room(checkpoint):
    async with image_server(POSTCARDS_IMAGE_MODEL=str(checkpoint), POSTCARDS_IMAGE_BATCH_ROWS="1") as (stub, _):
        call = stub.GenerateImage(image_pb2.GenerateImageRequest(seed=1, steps=900, init_strength=1.0))
        async for response in call:
            if response.progress.stage == "denoise":
                break
        call.cancel()
        result, _ = await asyncio.wait_for(draw(stub, seed=2, steps=2), 60)
        assert result.width == 64
        with pytest.raises(grpc.aio.AioRpcError, match="must be empty or one of 'distorted'") as fault:
            await draw(stub, style="baroque")
        assert fault.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("fault", ["missing", "pickled"])
async def test_a_model_that_cannot_be_served_is_one_line(checkpoint, tmp_path, fault):
    model = tmp_path / "model"
    if fault == "pickled":
        shutil.copytree(checkpoint, model)
        weights = model / "unet" / "diffusion_pytorch_model.safetensors"
        weights.rename(weights.with_suffix(".bin"))
    process = await start(POSTCARDS_IMAGE_MODEL=str(model))
    _, complaint = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 1
    (line,) = complaint.decode().splitlines()
    assert line.startswith("postcards-image: cannot start: ")
    assert {"missing": "there is no folder", "pickled": "never unpickled"}[fault] in line


async def test_another_engine_draws_where_the_model_is_missing(tmp_path):
    missing = {"POSTCARDS_IMAGE_MODEL": str(tmp_path / "nowhere"), "POSTCARDS_IMAGE_FALLBACK": "creature"}
    async with image_server(**missing) as (stub, logged):
        assert "cannot be loaded" in logged[0]["message"]
        result, _ = await draw(stub, seed=1, width=64, height=64)
        assert result.provenance.engine == "creature"
        assert result.provenance.notes[-1].endswith("creature made this")
        with pytest.raises(grpc.aio.AioRpcError) as fault:
            await draw(stub, seed=1, engine="stable-diffusion")
        assert fault.value.code() is grpc.StatusCode.FAILED_PRECONDITION
