"""Latent pictures: tiles that cover them, pictures put together from tiles, the cheap look at them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")

import numpy as np  # noqa: E402

from postcards_image.engines.stable_diffusion.checkpoint.autoencoder import Autoencoder, Mosaic, tiles, to_bytes  # noqa: E402
from postcards_image.engines.stable_diffusion.latent_previews import PREVIEW_SIZE, LatentPreviews, shrunk  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vae(sd_checkpoint):
    from diffusers import AutoencoderKL

    return AutoencoderKL.from_pretrained(sd_checkpoint / "vae", use_safetensors=True).eval()


@pytest.fixture(scope="module")
def autoencoder(vae):
    return Autoencoder(vae, CPU, torch.float32)


@given(st.integers(8, 256), st.integers(8, 256))
def test_tiles_cover_every_latent_pixel_and_stay_inside(height, width):
    seen = np.zeros((height, width), int)
    for tile in tiles(height, width):
        assert tile.top + tile.height <= height
        assert tile.left + tile.width <= width
        seen[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
    assert seen.min() >= 1


@given(st.integers(8, 60), st.integers(8, 60), st.integers(8, 24))
def test_tiles_of_one_picture_give_that_picture(height, width, side):
    whole = torch.rand(height, width, 3)
    mosaic = Mosaic(height, width, 1)
    for tile in tiles(height, width, whole=0, side=side, overlap=side // 4):
        mosaic.add(tile, whole[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width])
    assert torch.allclose(mosaic.picture(), whole, atol=1e-5)


def test_a_picture_that_fits_is_one_tile():
    assert [tuple(vars(tile).values()) for tile in tiles(64, 64)] == [(0, 0, 64, 64)]


def test_decodes_as_diffusers_does(autoencoder, vae):
    from diffusers.image_processor import VaeImageProcessor

    latent = torch.randn(1, 4, 6, 9, generator=torch.Generator().manual_seed(1)) * 0.5
    with torch.inference_mode():
        decoded = vae.decode(latent / vae.config.scaling_factor).sample
    wanted = VaeImageProcessor(vae_scale_factor=8).postprocess(decoded, output_type="np")[0]
    assert np.abs(autoencoder.decode(latent).numpy() - wanted).max() < 1e-6
    assert to_bytes(autoencoder.decode(latent)).shape == (48, 72, 3)


def test_a_latent_picture_is_seen_in_its_colours(autoencoder):
    seen = LatentPreviews(autoencoder)
    flat = np.full((64, 64, 3), 128, np.uint8)
    latent = autoencoder.mean(flat)[0]
    look = seen.of_latent(latent)
    assert look.shape == (PREVIEW_SIZE, PREVIEW_SIZE, 3)
    assert np.abs(look.mean((0, 1)) - 128).max() < 64


def test_looks_keep_the_shape_of_the_picture(autoencoder):
    look = LatentPreviews(autoencoder).of_latent(torch.zeros(4, 8, 16))
    assert look.shape == (PREVIEW_SIZE // 2, PREVIEW_SIZE, 3)
    assert shrunk(np.zeros((100, 2000, 3), np.uint8)).shape == (19, PREVIEW_SIZE, 3)
