"""The limiter against the spectrum's own reading of the values between samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_audio.engines.vocal_tract.mastering.limiter import Limiter, true_peaks
from postcards_audio.engines.vocal_tract.mastering.master import CEILING_DBTP, finish

RATE = 44_100
CEILING = 10 ** (CEILING_DBTP / 20)
TENTH_OF_A_DECIBEL = 10 ** (0.1 / 20)


def peak_by_spectrum(samples: np.ndarray) -> float:
    """Four times oversampled by zero padding the spectrum."""
    count = samples.shape[1]
    return float(np.abs(np.fft.irfft(np.fft.rfft(samples, axis=1), 4 * count, axis=1) * 4).max())


def tone(hertz: float, seconds: float = 0.5, phase: float = 0.0) -> np.ndarray:
    """A tone that swells and fades, in both ears."""
    time = np.arange(int(seconds * RATE)) / RATE
    return np.tile(np.hanning(len(time)) * np.sin(2 * np.pi * hertz * time + phase), (2, 1)).astype(np.float32)


@pytest.mark.parametrize("hertz", [440.0, RATE / 4, 15_000.0, 20_000.0, 21_000.0])
@pytest.mark.parametrize("phase", [0.0, 0.7, np.pi / 4])
def test_a_tone_is_read_between_its_samples(hertz, phase):
    sound = tone(hertz, phase=phase)
    assert true_peaks(sound, 0.1).max() == pytest.approx(peak_by_spectrum(sound), rel=0.002)


def test_both_ears_count_and_each_block_has_its_own_peak():
    sound = np.zeros((2, 320), np.float32)
    sound[0, 40], sound[1, 170] = 0.5, -0.9
    peaks = true_peaks(sound, 0.1)
    assert peaks.shape == (10,)
    assert peaks[[1, 5]] == pytest.approx([0.5, 0.9])
    assert peaks[[0, 8, 9]].max() == 0.0


def test_what_stays_under_the_ceiling_is_only_made_louder():
    sound = tone(440.0) * 0.1
    limiter = Limiter(sound, CEILING, 2.0)
    louder = limiter.at_gain(2.0)
    np.testing.assert_array_equal(louder, sound * np.float32(2))
    assert limiter.held(louder) is louder


@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["noise", "clicks", "bright", "bursts"]),
    level=st.floats(0.01, 50),
    count=st.integers(RATE // 2, RATE),
)
@settings(max_examples=25)
def test_no_sound_comes_out_over_the_ceiling(seed, kind, level, count):
    rng = np.random.default_rng(seed)
    sound = rng.standard_normal((2, count))
    if kind == "clicks":
        sound *= rng.random((2, count)) > 0.999
    elif kind == "bright":
        sound = np.diff(sound, 3, axis=1, prepend=0.0)
    elif kind == "bursts":
        sound *= np.repeat(rng.random(count // 2000 + 1) > 0.7, 2000)[:count]
    master = finish((level * sound).astype(np.float32))
    assert peak_by_spectrum(master.samples) < CEILING * TENTH_OF_A_DECIBEL
