"""The image service around a trained model, as a process of its own."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import grpc
import pytest
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_serving.rpc.load_balancing import open_channel
from postcards_species.species import derive_species
from streamed import streamed

TINY = Path(__file__).parents[2] / "models" / "tiny.onnx"


async def start(**settings: str) -> asyncio.subprocess.Process:
    quiet = {"POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", "POSTCARDS_DRAIN_PAUSE_SECONDS": "0"}
    ours = {"POSTCARDS_IMAGE_ENGINE": "ddpm", "POSTCARDS_IMAGE_MODEL": str(TINY), "POSTCARDS_IMAGE_THREADS": "1"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "postcards_image",
        env=os.environ | quiet | ours | settings,
        stderr=asyncio.subprocess.PIPE,
    )


@contextlib.asynccontextmanager
async def image_server(**settings: str):
    process = await start(**settings)
    try:
        line = await asyncio.wait_for(process.stderr.readline(), 90)
        serving = json.loads(line)
        assert serving["message"] == "serving", line
        async with open_channel(serving["address"]) as channel:
            yield image_pb2_grpc.ImageServiceStub(channel)
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def sample(
    stub: image_pb2_grpc.ImageServiceStub, **fields
) -> tuple[image_pb2.ImageResult, dict[str, bytes], list]:
    made = await streamed(stub.GenerateImage(image_pb2.GenerateImageRequest(width=96, height=96, **fields)))
    return made.result, made.blobs, [report.progress for report in made.reports if report.HasField("progress")]


async def test_a_model_that_comes_later_takes_over_from_the_drawing(tmp_path):
    file = tmp_path / "late.onnx"
    late = {"POSTCARDS_IMAGE_MODEL": str(file), "POSTCARDS_IMAGE_FALLBACK": "creature"}
    process = await start(**late, POSTCARDS_LOAD_RETRY_SECONDS="0.1")
    lines: list[dict[str, str]] = []

    async def logged(words: str) -> dict[str, str]:
        while words not in (lines or [{"message": ""}])[-1]["message"]:
            lines.append(json.loads(await asyncio.wait_for(process.stderr.readline(), 90)))
        return lines[-1]

    try:
        assert (await logged("creature' serves in its place until it can"))["level"] == "warning"
        async with open_channel((await logged("serving"))["address"]) as channel:
            stub = image_pb2_grpc.ImageServiceStub(channel)
            drawn, _, _ = await sample(stub, seed=1)
            assert drawn.provenance.engine == "creature"
            assert drawn.provenance.notes == ["ddpm failed (its model cannot be used here): creature made this"]
            file.with_suffix(".part").write_bytes(TINY.read_bytes())
            file.with_suffix(".part").rename(file)
            assert (await logged("takes over"))["message"] == "engine 'ddpm' is loaded and takes over from 'creature'"
            made, _, _ = await sample(stub, seed=1, steps=2)
            assert (made.provenance.engine, made.provenance.model) == ("ddpm", "tiny")
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def test_pictures_asked_for_together_are_those_asked_for_alone():
    asked = [
        {"seed": 1, "steps": 9, "guidance_scale": 1.0},
        {"seed": 2, "steps": 3, "init_strength": 1.0, "sampler": "ddim"},
        {"seed": 3, "steps": 6, "init_strength": 0.4, "guidance_scale": 4.0},
    ]
    async with image_server() as stub:
        together = await asyncio.gather(*(sample(stub, **fields) for fields in asked))
        for fields, (result, blobs, events) in zip(asked, together, strict=True):
            _, alone, _ = await sample(stub, **fields)
            assert blobs.keys() == alone.keys() == {"image.png", "raw.png"}
            assert result.provenance.model == "tiny"
            assert {event.stage for event in events} >= {"bones", "denoise", "print"}
            assert blobs["raw.png"][:8] == b"\x89PNG\r\n\x1a\n"


async def test_the_parents_of_a_request_reach_the_model():
    async with image_server() as stub:
        result, _, _ = await sample(stub, seed=1, steps=2, parents=[{"animal": "Panda", "weight": 1.0}])
        assert json.loads(result.provenance.settings["classes"]) == {"panda": 1.0}
        result, _, _ = await sample(stub, seed=1, steps=2)
        assert any(parent.animal in " ".join(result.provenance.notes) for parent in derive_species(1).parents)


async def test_a_cancelled_call_makes_room():
    async with image_server(POSTCARDS_IMAGE_BATCH_ROWS="1") as stub:
        call = stub.GenerateImage(image_pb2.GenerateImageRequest(seed=1, steps=1000, init_strength=1.0))
        async for response in call:
            if response.progress.stage == "denoise":
                break
        call.cancel()
        result, _, _ = await asyncio.wait_for(sample(stub, seed=2, steps=2), 60)
        assert result.width == 96


async def test_an_unknown_sampler_is_refused():
    async with image_server() as stub:
        with pytest.raises(grpc.aio.AioRpcError, match="must be empty or one of") as fault:
            await sample(stub, sampler="magic")
        assert fault.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"POSTCARDS_IMAGE_MODEL": "/nowhere/model.onnx"}, "there is no file or folder /nowhere/model.onnx"),
        ({"POSTCARDS_IMAGE_MODEL": __file__}, "neither an ONNX file"),
        ({"POSTCARDS_IMAGE_RUNTIME": "torch"}, "POSTCARDS_IMAGE_RUNTIME=onnx"),
    ],
)
async def test_a_model_that_cannot_be_served_is_one_line(settings, words):
    process = await start(**settings)
    _, complaint = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 1
    (line,) = complaint.decode().splitlines()
    assert line.startswith("postcards-image: cannot start: ")
    assert words in line
