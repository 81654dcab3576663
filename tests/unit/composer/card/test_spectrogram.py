from io import BytesIO

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_composer.card.spectrogram import HIGHEST_HERTZ, LOWEST_HERTZ, ROWS, analyse, coloured

RATE = 44100


def encoded(samples: np.ndarray, file_format: str = "FLAC", rate: int = RATE) -> bytes:
    out = BytesIO()
    soundfile.write(out, samples, rate, format=file_format)
    return out.getvalue()


def sine(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


@pytest.mark.parametrize("file_format", ["FLAC", "MP3", "WAV"])
@pytest.mark.parametrize("hertz", [110, 440, 1760, 7040])
def test_a_tone_is_brightest_at_its_pitch(hertz: float, file_format: str):
    levels = analyse(encoded(sine(hertz), file_format)).levels
    row = ROWS - 1 - int(levels[:, levels.shape[1] // 2].argmax())
    found = LOWEST_HERTZ * (HIGHEST_HERTZ / LOWEST_HERTZ) ** ((row + 0.5) / ROWS)
    assert abs(np.log2(found / hertz)) < 0.12


def test_what_comes_later_is_farther_right():
    quiet = np.zeros(RATE)
    levels = analyse(encoded(np.concatenate([quiet, sine(500)]))).levels
    half = levels.shape[1] // 2
    assert levels[:, : half - 30].max() < 30
    assert levels[:, half + 30 :].max() > 200


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 60_000), st.sampled_from([8000, 22050, 44100, 48000]))
def test_any_length_and_rate(count: int, rate: int):
    samples = np.random.default_rng(count).uniform(-0.5, 0.5, count)
    spectrogram = analyse(encoded(samples, rate=rate))
    assert spectrogram.levels.shape[0] == ROWS
    assert spectrogram.seconds == pytest.approx(count / rate)


def test_silence_has_no_pitch():
    assert (np.diff(analyse(encoded(np.zeros(RATE))).levels, axis=1) == 0).all()


@pytest.mark.parametrize("sound", [b"", b"no sound at all", encoded(np.zeros(0))])
def test_what_is_no_sound_is_refused(sound: bytes):
    with pytest.raises(ValueError, match="call"):
        analyse(sound)


def test_colours_run_along_the_ramp():
    ramp = ((0, 0, 0), (100, 0, 0), (255, 255, 255))
    image = coloured(analyse(encoded(sine(440))), ramp)
    pixels = np.asarray(image)
    assert pixels.max() >= 250
    assert tuple(pixels[0, pixels.shape[1] // 2]) <= (60, 0, 0)
