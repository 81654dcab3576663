"""Photographs in memory, and which of them are kept back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_image.training.data.photos import Photos, side_for


def photos(numbers: list[int], side: int = 4) -> Photos:
    images = [np.random.default_rng(number).integers(0, 255, (side, side, 3), dtype=np.uint8) for number in numbers]
    digests = tuple(f"{number:064x}" for number in numbers)
    return Photos(np.stack(images), np.array(numbers) % 3, ("a", "b", "c"), digests)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40), st.floats(0, 1), st.integers(0, 2**63 - 1))
def test_a_split_is_a_partition_that_keeps_order_labels_and_digests(numbers, share, seed):
    whole = photos(numbers)
    learned, kept = whole.split(share, seed)
    assert len(learned) + len(kept) == len(whole)
    for part in (learned, kept):
        own = [int(digest, 16) for digest in part.digests]
        assert part.labels.tolist() == [number % 3 for number in own]
        assert np.array_equal(part.images, photos(own).images) if own else len(part) == 0
    assert not set(learned.digests) & set(kept.digests)


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=30), st.integers(0, 9), st.data())
def test_the_side_of_a_photograph_does_not_depend_on_its_company(numbers, seed, data):
    some = data.draw(st.lists(st.sampled_from(numbers), min_size=1))
    kept = set(photos(numbers).split(0.4, seed)[1].digests)
    assert set(photos(some).split(0.4, seed)[1].digests) == kept & set(photos(some).digests)


def test_the_share_is_kept_and_seeds_differ():
    whole = photos(list(range(3000)), side=1)
    first, second = (set(whole.split(0.1, seed)[1].digests) for seed in (0, 1))
    assert 240 < len(first) < 360
    assert 3 < len(first & second) < 80


def test_nothing_or_all_can_be_kept_back():
    whole = photos([1, 2, 3])
    assert len(whole.split(0, 5)[1]) == 0
    assert len(whole.split(1, 5)[0]) == 0


def test_without_digests_the_pixels_decide():
    random = np.random.default_rng(1).integers(0, 255, (30, 4, 4, 3), dtype=np.uint8)
    twice = Photos(np.concatenate([random, random]), np.arange(60), ())
    kept = twice.split(0.3, 0)[1]
    assert len(kept) % 2 == 0
    half = len(kept) // 2
    assert np.array_equal(kept.images[:half], kept.images[half:])
    assert len(kept) > 0


@pytest.mark.parametrize("resolution", [8, 10, 16, 64])
def test_there_is_room_to_turn_a_photograph(resolution):
    assert side_for(resolution) >= resolution * 5 / 4
