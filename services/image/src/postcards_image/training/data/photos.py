"""The photographs of a training run, in memory."""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Photos:
    """Square photographs of one size, and what they show."""

    images: npt.NDArray[np.uint8]
    """[count, side, side, 3], RGB."""
    labels: npt.NDArray[np.int64]
    """[count], index into `classes`; the number of classes for a photograph of none in particular."""
    classes: tuple[str, ...]
    """Names of the classes; empty when there are none."""
    digests: tuple[str, ...] = ()
    """SHA-256 of each photograph's file, lower-case hex; empty when they come from nowhere."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def side(self) -> int:
        """Width and height, pixels."""
        return self.images.shape[1]

    def split(self, held_out: float, seed: int) -> tuple[Self, Self]:
        """Those to learn from, and those kept back to measure against.

        The side of a photograph follows from its content and the seed alone: it stays the same when others are added,
        at any resolution, and copies go together.

        Args:
            held_out: share to keep back, 0 to 1.
            seed: another seed keeps others back.
        """
        digests = self.digests or tuple(hashlib.sha256(image.tobytes()).hexdigest() for image in self.images)
        kept_back = np.array([_lot(digest, seed) < held_out for digest in digests], bool)
        return self._only(~kept_back), self._only(kept_back)

    def _only(self, wanted: npt.NDArray[np.bool_]) -> Self:
        return type(self)(
            images=self.images[wanted],
            labels=self.labels[wanted],
            classes=self.classes,
            digests=tuple(digest for digest, keep in zip(self.digests, wanted, strict=False) if keep),
        )


def side_for(resolution: int) -> int:
    """Side of the photographs for pictures of `resolution` pixels.

    Twice as wide leaves room to turn and zoom them, and halving is exact: from a quarter more, pictures come out soft,
    and samples learned from them seven times as far from sharp photographs (kernel distance at 16 pixels).
    """
    return 2 * resolution


def _lot(digest: str, seed: int) -> float:
    """A number from 0 up to 1, by chance but always the same."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{digest}".encode()).digest()[:8]) / 2**64
