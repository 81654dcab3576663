"""How far a call still follows the rendering that it started from."""

import numpy as np

from postcards_audio.engines.vocal_tract.signals import RATE, Samples

_FRAME = RATE // 20
"""Samples: a twentieth of a second, shorter than a syllable and longer than a period."""
_RANGE_DB = 40.0
"""What lies further below the loudest frame is silence."""


def resemblance(call: Samples, rendering: Samples) -> float:
    """Correlation of the loudness in decibels of two sounds [2, n], from -1 to 1: near 1 where syllables keep their
    places, near 0 where they have nothing to do with each other or one has no syllables at all.
    """
    one, other = _loudness(call), _loudness(rendering)
    count = min(len(one), len(other))
    one, other = one[:count] - one[:count].mean(), other[:count] - other[:count].mean()
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 1e-6 else 0.0


def _loudness(sound: Samples) -> Samples:
    frames = max(1, sound.shape[1] // _FRAME)
    energy = np.square(sound[:, : frames * _FRAME], dtype=np.float64).reshape(2, frames, -1).mean(axis=(0, 2))
    decibels = 10 * np.log10(np.maximum(energy, 1e-12))
    return np.maximum(decibels, decibels.max() - _RANGE_DB)
