"""Sets of pictures compared with the photographs that were held out of a training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from measures.distances import Estimate, Features, frechet_distance, kernel_distance
from measures.features import describe
from measures.mobilenet import MobileNetV2
from measures.nearest import Closeness, Nearest, closeness, nearest
from measures.pictures import Pixels, reduced


@dataclass(frozen=True)
class Row:
    """One set of pictures compared with the photographs that were held out."""

    pictures: int
    """How many."""
    kernel_distance: Estimate
    """KID times 1000; 0 for pictures of the same kind."""
    frechet_distance: float | None
    """Squared Frechet distance; None for a set of another size than the rest, with which it cannot be compared."""
    animal_share: float
    """Share whose likeliest class of ImageNet is an animal, 0 to 1."""


class Comparison:
    """Compares sets of pictures with the photographs held out, all of them brought to one resolution."""

    def __init__(self, network: MobileNetV2, held_out: Sequence[Pixels], resolution: int, count: int) -> None:
        """Takes sets of `count` pictures for comparable with each other."""
        self._network = network
        self._resolution = resolution
        self._count = count
        self._held_out = self.features(held_out)

    def features(self, pictures: Sequence[Pixels]) -> Features:
        """Features of pictures at the resolution of the comparison."""
        return describe(self._network, reduced(pictures, self._resolution)).features

    def row(self, pictures: Sequence[Pixels]) -> Row:
        """The figures of a set."""
        described = describe(self._network, reduced(pictures, self._resolution))
        return Row(
            pictures=len(pictures),
            kernel_distance=kernel_distance(described.features, self._held_out, np.random.default_rng(0)),
            frechet_distance=(
                frechet_distance(described.features, self._held_out) if len(pictures) == self._count else None
            ),
            animal_share=described.animal_share,
        )

    def memory(self, pictures: Sequence[Pixels], trained_on: Sequence[Pixels], held_out: Sequence[Pixels]) -> "Memory":
        """How near pictures come to the photographs that were trained on."""
        seen = self.features(trained_on)
        by_features = nearest(self.features(pictures), seen)
        grey_levels = _flat(self._mirrored(trained_on))
        return Memory(
            features=closeness(by_features, nearest(self._held_out, seen)),
            pixels=closeness(
                _in_grey_levels(nearest(_flat(reduced(pictures, self._resolution)), grey_levels), self._resolution),
                _in_grey_levels(nearest(_flat(reduced(held_out, self._resolution)), grey_levels), self._resolution),
            ),
            pairs=by_features,
        )

    def _mirrored(self, photographs: Sequence[Pixels]) -> list[Pixels]:
        """Photographs as they are and, as the training shows them too, in a mirror."""
        plain = reduced(photographs, self._resolution)
        return plain + [picture[:, ::-1] for picture in plain]


@dataclass(frozen=True)
class Memory:
    """How near pictures come to the photographs that were trained on, in two measures."""

    features: Closeness
    """Distances of features."""
    pixels: Closeness
    """Root mean square differences, grey levels of 255; mirrored photographs count too."""
    pairs: Nearest
    """For each picture the photograph with the nearest features."""


def _flat(pictures: Sequence[Pixels]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack(pictures).reshape(len(pictures), -1).astype(np.float64)


def _in_grey_levels(found: Nearest, resolution: int) -> Nearest:
    return Nearest(found.distances / np.sqrt(3 * resolution**2), found.indices)
