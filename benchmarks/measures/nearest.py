"""Whether pictures were made or remembered: how near each is to the nearest photograph of the training set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROWS = 64
_NEAREST_SHARE = 0.05


@dataclass(frozen=True)
class Nearest:
    """The nearest neighbour of each picture."""

    distances: NDArray[np.float64]
    """[pictures], Euclidean distance to the nearest."""
    indices: NDArray[np.int64]
    """[pictures], which one it is."""


@dataclass(frozen=True)
class Closeness:
    """How near pictures come to training photographs, beside photographs that were never trained on."""

    median: float
    """Median distance of the pictures."""
    least: float
    """Smallest distance of the pictures."""
    median_unseen: float
    """Median distance of the unseen photographs."""
    least_unseen: float
    """Smallest distance of the unseen photographs."""
    suspicious: float
    """Share of the pictures nearer than all but the nearest 5% of the unseen photographs; 0.05 of real photographs."""


def nearest(pictures: NDArray[np.float64], among: NDArray[np.float64]) -> Nearest:
    """For each picture [pictures, dimensions] the nearest of `among` [candidates, dimensions].

    Raises:
        ValueError: there are no candidates.
    """
    if not len(among):
        raise ValueError("needs at least one candidate")
    norms = np.sum(among**2, axis=1)
    distances, indices = np.empty(len(pictures)), np.empty(len(pictures), np.int64)
    for first in range(0, len(pictures), _ROWS):
        rows = pictures[first : first + _ROWS]
        found = np.argmin(norms - 2 * rows @ among.T, axis=1)
        indices[first : first + _ROWS] = found
        # From the difference itself: the expansion above loses the digits of small distances.
        distances[first : first + _ROWS] = np.linalg.norm(rows - among[found], axis=1)
    return Nearest(distances, indices)


def closeness(pictures: Nearest, unseen: Nearest) -> Closeness:
    """Compares the distances of pictures with those of photographs that the model has not seen."""
    limit = np.quantile(unseen.distances, _NEAREST_SHARE)
    return Closeness(
        median=float(np.median(pictures.distances)),
        least=float(pictures.distances.min()),
        median_unseen=float(np.median(unseen.distances)),
        least_unseen=float(unseen.distances.min()),
        suspicious=float(np.mean(pictures.distances < limit)),
    )
