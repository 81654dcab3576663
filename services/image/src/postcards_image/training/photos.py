"""Photographs in memory, as the trainer takes them."""

import hashlib
import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

_ROOM = 1.25
"""Side of a kept photograph over the resolution: room to move and turn it."""


@dataclass(frozen=True)
class Photos:
    """Square photographs with their classes."""

    images: npt.NDArray[np.uint8]
    """[count, side, side, 3], RGB."""
    labels: npt.NDArray[np.int64]
    """[count], indices of `classes`."""
    classes: tuple[str, ...]
    """Names of the classes; empty when the data has none."""
    digests: tuple[str, ...]
    """SHA-256 of each photograph's file, hex: who it is, at any resolution."""

    def __len__(self) -> int:
        """Number of photographs."""
        return len(self.images)

    def split(self, held_out: float, seed: int) -> "tuple[Photos, Photos]":
        """Those to learn from and those held out.

        A photograph falls on the same side whatever others there are, so what was held out stays so when photographs
        are added.

        Args:
            held_out: share to hold out, 0 to 1.
            seed: draws another share.
        """
        out = np.array([_lot(digest, seed) < held_out for digest in self.digests], bool)
        return self.chosen(~out), self.chosen(out)

    def chosen(self, mask: npt.NDArray[np.bool_]) -> "Photos":
        """Those where `mask`, [count], is true."""
        digests = tuple(digest for digest, wanted in zip(self.digests, mask, strict=True) if wanted)
        return replace(self, images=self.images[mask], labels=self.labels[mask], digests=digests)


def side_for(resolution: int) -> int:
    """Width and height at which photographs are kept to train at `resolution`, pixels."""
    return math.ceil(resolution * _ROOM)


def squared(picture: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """The middle square of a picture, [height, width, 3], made [side, side, 3]."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    middle = picture[top : top + edge, left : left + edge]
    area = cv2.INTER_AREA if edge >= side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(middle, (side, side), interpolation=area), np.uint8)


def _lot(digest: str, seed: int) -> float:
    drawn = hashlib.sha256(f"{seed}:{digest}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") / 2**64
