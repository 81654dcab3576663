"""Holds the true peaks of a recording under a ceiling.

True peak after ITU-R BS.1770-4, annex 2: four times oversampled. The filter is longer than the 12 taps of the
standard's example, which read up to 1 dB too little where a voice is loud close to half the sample rate.
"""

from functools import lru_cache
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from postcards_audio.engines.vocal_tract.signals import Samples

_OVERSAMPLING = 4
_BLOCK = 32
_REACH = 128
"""Samples on each side that a value between two samples is read from."""
_KAISER_BETA = 6.0
_WORTH_A_LOOK = 0.5
"""Share of the ceiling below which no sample of a block may stay for the block to be left unread between its samples:
only a tone at half the sample rate itself could rise that much between them.
"""
_LOOK_AHEAD_BLOCKS = 4
_RELEASE_BLOCKS = 60
_ROUNDS = 3
_AT_ONCE = 4096
"""Blocks that are read in one go: bounds the memory."""


class Limiter:
    """A recording, and what is known of its peaks."""

    def __init__(self, recording: Samples, ceiling: float, gain: float) -> None:
        """Takes a recording.

        Args:
            recording: shape (2, n).
            ceiling: the largest true peak that may come out; full scale is 1.
            gain: about what it will be asked for: peaks that will be far under the ceiling are not read finely.
        """
        self._recording: Final = recording
        self._ceiling: Final = ceiling
        self._gain = gain
        self._peaks: Samples = true_peaks(recording, ceiling * _WORTH_A_LOOK / gain)

    def at_gain(self, gain: float) -> Samples:
        """The recording at `gain`, limited by the peaks that are known so far; shape (2, n)."""
        self._gain = gain
        held = _gain_under(self._ceiling, self._peaks * gain, self._recording.shape[1])
        return self._recording * (np.float32(gain) * held)

    def held(self, limited: Samples) -> Samples:
        """`limited`, as `at_gain` returned it, if no true peak is over the ceiling; else limited anew where one is.

        What still stands out in the end takes the whole recording down with it, so that the ceiling always holds.
        """
        for _ in range(_ROUNDS):
            over = true_peaks(limited, self._ceiling * _WORTH_A_LOOK) / self._ceiling
            if over.max(initial=0.0) <= 1:
                return limited
            self._peaks = self._peaks * np.maximum(1.0, over)
            limited = self.at_gain(self._gain)
        excess = float(true_peaks(limited, self._ceiling * _WORTH_A_LOOK).max(initial=0.0)) / self._ceiling
        return limited if excess <= 1 else limited * np.float32((1 - 1e-6) / excess)


def true_peaks(recording: Samples, least: float) -> Samples:
    """The true peak of both channels in each block of 32 samples; shape (blocks,).

    Args:
        recording: shape (2, n).
        least: blocks whose samples all stay under it are not read between the samples: their largest sample counts.
    """
    peaks = _blocks(np.abs(recording)).max(axis=2)
    around = np.pad(recording, ((0, 0), (_REACH, _REACH + _BLOCK)))
    windows = np.lib.stride_tricks.sliding_window_view(around, _BLOCK + 2 * _REACH, axis=1)[:, ::_BLOCK]
    for channel, loudest in enumerate(peaks):
        worth = np.flatnonzero(loudest >= least)
        for some in np.array_split(worth, -(-len(worth) // _AT_ONCE) or 1):
            between = np.abs(windows[channel, some] @ _between()).max(axis=1)
            loudest[some] = np.maximum(loudest[some], between)
    return peaks.max(axis=0).astype(np.float64)


@lru_cache(maxsize=1)
def _between() -> npt.NDArray[np.float32]:
    """Reads a block between its samples: shape (samples of the block and around it, values between)."""
    offsets = np.arange(1, _OVERSAMPLING) / _OVERSAMPLING
    wanted = (np.arange(_BLOCK)[:, None] + offsets).ravel() + _REACH
    distance = np.arange(_BLOCK + 2 * _REACH)[:, None] - wanted
    within = np.sqrt(np.maximum(0.0, 1 - (distance / _REACH) ** 2))
    window = np.where(np.abs(distance) < _REACH, np.i0(_KAISER_BETA * within) / np.i0(_KAISER_BETA), 0.0)
    return (np.sinc(distance) * window).astype(np.float32)


def _blocks(samples: Samples) -> Samples:
    """Samples of shape (channels, n) as (channels, blocks, 32), silent after the end."""
    return np.pad(samples, ((0, 0), (0, -samples.shape[1] % _BLOCK))).reshape(len(samples), -1, _BLOCK)


def _gain_under(ceiling: float, peaks: Samples, count: int) -> Samples:
    """A gain of at most 1, one per sample, that holds `peaks` under the ceiling and moves without corners."""
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    if needed.min() >= 1.0:
        return np.ones(count, np.float32)
    reach = _LOOK_AHEAD_BLOCKS + 2
    padded = np.pad(needed, reach, mode="edge")
    held = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    released = _released(held)
    kernel = np.hanning(2 * _LOOK_AHEAD_BLOCKS + 3)[1:-1]
    padded = np.pad(released, _LOOK_AHEAD_BLOCKS, mode="edge")
    smooth = cast(Samples, np.convolve(padded, kernel / kernel.sum(), mode="valid"))
    centres = (np.arange(len(smooth)) + 0.5) * _BLOCK
    return np.interp(np.arange(count), centres, smooth).astype(np.float32)


def _released(gain: Samples) -> Samples:
    """Lets the gain come back slowly: the least of the gains before, each risen by its age (in decibels)."""
    rise = 1.0 / _RELEASE_BLOCKS
    level = np.log2(gain)
    age = np.arange(len(level)) * rise
    return np.minimum(1.0, 2 ** (np.minimum.accumulate(level - age) + age))
