"""The call as a picture: a spectrogram with a logarithmic frequency axis."""

from dataclasses import dataclass
from io import BytesIO
from typing import cast

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray
from PIL import Image

from postcards_composer.card.colour.oklch import Rgb

ROWS = 168
LOWEST_HERTZ = 70.0
HIGHEST_HERTZ = 15000.0
_WINDOW = 2048
_RANGE_DECIBEL = 60.0
_COLUMNS_PER_SECOND = 150
_COLUMNS = (720, 2400)


@dataclass(frozen=True)
class Spectrogram:
    """Loudness over time and frequency."""

    levels: NDArray[np.uint8]
    """Shape (`ROWS`, columns), the highest frequency first; 0 silence, 255 the loudest. Columns are evenly spaced over
    the whole call."""
    seconds: float
    """Length of the call."""


def _mono(sound: bytes) -> tuple[NDArray[np.float32], int]:
    """The samples of an encoded sound, its channels averaged, and the sample rate in hertz."""
    with soundfile.SoundFile(BytesIO(sound)) as file:
        samples = cast(NDArray[np.float32], file.read(dtype="float32", always_2d=True))
        return samples.mean(axis=1), int(file.samplerate)


def analyse(sound: bytes) -> Spectrogram:
    """The spectrogram of an encoded sound (FLAC, MP3, WAV, any length above 0, any rate).

    Magnitudes of a Hann-windowed short-time Fourier transform, averaged into bands that are evenly spaced in the
    logarithm of the frequency, in decibels below the loudest, tilted by 3 dB per octave so that high, quiet detail
    can be seen.

    Raises:
        ValueError: the sound cannot be decoded or is empty.
    """
    try:
        samples, rate = _mono(sound)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"the call cannot be decoded: {error.error_string}") from error
    if samples.size == 0:
        raise ValueError("the call is empty")
    seconds = samples.size / rate
    columns = int(min(_COLUMNS[1], max(_COLUMNS[0], seconds * _COLUMNS_PER_SECOND)))
    padded = np.pad(samples, _WINDOW // 2)
    starts = np.linspace(0, samples.size - 1, columns).astype(np.intp)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[starts]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)).astype(np.float32)
    bands = _log_bands(spectrum, rate)
    tilt = np.linspace(0.0, 3.0 * float(np.log2(HIGHEST_HERTZ / LOWEST_HERTZ)), ROWS)
    decibel: NDArray[np.float64] = 20 * np.log10(np.maximum(bands, 1e-7)) + tilt
    loudest = float(np.percentile(decibel, 99.8))
    scaled: NDArray[np.float64] = np.clip((decibel - loudest) / _RANGE_DECIBEL + 1, 0, 1) ** 1.35
    return Spectrogram((scaled.T[::-1] * 255).astype(np.uint8), seconds)


def _log_bands(spectrum: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Spectra, shape (columns, bins), in `ROWS` bands from low to high. A bin reaches half a bin to either side.

    Interpolated where bands are narrower than bins, averaged where they are wider.
    """
    highest = min(HIGHEST_HERTZ, 0.49 * rate)
    edges = np.geomspace(LOWEST_HERTZ, highest, ROWS + 1) * _WINDOW / rate + 0.5
    sums = np.concatenate([np.zeros((spectrum.shape[0], 1), np.float32), np.cumsum(spectrum, axis=1)], axis=1)
    low = np.clip(edges, 0, spectrum.shape[1] - 1)
    base = low.astype(np.intp)
    at_edges = sums[:, base] + (low - base).astype(np.float32) * spectrum[:, base]
    return (np.diff(at_edges, axis=1) / np.maximum(np.diff(low), 1e-6)).astype(np.float32)


def coloured(spectrogram: Spectrogram, ramp: tuple[Rgb, ...]) -> Image.Image:
    """The spectrogram as an RGB image, one pixel per level, coloured along `ramp`."""
    places = np.linspace(0, 255, len(ramp))
    table = np.stack(
        [np.interp(np.arange(256), places, [rgb[channel] for rgb in ramp]) for channel in range(3)], axis=1
    ).astype(np.uint8)
    return Image.fromarray(table[spectrogram.levels])
