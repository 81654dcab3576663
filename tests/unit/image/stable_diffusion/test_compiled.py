"""The UNet compiled: for what has been rehearsed, once, and with the same pictures."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from torch._dynamo.testing import CompileCounter  # noqa: E402

from postcards_image.engines.stable_diffusion import Choices, load_engine  # noqa: E402
from postcards_image.engines.stable_diffusion.checkpoint.loading import load_checkpoint  # noqa: E402
from postcards_image.engines.stable_diffusion.checkpoint.network import Network  # noqa: E402
from sd_pictures import picture  # noqa: E402


@pytest.fixture
def compilations(monkeypatch):
    """Counts what torch compiles; runs it as it is."""
    torch._dynamo.reset()
    counter = CompileCounter()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=counter))
    yield counter
    torch._dynamo.reset()


def test_what_is_rehearsed_is_compiled_once_and_draws_the_same(sd_checkpoint, sd_engine, compilations):
    engine = load_engine(Choices(str(sd_checkpoint), device="cpu", threads=1, compile="compile", batch_rows=1))
    try:
        rehearsed = compilations.frame_count
        assert rehearsed > 0
        for changes in ({}, {"guidance_scale": 1.0}, {"sampler": "euler-a"}, {"init_strength": 0.5}):
            compiled, plain = (picture(made, **{"steps": 3, **changes}) for made in (engine, sd_engine))
            assert np.abs(compiled - plain).max() <= 1
        assert compilations.frame_count == rehearsed
    finally:
        engine.close()


def test_rows_that_fill_a_compiled_batch_change_nothing(sd_checkpoint, monkeypatch):
    loaded = load_checkpoint(Choices(str(sd_checkpoint), device="cpu", threads=1))
    sizes: list[int] = []

    def compiled(unet, **options):
        assert options == {"dynamic": False}

        def call(latents, *rest, **named):
            sizes.append(len(latents))
            return unet(latents, *rest, **named)

        return call

    monkeypatch.setattr(torch, "compile", compiled)
    padded = Network(loaded.network.unet, torch.device("cpu"), torch.float32, compiled=True)
    padded.rehearse(3, 8, 8, 77)
    assert sizes == [1, 2, 4]
    generator = torch.Generator().manual_seed(0)
    latents, words = (torch.randn(3, *shape, generator=generator) for shape in ((4, 8, 8), (77, 32)))
    batch = (latents, torch.arange(3.0), words)
    # Processors choose how to multiply by the number of rows; 1e-4 is what company may change.
    assert torch.allclose(padded(*batch), loaded.network(*batch), atol=1e-4)
    assert sizes[-1] == 4
    assert padded.compiled_for(8, 8, 77)


def test_only_rehearsed_shapes_run_compiled(sd_checkpoint, monkeypatch):
    loaded = load_checkpoint(Choices(str(sd_checkpoint), device="cpu", threads=1))
    compiled: list[tuple[int, ...]] = []

    def remember(unet, **_):
        return lambda latents, *rest, **named: compiled.append(latents.shape) or unet(latents, *rest, **named)

    monkeypatch.setattr(torch, "compile", remember)
    network = Network(loaded.network.unet, torch.device("cpu"), torch.float32, compiled=True)
    network.rehearse(2, 8, 8, 77)
    compiled.clear()
    for rows, height, width, tokens in [(1, 8, 8, 154), (1, 16, 8, 77), (3, 8, 8, 77)]:
        batch = (torch.ones(rows, 4, height, width), torch.ones(rows), torch.ones(rows, tokens, 32))
        assert torch.allclose(network(*batch), loaded.network(*batch), atol=1e-5)
    assert compiled == []
    assert [network.compiled_for(8, 8, 77), network.compiled_for(8, 8, 154), network.compiled_for(8, 16, 77)] == [
        True,
        False,
        False,
    ]


def test_where_nothing_can_be_compiled_the_unet_runs_as_it_is(sd_checkpoint, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: broken)
    checkpoint = load_checkpoint(Choices(str(sd_checkpoint), device="cpu", threads=1, compile="compile"))
    checkpoint.network.rehearse(2, 8, 8, 77)
    assert not checkpoint.network.compiled_for(8, 8, 77)
    assert checkpoint.network(torch.zeros(1, 4, 8, 8), torch.ones(1), torch.zeros(1, 77, 32)).shape == (1, 4, 8, 8)
    assert "cannot be compiled" in caplog.text
