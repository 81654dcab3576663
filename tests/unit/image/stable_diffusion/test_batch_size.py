"""How many pictures the engine steps together: what it asks of the UNet of a real checkpoint, on a fake CUDA device."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")

from fake_cuda import CARD, FakeCudaDevice
from postcards_image.engines.stable_diffusion.batch_size import batch_size_for
from postcards_image.engines.stable_diffusion.checkpoint.loading import load_checkpoint
from postcards_image.engines.stable_diffusion.choices import Choices
from postcards_image.engines.stable_diffusion.engine import StableDiffusionEngine
from postcards_serving.batching.capacity import USUAL_ROWS, BatchCapacity

SAMPLE = 1000
"""Bytes that one latent picture takes in the fake UNet."""


@pytest.fixture(scope="module")
def checkpoint(sd_checkpoint):
    return load_checkpoint(Choices(str(sd_checkpoint), device="cpu", threads=1))


@pytest.fixture
def card(checkpoint, monkeypatch):
    """A card that counts the calls of the UNet."""
    card = FakeCudaDevice(monkeypatch, 20 * SAMPLE)
    unet = checkpoint.network.unet
    forward = unet.forward

    def counted(latents, *rest, **options):
        card.working(len(latents) * SAMPLE)
        return forward(latents, *rest, **options)

    monkeypatch.setattr(unet, "forward", counted)
    return card


def test_pictures_with_guidance_are_counted_twice(checkpoint, card):
    on_card = replace(checkpoint, device=CARD)
    assert batch_size_for(on_card, 0, engine="fake") == BatchCapacity(8, 8)
    assert batch_size_for(on_card, 3, engine="fake") == BatchCapacity(3, 3)
    card.total = 1000 * SAMPLE
    assert batch_size_for(on_card, 0, engine="fake") == BatchCapacity(16, 64)


@pytest.mark.usefixtures("card")
def test_the_engine_steps_what_the_memory_holds(checkpoint):
    engine = StableDiffusionEngine(replace(checkpoint, device=CARD), batch_rows=0)
    assert engine.requests_at_once == 8
    side = checkpoint.size // checkpoint.autoencoder.factor
    assert engine._batch._loop._schedule.budget.most == 2 * 8 * side**2
    engine.close()


def test_a_processor_steps_the_usual_number(sd_engine):
    assert sd_engine.requests_at_once == USUAL_ROWS
