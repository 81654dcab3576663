"""The tract: an even tube whose four lowest resonances move, with a nose, a place of friction and side chambers.

Filtering goes by overlapping windows, each through a filter of its own: the sum glides between filters without
transients, costs two short Fourier transforms per window and has no feedback that could run away.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from postcards_audio.engines.vocal_tract.articulation.control_tracks import Tracks
from postcards_audio.engines.vocal_tract.signals import HOP, RATE, Samples, fast_length
from postcards_species.voice.derive import VocalTract

Spectra = npt.NDArray[np.complexfloating[Any, Any]]

_SOUND_CM_PER_SECOND = 35_000.0
"""In warm, moist breath."""
_STEP = 4 * HOP
_WINDOW = 2 * _STEP
_TRANSFORM = 2048
_BATCH = 96
_HERTZ = np.fft.rfftfreq(_TRANSFORM, 1 / RATE).astype(np.float32)
_LEAST_BANDWIDTH_HZ = 45.0
_DULL_ABOVE_HZ = 6000.0
_DEEPEST_LOSS = 2.6
"""Nepers, one way."""


def resonate(voice: Samples, breath: Samples, noise: Samples, tracks: Tracks, tract: VocalTract) -> Samples:
    """Sends the folds' sound and breath through the whole tract, and noise through the part before its narrow place.

    All signals have the same length, that of `tracks` at audio rate.
    """
    frame = slice(None, None, _STEP // HOP)
    formants = _formant_hertz(tracks, tract)[:, frame]
    nasal, zero = tracks.nasal[frame], tracks.nasal_zero[frame]
    places = tracks.friction_place[frame]
    count = formants.shape[1] + 1
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    inputs = [_windows(signal, count) for signal in (voice + breath, noise)]
    rest = _upper_resonances(tract)
    output = np.zeros((count - 1) * _STEP + _TRANSFORM, np.float32)
    for first in range(0, count, _BATCH):
        rows = np.minimum(np.arange(first, min(first + _BATCH, count)), formants.shape[1] - 1)
        through = _tract_response(formants[:, rows], nasal[rows], zero[rows], tract) * rest
        spectrum = np.fft.rfft(inputs[0][first : first + _BATCH] * window, _TRANSFORM, axis=1) * through
        spectrum += np.fft.rfft(inputs[1][first : first + _BATCH] * window, _TRANSFORM, axis=1) * _friction_response(
            places[rows], tract
        )
        blocks = np.fft.irfft(spectrum, _TRANSFORM, axis=1).astype(np.float32)
        for row, block in enumerate(blocks, first):
            output[row * _STEP : row * _STEP + _TRANSFORM] += block
    return output[_STEP : _STEP + len(voice)]


def add_chambers(signal: Samples, tract: VocalTract) -> Samples:
    """Lets air sacs and shells answer: fixed, narrow resonances beside the voice."""
    if not tract.chambers_hz or tract.chamber_gain <= 0:
        return signal
    size = fast_length(len(signal) + RATE // 4)
    hertz = np.fft.rfftfreq(size, 1 / RATE).astype(np.float32)
    response = np.full(len(hertz), 1 - 0.55 * tract.chamber_gain, np.complex64)
    for centre in tract.chambers_hz:
        x = hertz / centre
        loss = x / 7.0
        response += 1.9 * tract.chamber_gain * (1j * loss) / (1 - x**2 + 1j * loss)
    return np.fft.irfft(np.fft.rfft(signal, size) * response.astype(np.complex64), size)[: len(signal)]


def friction_hertz(place: Samples, length_cm: float) -> Samples:
    """Resonance of the cavity before a narrow `place` (0 lips, 1 larynx): a quarter wave, in hertz."""
    cavity = np.maximum(0.9 * length_cm * place**1.75, 0.9 * (length_cm / 17) ** 0.5)
    return np.clip(_SOUND_CM_PER_SECOND / (4 * cavity), 150.0, 11_000.0).astype(np.float32)


def _windows(signal: Samples, count: int) -> Samples:
    padded = np.zeros((count + 1) * _STEP, np.float32)
    padded[_STEP : _STEP + len(signal)] = signal[: count * _STEP]
    return np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP]


def _formant_hertz(tracks: Tracks, tract: VocalTract) -> Samples:
    """Resonances in hertz. The lowest follows a pitch above it, as birds and sopranos tune theirs (T. Riede et al.,
    Proc. Natl. Acad. Sci. 103, 5543, 2006).
    """
    even = _SOUND_CM_PER_SECOND / (4 * tract.length_cm) * np.array([[1], [3], [5], [7]], np.float32)
    hertz = tracks.formants * even
    hertz[0] = np.maximum(hertz[0], np.minimum(tracks.pitch_hz, hertz[1] * 0.92))
    return np.clip(hertz, 25.0, 19_000.0).astype(np.float32)


def _bandwidth(hertz: Samples) -> Samples:
    return np.maximum(_LEAST_BANDWIDTH_HZ, 30 + 0.055 * hertz).astype(np.float32)


def _tract_response(formants: Samples, nasal: Samples, zero: Samples, tract: VocalTract) -> Spectra:
    """Responses of the four moving resonances and the nose: shape (frames, bins)."""
    widening = (1 + 0.9 * nasal).astype(np.float32)
    denominator = _quadratic(formants[0], _bandwidth(formants[0]) * widening)
    for centre in formants[1:]:
        denominator *= _quadratic(centre, _bandwidth(centre) * widening)
    even = np.float32(_SOUND_CM_PER_SECOND / (4 * tract.length_cm))
    pole = np.full(len(nasal), np.clip(0.52 * even, 60, 9000), np.float32)
    side_branch = np.clip(even * (1.7 + 4.5 * zero), 80, 15_000).astype(np.float32)
    notch = pole * (side_branch / pole) ** nasal
    numerator = _quadratic(notch, _bandwidth(notch) * 1.6)
    denominator *= _quadratic(pole, _bandwidth(pole) * 1.6)
    return numerator / denominator


def _quadratic(centre: Samples, width: Samples) -> Spectra:
    x = _HERTZ[None, :] / centre[:, None]
    result = np.empty(x.shape, np.complex64)
    result.imag = x * (width / centre)[:, None]
    np.multiply(x, x, out=x)
    result.real = 1 - x
    return result


def _upper_resonances(tract: VocalTract) -> Spectra:
    """All resonances of the even tube but the four that move: 1 / cosh, times what would cancel those four."""
    even = _SOUND_CM_PER_SECOND / (4 * tract.length_cm)
    hertz = _HERTZ.astype(np.float64)
    # Losses grow with frequency, the wall's and the lips', but no wave is lost entirely on so short a way.
    width = 50 + 0.045 * hertz
    loss = _DEEPEST_LOSS * np.tanh(np.pi * width / (4 * even) / _DEEPEST_LOSS)
    tube = 1 / np.cosh(loss + 1j * np.pi * hertz / (2 * even))
    response = tube.astype(np.complex128)
    for odd in (1, 3, 5, 7):
        x = hertz / (odd * even)
        response *= 1 - x**2 + 1j * x * width / (odd * even)
    size = np.abs(response)
    # What the four would have swallowed is given back, and no more: no feedback of rounding errors at the top.
    ceiling = 6 * (1 + (hertz / (3.6 * even)) ** 8)
    moderate = size / np.sqrt(1 + (size / ceiling) ** 2)
    air = 1 / np.sqrt(1 + (hertz / _DULL_ABOVE_HZ) ** 2)
    return (response / np.maximum(size, 1e-9) * moderate * air).astype(np.complex64)


def _friction_response(place: Samples, tract: VocalTract) -> Spectra:
    """A broad resonance of the front cavity, its next odd one, and little below."""
    centre = friction_hertz(place, tract.length_cm)
    first = _quadratic(centre, centre * 0.34)
    second = _quadratic(np.minimum(centre * 2.7, 17_000), np.minimum(centre, 6000) * 0.8)
    slope = (_HERTZ[None, :] / centre[:, None]).astype(np.complex64) * np.complex64(1j)
    return np.complex64(0.36) * slope / first + np.complex64(0.05) * slope / second
