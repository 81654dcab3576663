"""How far two sets of pictures are apart, from the features of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
"""[pictures, dimensions]."""

DISTANCE_SCALE = 1000
"""Kernel distances are told in thousandths, as is usual."""

_SUBSETS = 200


@dataclass(frozen=True)
class Estimate:
    """A measured number."""

    value: float
    """What was measured."""
    error: float
    """Its standard error: how much it would vary with other pictures from the same sources."""


def kernel_distance(first: Features, second: Features, random: np.random.Generator) -> Estimate:
    """Kernel Inception Distance in thousandths: the unbiased squared maximum mean discrepancy, which may be negative.

    Bińkowski et al. 2018 (arXiv:1801.01401), with the cubic kernel and, instead of a mean over blocks, all pairs. The
    error is that of the delete-half jackknife (Shao and Wu 1989): the spread of the figure over random halves.

    Raises:
        ValueError: a set has fewer than four pictures.
    """
    if min(len(first), len(second)) < 4:
        raise ValueError(f"needs at least four pictures in each set, not {len(first)} and {len(second)}")
    within_first, within_second, across = _kernel(first, first), _kernel(second, second), _kernel(first, second)
    halves = [
        _discrepancy(within_first[np.ix_(a, a)], within_second[np.ix_(b, b)], across[np.ix_(a, b)])
        for a, b in ((_half(len(first), random), _half(len(second), random)) for _ in range(_SUBSETS))
    ]
    value = _discrepancy(within_first, within_second, across)
    return Estimate(DISTANCE_SCALE * value, DISTANCE_SCALE * float(np.std(halves)))


def frechet_distance(first: Features, second: Features) -> float:
    """Squared Frechet distance of the normal distributions fitted to both sets, as in Heusel et al. 2017.

    It is biased upwards for few pictures: compare only sets of the same size.
    """
    centred_first, centred_second = first - first.mean(axis=0), second - second.mean(axis=0)
    scale_first, scale_second = max(1, len(first) - 1), max(1, len(second) - 1)
    # The trace of the square root of the product of both covariances is the sum of these singular values, which
    # needs no square root of a matrix that few pictures leave singular.
    singular = np.linalg.svd(centred_first @ centred_second.T, compute_uv=False)
    between = float(np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2))
    spread = np.sum(centred_first**2) / scale_first + np.sum(centred_second**2) / scale_second
    return between + float(spread) - 2 * float(singular.sum()) / np.sqrt(scale_first * scale_second)


def _kernel(first: Features, second: Features) -> NDArray[np.float64]:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _discrepancy(
    within_first: NDArray[np.float64], within_second: NDArray[np.float64], across: NDArray[np.float64]
) -> float:
    return _mean_of_pairs(within_first) + _mean_of_pairs(within_second) - 2 * float(across.mean())


def _mean_of_pairs(kernel: NDArray[np.float64]) -> float:
    count = len(kernel)
    return float(kernel.sum() - np.trace(kernel)) / (count * (count - 1))


def _half(count: int, random: np.random.Generator) -> NDArray[np.int64]:
    return random.permutation(count)[: count // 2]
