"""Nearest neighbours, and what is concluded from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.nearest import Nearest, closeness, nearest


@given(st.integers(1, 90), st.integers(1, 40), st.integers(0, 1000))
def test_it_finds_what_looking_at_all_finds(pictures: int, candidates: int, seed: int):
    random = np.random.default_rng(seed)
    rows, among = random.normal(size=(pictures, 5)), random.normal(size=(candidates, 5))
    all_distances = np.linalg.norm(rows[:, None] - among[None], axis=2)
    found = nearest(rows, among)
    assert found.distances == pytest.approx(all_distances.min(axis=1))
    assert (found.indices == all_distances.argmin(axis=1)).all()


def test_a_copy_is_at_no_distance():
    among = np.random.default_rng(0).normal(1000, 1, (30, 200))
    found = nearest(among[[7, 3]], among)
    assert found.distances.tolist() == [0, 0]
    assert found.indices.tolist() == [7, 3]


def test_there_must_be_something_to_be_near_to():
    with pytest.raises(ValueError, match="at least one"):
        nearest(np.zeros((1, 3)), np.zeros((0, 3)))


def of(distances: np.ndarray) -> Nearest:
    return Nearest(distances, np.zeros(len(distances), np.int64))


def test_copies_are_suspicious_and_strangers_are_not():
    unseen = of(np.linspace(10, 20, 101))
    strangers, copies = of(np.linspace(11, 30, 50)), of(np.array([0.1, 0.2, 15.0, 16.0]))
    assert closeness(strangers, unseen).suspicious == 0
    found = closeness(copies, unseen)
    assert (found.suspicious, found.least, found.least_unseen, found.median_unseen) == (0.5, 0.1, 10, 15)


def test_unseen_photographs_themselves_are_hardly_suspicious():
    unseen = of(np.random.default_rng(0).normal(10, 1, 1000))
    assert closeness(unseen, unseen).suspicious == pytest.approx(0.05)
