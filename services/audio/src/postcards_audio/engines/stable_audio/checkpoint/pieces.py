"""Sounds are read and written in pieces, so that no piece holds up a step of others for long.

A piece is computed with a margin on both sides, which is thrown away. The convolutions of the autoencoder see less far
than `MARGIN` frames, so what remains is what the whole would give. Standard library only.
"""

from collections.abc import Iterator
from typing import NamedTuple

MARGIN = 12
"""Latent frames."""
_LENGTH = 96
"""Latent frames of one piece: 4.5 seconds; a quarter more is computed."""


class Piece(NamedTuple):
    """Some frames of many, and those that must be computed for them."""

    start: int
    stop: int
    """Behind the last that is wanted."""
    first: int
    last: int
    """Behind the last that is computed."""


def pieces(wanted: int, frames: int) -> Iterator[Piece]:
    """The first `wanted` of `frames` frames, piece by piece; what is computed ends where the frames end."""
    for start in range(0, wanted, _LENGTH):
        stop = min(wanted, start + _LENGTH)
        yield Piece(start, stop, max(0, start - MARGIN), min(frames, stop + MARGIN))
