"""The image service as it is shipped: a process around the real engine."""

import asyncio
import contextlib
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_serving.rpc.load_balancing import open_channel
from streamed import streamed

MAX_RESIDENT_BYTES = 400 * 1024 * 1024


def environment(**settings: str) -> dict[str, str]:
    quiet = {"POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", "POSTCARDS_DRAIN_PAUSE_SECONDS": "0"}
    return os.environ | quiet | settings


async def start(**settings: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "postcards_image", env=environment(**settings), stderr=asyncio.subprocess.PIPE
    )


@contextlib.asynccontextmanager
async def image_server():
    process = await start()
    try:
        line = await asyncio.wait_for(process.stderr.readline(), 60)
        serving = json.loads(line)
        assert serving["message"] == "serving", line
        async with open_channel(serving["address"]) as channel:
            yield image_pb2_grpc.ImageServiceStub(channel), process
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


def told(report: image_pb2.GenerateImageResponse) -> str:
    return f"preview of {report.preview.stage}" if report.HasField("preview") else report.progress.stage


async def picture(stub: image_pb2_grpc.ImageServiceStub, **fields) -> tuple[image_pb2.ImageResult, bytes, list[str]]:
    made = await streamed(stub.GenerateImage(image_pb2.GenerateImageRequest(**fields)))
    return made.result, made.blobs["image.png"], [told(report) for report in made.reports]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int16)


def resident_bytes(process_id: int) -> int:
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_it_draws_what_is_asked_for():
    async with image_server() as (stub, _):
        result, png, stages = await picture(stub, seed=11, width=256, height=192, previews=True)
        assert pixels(png).shape == (192, 256, 3)
        assert (result.width, result.height) == (256, 192)
        assert (result.provenance.engine, json.loads(result.provenance.settings["seed"])) == ("creature", 11)
        assert len(result.alt_text.split()) > 3
        assert {"skeleton", "body", "skin", "light", "print", "preview of skin"} <= set(stages)
        again, same, _ = await picture(stub, seed=11, width=256, height=192)
        assert (again.alt_text, same) == (result.alt_text, png)
        _, other, _ = await picture(stub, seed=12, width=256, height=192)
        assert np.abs(pixels(other) - pixels(png)).mean() > 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc, which this system lacks")
async def test_it_is_small_at_rest():
    async with image_server() as (_, process):
        assert resident_bytes(process.pid) < MAX_RESIDENT_BYTES


async def test_an_unknown_engine_is_one_line_that_names_the_known():
    process = await start(POSTCARDS_IMAGE_ENGINE="dragon")
    _, complaint = await process.communicate()
    assert process.returncode == 2
    (line,) = complaint.decode().splitlines()
    assert line.startswith("postcards-image: POSTCARDS_IMAGE_ENGINE: ")
    assert "'creature'" in line
