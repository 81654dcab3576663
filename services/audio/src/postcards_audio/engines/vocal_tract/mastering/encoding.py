"""Recordings as files."""

import io

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]

from postcards_audio.engines.vocal_tract.signals import RATE, Samples
from postcards_serving.engine.work import Blob

_STEP = 1 / 32_768
_MP3_COMPRESSION = 0.5
"""0 best to 1 smallest: about 130 kbit/s."""


def flac(samples: Samples, rng: np.random.Generator) -> Blob:
    """`samples`, shape (2, n), as "call.flac": 16 bits with triangular dither."""
    dither = (rng.random(samples.shape, np.float32) - rng.random(samples.shape, np.float32)) * np.float32(_STEP)
    whole = np.clip(np.round((samples + dither) / _STEP), -32_768, 32_767).astype(np.int16)
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", RATE, 2, "PCM_16", format="FLAC") as file:
        file.write(np.ascontiguousarray(whole.T))
    return Blob("call.flac", "audio/flac", buffer.getvalue())


def mp3(samples: Samples) -> Blob:
    """`samples`, shape (2, n), as "call.mp3"."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer,
        "w",
        RATE,
        2,
        "MPEG_LAYER_III",
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=_MP3_COMPRESSION,
    ) as file:
        file.write(np.ascontiguousarray(samples.T))
    return Blob("call.mp3", "audio/mpeg", buffer.getvalue())
