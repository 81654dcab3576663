"""The last steps: loudness, peaks and ends.

Loudness after ITU-R BS.1770-4: K-weighting, blocks of 400 ms, absolute and relative gate.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from postcards_audio.engines.vocal_tract.mastering.limiter import Limiter
from postcards_audio.engines.vocal_tract.signals import HOP, RATE, Samples, at_audio_rate, smoothed

TARGET_LUFS = -16.0
CEILING_DBTP = -1.5
_SEGMENT = RATE // 10
_RUMBLE_SECONDS = 0.06
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_LOUDEST_GAIN_DB = 60.0
_TRIES = 5
_CLOSE_ENOUGH_LU = 0.2


@dataclass(frozen=True)
class Master:
    """A recording ready to be encoded, with the loudness that was measured on it."""

    samples: Samples
    """Shape (2, n)."""
    loudness_lufs: float
    """Integrated loudness."""


def finish(recording: Samples) -> Master:
    """Fades the ends of `recording` (shape (2, n), at least half a second), brings it to -16 LUFS and holds its peaks
    under -1.5 dB true peak.
    """
    faded = _faded(_without_rumble(recording))
    gain_db = min(_LOUDEST_GAIN_DB, TARGET_LUFS - integrated_loudness(faded))
    limiter = Limiter(faded, _ratio(CEILING_DBTP), _ratio(gain_db))
    master = _at_gain(limiter, gain_db)
    for _ in range(_TRIES):
        if abs(master.loudness_lufs - TARGET_LUFS) < _CLOSE_ENOUGH_LU or gain_db >= _LOUDEST_GAIN_DB:
            break
        gain_db = min(_LOUDEST_GAIN_DB, gain_db + 1.15 * (TARGET_LUFS - master.loudness_lufs))
        master = _at_gain(limiter, gain_db)
    held = limiter.held(master.samples)
    return master if held is master.samples else Master(held, integrated_loudness(held))


def _at_gain(limiter: Limiter, gain_db: float) -> Master:
    limited = limiter.at_gain(_ratio(gain_db))
    return Master(limited, integrated_loudness(limited))


def _ratio(decibels: float) -> float:
    return 10 ** (decibels / 20)


def integrated_loudness(samples: Samples) -> float:
    """Integrated loudness in LUFS of samples of shape (channels, n); -70 for silence.

    The energy of each tenth of a second is weighted in the frequency domain, so a block is four sums. Agrees with
    filters in the time domain within 0.1 LU. Less than 400 ms counts as one block.
    """
    segments = max(1, samples.shape[1] // _SEGMENT)
    size = min(_SEGMENT, samples.shape[1])
    framed = samples[:, : segments * size].reshape(samples.shape[0], segments, size)
    spectra = np.fft.rfft(framed, axis=2)
    power = spectra.real**2 + spectra.imag**2
    energy = (power @ _k_weight(size)).sum(axis=0, dtype=np.float64) / size**2
    width = min(4, segments)
    blocks = np.convolve(energy, np.ones(width) / width, mode="valid")
    loudness = -0.691 + 10 * np.log10(np.maximum(blocks, 1e-12))
    gated = blocks[loudness > _ABSOLUTE_GATE_LUFS]
    if not len(gated):
        return _ABSOLUTE_GATE_LUFS
    threshold = -0.691 + 10 * np.log10(gated.mean()) + _RELATIVE_GATE_LU
    kept = blocks[loudness > max(threshold, _ABSOLUTE_GATE_LUFS)]
    return float(-0.691 + 10 * np.log10(kept.mean()))


@lru_cache(maxsize=4)
def _k_weight(size: int) -> Samples:
    """Squared response of the two K-weighting filters, doubled for the negative frequencies (Parseval)."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    weight = np.ones(len(z))
    for b, a in (
        _high_shelf(1681.974450955533, 3.999843853973347, 0.7071752369554196),
        _high_pass(38.13547087602444, 0.5003270373238773),
    ):
        response = (b[0] + b[1] * z + b[2] * z**2) / (a[0] + a[1] * z + a[2] * z**2)
        weight *= np.abs(response) ** 2
    weight[1:] *= 2
    return weight.astype(np.float32)


def _high_shelf(hertz: float, gain_db: float, q: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The standard's first filter for any sample rate (B. De Man, "Evaluation of implementations of the EBU R128
    loudness measurement", AES 145, 2018).
    """
    k = float(np.tan(np.pi * hertz / RATE))
    high = 10 ** (gain_db / 20)
    band = high**0.499666774155
    b = (high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k)
    return b, (1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k)


def _high_pass(hertz: float, q: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    k = float(np.tan(np.pi * hertz / RATE))
    norm = 1 + k / q + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm)


def _without_rumble(recording: Samples) -> Samples:
    """Removes what only moves the cone: most of what is slower than about 20 Hz."""
    count = recording.shape[1]
    blocks = np.pad(recording, ((0, 0), (0, -count % HOP)), mode="edge").reshape(2, -1, HOP).mean(axis=2)
    slow = [at_audio_rate(smoothed(channel, _RUMBLE_SECONDS))[:count] for channel in blocks]
    return recording - np.float32(0.8) * np.stack(slow)


def _faded(recording: Samples) -> Samples:
    count = recording.shape[1]
    rise, fall = min(count // 4, int(0.02 * RATE)), min(count // 4, int(0.25 * RATE))
    shape = np.ones(count, np.float32)
    # The floor of -20 dB keeps the place above the last bit at the very ends.
    shape[:rise] = 0.1 + 0.9 * np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
    shape[count - fall :] = 0.1 + 0.9 * np.cos(np.linspace(0, np.pi / 2, fall)) ** 2
    return recording * shape
