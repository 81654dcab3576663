"""Running out of memory in the UNet of the real engine, behind a real server."""

import asyncio
import json

import grpc
import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
for library in ("diffusers", "transformers", "peft"):
    pytest.importorskip(library, reason="make setup-models brings it")

from postcards.image.v1 import image_pb2, image_pb2_grpc  # noqa: E402
from prometheus_client import REGISTRY  # noqa: E402

from checkpoints.stable_diffusion import build_checkpoint  # noqa: E402
from postcards_image.engines.stable_diffusion import Choices, load_engine  # noqa: E402
from postcards_image.servicer import ImageServicer  # noqa: E402
from postcards_serving.engine.executor import Executor  # noqa: E402
from postcards_serving.engine.served import alone  # noqa: E402
from postcards_serving.rpc.statuses import from_rpc_error  # noqa: E402
from postcards_serving.testing import running_server  # noqa: E402
from streamed import streamed  # noqa: E402

ROWS = 4
SMALL = 8 * 8
"""Latent pixels of a picture of 64 x 64."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = build_checkpoint(tmp_path_factory.mktemp("memory") / "tiny")
    engine = load_engine(Choices(str(folder), device="cpu", threads=1, batch_rows=ROWS))
    yield engine
    engine.close()


@pytest.fixture
async def stub(engine):
    servicer = ImageServicer(alone(engine), Executor(ROWS, engine=engine.name, stages=engine.stages))
    async with running_server(
        lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server)
    ) as channel:
        yield image_pb2_grpc.ImageServiceStub(channel)


@pytest.fixture
def capacity(engine, monkeypatch):
    """How many latent pixels a call of the UNet finds memory for; the sizes of the calls that did."""
    limits = {"pixels": 10**9, "largest": 0}
    unet = engine._checkpoint.network.unet
    forward = unet.forward

    def tight(latents, *rest, **options):
        pixels = latents.shape[0] * latents.shape[2] * latents.shape[3]
        if pixels > limits["pixels"]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        limits["largest"] = max(limits["largest"], pixels)
        return forward(latents, *rest, **options)

    monkeypatch.setattr(unet, "forward", tight)
    return limits


async def draw(stub, **fields) -> tuple[image_pb2.ImageResult, bytes]:
    asked = image_pb2.GenerateImageRequest(**{"init_strength": 1.0, "prompt": "a thing", "steps": 6, **fields})
    made = await streamed(stub.GenerateImage(asked))
    return made.result, made.blobs["image.png"]


async def test_a_picture_too_large_for_the_memory_fails_alone_and_the_service_lives_on(stub, capacity):
    alone = await draw(stub, seed=1)
    capacity["pixels"] = 2 * ROWS * SMALL
    results = await asyncio.gather(
        draw(stub, seed=1), draw(stub, seed=2, width=256, height=256), draw(stub, seed=3), return_exceptions=True
    )
    (small, failure, other) = results
    assert isinstance(failure, grpc.aio.AioRpcError)
    assert failure.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert from_rpc_error(failure).reason == "OUT_OF_MEMORY"
    assert "CUDA" not in failure.details()
    assert small[0].provenance == alone[0].provenance
    assert len(other[1]) > 100
    assert (await draw(stub, seed=1))[0].width == 64


async def test_too_many_at_once_step_in_smaller_company_and_all_are_drawn(stub, capacity):
    before = REGISTRY.get_sample_value("postcards_batch_budget", {"engine": "stable-diffusion"})
    capacity["pixels"] = 2 * 2 * SMALL
    results = await asyncio.gather(*(draw(stub, seed=seed, steps=12) for seed in range(ROWS)))
    assert [json.loads(result.provenance.settings["seed"]) for result, _ in results] == list(range(ROWS))
    assert 0 < capacity["largest"] <= 2 * 2 * SMALL
    assert REGISTRY.get_sample_value("postcards_batch_budget", {"engine": "stable-diffusion"}) < before
