"""The distances between sets of pictures, against cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.distances import frechet_distance, kernel_distance


def normal(seed: int, count: int, dimensions: int = 8, mean: float = 0.0, deviation: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, (count, dimensions))


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def by_hand(first: np.ndarray, second: np.ndarray) -> float:
    """The definition, one pair at a time."""

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / len(x) + 1) ** 3

    def within(rows: np.ndarray) -> float:
        pairs = [kernel(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j]
        return sum(pairs) / len(pairs)

    across = [kernel(x, y) for x in first for y in second]
    return 1000 * (within(first) + within(second) - 2 * sum(across) / len(across))


def test_the_kernel_distance_is_its_definition():
    first, second = normal(1, 7), normal(2, 5, mean=0.3)
    assert kernel_distance(first, second, random()).value == pytest.approx(by_hand(first, second))


def test_the_kernel_distance_of_normal_distributions_is_the_known_one():
    """For d dimensions, means a and b apart and unit variance, E (x.y/d + 1)^3 follows from the moments of x.y."""
    dimensions, shift = 4, 0.5

    def expected(dot: float, norms: float) -> float:
        # x = a + e, y = b + f: x.y has mean a.b, variance |a|^2 + |b|^2 + d and third central moment 6 a.b.
        mean, variance = dot / dimensions + 1, (norms + dimensions) / dimensions**2
        return mean**3 + 3 * mean * variance + 6 * dot / dimensions**3

    square = dimensions * shift**2
    known = 1000 * (expected(0, 0) + expected(square, 2 * square) - 2 * expected(0, square))
    far = kernel_distance(normal(1, 900, dimensions), normal(2, 900, dimensions, shift), random())
    assert far.value == pytest.approx(known, abs=4 * far.error)
    assert far.error < known / 3


def test_the_kernel_distance_is_unbiased():
    """Between sets of one distribution it is nothing on average, however few the pictures."""
    values = [kernel_distance(normal(2 * n, 12), normal(2 * n + 1, 9), random()).value for n in range(150)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0 < max(values)


def test_the_error_is_how_much_the_distance_varies():
    runs = [kernel_distance(normal(2 * n, 60), normal(2 * n + 1, 60, mean=0.5), random()) for n in range(60)]
    varies = np.std([run.value for run in runs])
    assert np.mean([run.error for run in runs]) == pytest.approx(varies, rel=0.35)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_pictures_does_not_matter(seed: int):
    shuffle = np.random.default_rng(seed)
    first, second = normal(1, 20), normal(2, 15, mean=0.2)
    mixed_first, mixed_second = shuffle.permutation(first), shuffle.permutation(second)
    there, back = kernel_distance(first, second, random()), kernel_distance(second, first, random())
    assert kernel_distance(mixed_first, mixed_second, random()).value == pytest.approx(there.value)
    assert back.value == pytest.approx(there.value)
    assert frechet_distance(mixed_first, mixed_second) == pytest.approx(frechet_distance(second, first))


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match="at least four pictures in each set, not 3 and 9"):
        kernel_distance(normal(1, 3), normal(2, 9), random())


def with_moments(rows: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Rows moved and bent so that their mean and covariance are exactly `mean` and `factor @ factor.T`."""
    centred = rows - rows.mean(axis=0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T))).T
    return white @ factor.T + mean


def test_the_frechet_distance_of_normal_distributions_is_the_known_one():
    """With diagonal covariances it is |a - b|^2 + the squares of the differences of the deviations."""
    deviations = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.5])
    first = with_moments(normal(1, 40, 3), np.array([1.0, 0.0, 2.0]), np.diag(deviations[0]))
    second = with_moments(normal(2, 30, 3), np.zeros(3), np.diag(deviations[1]))
    assert frechet_distance(first, second) == pytest.approx(5 + 1 + 6.25)


def test_the_frechet_distance_is_that_of_the_square_root_of_matrices():
    from scipy.linalg import sqrtm

    rows = normal(1, 50, 5), normal(2, 40, 5)
    bent = np.tril(np.ones((5, 5)))
    first, second = rows[0] @ bent, rows[1] + 0.5
    covariances = np.cov(first.T), np.cov(second.T)
    apart = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    root = np.real(sqrtm(covariances[0] @ covariances[1]))
    known = apart + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(known)


def test_the_frechet_distance_of_a_set_from_itself_is_nothing():
    few = normal(1, 6, 50)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(few, few + 1) == pytest.approx(50)
