"""The few operations on signals that every part of the synthesiser uses."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.floating[Any]]
"""A signal: shape (n,) for one channel, (2, n) for two; full scale is 1. Kept in single precision where it is long."""

RATE = 44_100
"""Samples per second."""
HOP = 64
"""Samples between two control frames."""
CONTROL_RATE = RATE / HOP
"""Control frames per second."""


def frames(seconds: float) -> int:
    """Control frames in `seconds`."""
    return max(1, round(seconds * CONTROL_RATE))


def smoothed(track: Samples, seconds: float) -> Samples:
    """A control track without its corners: convolved with a Hann window `seconds` long; its ends are held."""
    half = int(seconds * CONTROL_RATE / 2)
    if half < 1:
        return track
    kernel = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(track, half, mode="edge")
    return cast(Samples, np.convolve(padded, kernel / kernel.sum(), mode="valid")).astype(np.float32)


def at_audio_rate(track: Samples, hop: int = HOP) -> Samples:
    """A control track, one value per `hop` samples, as one value per sample (linear between)."""
    knots = track.astype(np.float32)
    rises = np.append(knots[1:], knots[-1]) - knots
    ramp = np.arange(hop, dtype=np.float32) / np.float32(hop)
    return (rises[:, None] * ramp + knots[:, None]).ravel()


def wander(rng: np.random.Generator, count: int, hertz: float) -> Samples:
    """A smooth random control track of `count` frames in [0, 1] that turns about `hertz` times a second."""
    knots = rng.random(max(4, int(count / CONTROL_RATE * hertz) + 4))
    position = np.arange(count) * (hertz / CONTROL_RATE)
    left = np.minimum(position.astype(np.int64), len(knots) - 2)
    share = 0.5 - 0.5 * np.cos(np.pi * (position - left))
    return (knots[left] * (1 - share) + knots[left + 1] * share).astype(np.float32)


def shaped_noise(rng: np.random.Generator, count: int, magnitude: Samples) -> Samples:
    """Noise of `count` samples with the spectrum `magnitude` (count // 2 + 1 bins), unit RMS, without a seam."""
    phases = rng.random(len(magnitude), np.float32) * np.float32(2 * np.pi)
    spectrum = np.empty(len(magnitude), np.complex64)
    spectrum.real, spectrum.imag = magnitude * np.cos(phases), magnitude * np.sin(phases)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, count)
    return noise * np.float32(1 / max(rms(noise), 1e-12))


def rms(signal: Samples) -> float:
    """Root of the mean square; 0 for silence."""
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64)))) if signal.size else 0.0


def fast_length(count: int) -> int:
    """The least length of at least `count` of the form 2^a, 3 x 2^a or 5 x 2^a: quick to transform."""
    power = 1 << max(0, count - 1).bit_length()
    candidates = (power, 3 * power // 4, 5 * power // 8)
    return min(size for size in candidates if size >= count and size % 2 == 0) if count > 8 else power
