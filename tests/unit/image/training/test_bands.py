"""Patches as bands: the same picture in another basis, preconditioned band by band."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs torch: make setup-train")

from postcards_image.engines.ddpm.description import ModelDescription  # noqa: E402
from postcards_image.engines.ddpm.noise_schedule import NoiseSchedule  # noqa: E402
from postcards_image.engines.ddpm.unet.bands import Bands, band_basis, measure_bands  # noqa: E402


def described(deviations: tuple[float, ...], patch_size: int = 2) -> ModelDescription:
    return ModelDescription(
        "t", 8, patch_size, deviations, 2.0, prediction_type="v_prediction", beta_schedule="squaredcos_cap_v2"
    )


@pytest.mark.parametrize("patch_size", [1, 2, 4, 8])
def test_the_basis_is_orthonormal(patch_size):
    basis = band_basis(patch_size)
    assert np.allclose(basis @ basis.T, np.eye(3 * patch_size**2), atol=1e-6)


def test_a_flat_grey_picture_is_one_band():
    bands = Bands(described((1.0,) * 12)).split(torch.full((1, 3, 8, 8), 0.5))
    assert torch.allclose(bands[0, 0], torch.full((4, 4), 0.5 * 12**0.5))
    assert bands[0, 1:].abs().max() < 1e-6


def test_bands_join_to_the_picture_that_was_split():
    picture = torch.randn(2, 3, 8, 8)
    bands = Bands(described((1.0,) * 12))
    assert torch.allclose(bands.join(bands.split(picture)), picture, atol=1e-6)


def test_the_measured_deviations_are_those_of_the_bands():
    wanted = np.linspace(0.1, 3, 12)
    drawn = np.random.default_rng(0).standard_normal((400, 12, 4, 4)).astype(np.float32) * wanted[:, None, None]
    pictures = Bands(described((1.0,) * 12)).join(torch.from_numpy(drawn.astype(np.float32))).numpy()
    assert measure_bands(pictures, 2) == pytest.approx(tuple(wanted), rel=0.05)


def test_a_band_of_nothing_still_has_a_deviation():
    assert min(measure_bands(np.zeros((3, 3, 8, 8), np.float32), 2)) > 0


@given(sigma=st.floats(0.05, 50), deviation=st.floats(0.05, 5))
def test_the_guess_is_the_best_linear_one_and_what_it_misses_has_the_stated_size(sigma, deviation):
    bands = Bands(description := described((deviation,) * 12))
    timestep = torch.from_numpy(np.atleast_1d(NoiseSchedule(description).timestep_of(sigma)))
    gain, guess, missed = (float(values[0, 0]) for values in bands.factors(timestep))
    random = np.random.default_rng(7)
    clean, noise = deviation * random.standard_normal(100_000), random.standard_normal(100_000)
    size = np.sqrt(1 + sigma**2)
    seen, target = (clean + sigma * noise) / size, (noise - sigma * clean) / size
    rest = target - guess * seen
    assert np.std(gain * seen) == pytest.approx(1, rel=0.03)
    assert np.std(rest) == pytest.approx(missed, rel=0.03)
    assert abs(np.mean(rest * seen)) < 0.03 * np.std(rest) * np.std(seen)


def test_deviations_of_one_are_plain_v_prediction():
    gain, guess, missed = Bands(described((1.0,) * 12)).factors(torch.tensor([3.0, 500.5, 990.0]))
    assert torch.allclose(gain, torch.ones_like(gain))
    assert torch.allclose(guess, torch.zeros_like(guess))
    assert torch.allclose(missed, torch.ones_like(missed))


@pytest.mark.parametrize("deviations", [(1.0,) * 11, (0.0,) * 12, (float("nan"),) * 12])
def test_deviations_that_cannot_be_are_refused(deviations):
    with pytest.raises(ValueError, match="band_deviations"):
        described(deviations)
