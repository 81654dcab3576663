import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_image.engines.creature.finish import finish_painting
from postcards_image.engines.ddpm.enlarging import enlarge
from postcards_species.species import caption_of, derive_species


def disc(size: int) -> np.ndarray:
    """A bright disc with soft edges on a dark ground."""
    at = np.arange(size) - (size - 1) / 2
    edge = np.clip(size * 0.3 - np.hypot(at[None], at[:, None]) + 0.5, 0, 1)
    return np.rint(40 + 170 * edge[..., None] * np.ones(3)).astype(np.uint8)


@settings(max_examples=25)
@given(st.sampled_from([8, 16, 32, 64, 100, 128]), st.integers(64, 400))
def test_every_size_comes_out(small, large):
    painting = enlarge(disc(small), large)
    assert painting.shape == (large, large, 3)
    assert painting.dtype == np.float32
    assert 0 <= painting.min() <= painting.max() <= 1


def test_edges_come_out_crisper_than_by_interpolation():
    sample = disc(32)
    soft = cv2.resize(sample, (512, 512), interpolation=cv2.INTER_CUBIC) / 255
    steepest = [np.abs(np.diff(picture[256, :, 0])).max() for picture in (enlarge(sample, 512), soft)]
    assert steepest[0] > 1.5 * steepest[1]


def test_colours_and_shapes_stay_where_they_are():
    sample = disc(64)
    back = cv2.resize(enlarge(sample, 512), (64, 64), interpolation=cv2.INTER_AREA) * 255
    assert np.abs(back - sample).mean() < 4
    even = np.full((16, 16, 3), (10, 120, 200), np.uint8)
    assert np.abs(enlarge(even, 128) * 255 - even[0, 0]).max() < 1


def test_noise_is_not_taken_for_shapes():
    noise = np.random.default_rng(1).normal(0, 20, (64, 64, 3))
    noisy = np.clip(disc(64) + noise, 0, 255).astype(np.uint8)
    clean, cleaned = enlarge(disc(64), 256) * 255, enlarge(noisy, 256) * 255
    assert np.abs(cleaned - clean).mean() < 9


@pytest.mark.parametrize("seed", range(6))
def test_a_print_shows_the_painting(seed):
    """Bright where it is bright, whatever the finish: nothing of the sample is lost behind the print."""
    species = derive_species(seed)
    picture = finish_painting(species.scene, enlarge(disc(64), 256), 256, 256, caption_of(species))
    assert picture.shape == (256, 256, 3)
    middle, corner = picture[96:160, 96:160].mean(), picture[40:60, 40:60].mean()
    assert middle > corner + 20
