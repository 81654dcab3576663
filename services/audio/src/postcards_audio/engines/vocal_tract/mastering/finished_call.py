"""How every call ends, whoever made its sound: mastered, and written as files."""

from collections.abc import Callable

import numpy as np

from postcards_audio.engine import AudioResult, WordTiming
from postcards_audio.engines.vocal_tract.mastering.encoding import flac, mp3
from postcards_audio.engines.vocal_tract.mastering.master import finish
from postcards_audio.engines.vocal_tract.signals import RATE, Samples
from postcards_serving.engine.work import Provenance

STAGES = ("master", "encode")
"""What is reported, in order: loudness, files."""


def finished_call(
    recording: Samples,
    timings: tuple[WordTiming, ...],
    provenance: Provenance,
    *,
    dither: np.random.Generator,
    begin: Callable[[str], None],
    check: Callable[[], None],
) -> AudioResult:
    """The call whose sound is `recording`, shape (2, n).

    Args:
        recording: not mastered yet.
        timings: when its words sound.
        provenance: how it was made.
        dither: what the FLAC file is dithered with.
        begin: called as each of `STAGES` begins.
        check: called between the files; may raise to stop.
    """
    begin("master")
    master = finish(recording)
    begin("encode")
    lossless = flac(master.samples, dither)
    check()
    compressed = mp3(master.samples)
    return AudioResult(
        blobs=(lossless, compressed),
        seconds=master.samples.shape[1] / RATE,
        sample_rate_hz=RATE,
        channels=2,
        loudness_lufs=round(master.loudness_lufs, 2),
        timings=timings,
        provenance=provenance,
    )
