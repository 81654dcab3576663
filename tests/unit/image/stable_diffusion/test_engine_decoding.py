"""Latents that are too large to be decoded at once: in tiles, by plan or for want of memory."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from postcards_image.engines.stable_diffusion.checkpoint import autoencoder  # noqa: E402
from postcards_serving.engine.work import Work  # noqa: E402
from postcards_serving.errors import OutOfMemory  # noqa: E402
from sd_pictures import picture, pixels, request  # noqa: E402


def test_a_large_picture_is_put_together_from_tiles(sd_engine, monkeypatch):
    whole = picture(sd_engine, width=192, height=128, steps=2)
    monkeypatch.setattr(autoencoder.tiles, "__kwdefaults__", {"whole": 0, "side": 12, "overlap": 6})
    monkeypatch.setattr(autoencoder, "OVERLAP", 6)
    chores: list[object] = []
    decode = sd_engine._checkpoint.autoencoder.decode
    monkeypatch.setattr(sd_engine._checkpoint.autoencoder, "decode", lambda crop: chores.append(crop) or decode(crop))
    tiled = picture(sd_engine, width=192, height=128, steps=2)
    assert len(chores) > 3
    assert tiled.shape == whole.shape == (128, 192, 3)
    assert np.abs(tiled - whole).mean() < 0.5 * np.abs(whole - whole.mean((0, 1))).mean()


def test_a_picture_that_cannot_be_decoded_at_once_is_decoded_in_tiles(sd_engine, monkeypatch):
    plain = picture(sd_engine, width=320, height=320, steps=1)
    decode, failures = sd_engine._checkpoint.autoencoder._vae.decode, itertools.count()

    def tight(latent, **options):
        if latent.shape[-1] * latent.shape[-2] > 32 * 32:
            next(failures)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(latent, **options)

    monkeypatch.setattr(sd_engine._checkpoint.autoencoder._vae, "decode", tight)
    result = sd_engine.generate(request(width=320, height=320, steps=1), Work())
    assert next(failures) > 0
    assert pixels(result.blobs[0].data).shape == plain.shape
    assert "want of memory" in result.provenance.notes[0]


def test_a_picture_that_found_memory_at_the_second_try_has_no_seams_to_tell_of(sd_engine, monkeypatch):
    plain = picture(sd_engine, steps=1)
    decode, tries = sd_engine._checkpoint.autoencoder._vae.decode, itertools.count()

    def tight_at_first(latent, **options):
        if next(tries) == 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(latent, **options)

    monkeypatch.setattr(sd_engine._checkpoint.autoencoder._vae, "decode", tight_at_first)
    result = sd_engine.generate(request(steps=1), Work())
    assert next(tries) == 2
    assert np.array_equal(pixels(result.blobs[0].data), plain)
    assert not any("tiles" in note for note in result.provenance.notes)


def test_a_picture_that_cannot_be_decoded_at_all_is_an_error_of_its_own(sd_engine, monkeypatch):
    def tight(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(sd_engine._checkpoint.autoencoder._vae, "decode", tight)
        with pytest.raises(OutOfMemory):
            sd_engine.generate(request(steps=1), Work())
    assert picture(sd_engine, steps=1).shape == (64, 64, 3)
