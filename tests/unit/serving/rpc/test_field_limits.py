"""Limits, and the words for what breaks them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_serving.rpc.field_limits import Limits, length_fault, number_fault, of_field, of_items, text_fault


@pytest.mark.parametrize(
    ("limits", "value", "words"),
    [
        (Limits(ge=0, le=1), 1.5, "must be 0 to 1, not 1.5"),
        (Limits(ge=-4, le=4), -5, "must be -4 to 4, not -5"),
        (Limits(gt=0, le=1), 0.0, "must be above 0 to 1, not 0"),
        (Limits(gt=0, lt=1), 1, "must be above 0 and below 1, not 1"),
        (Limits(ge=0, lt=1), 1, "must be at least 0 and below 1, not 1"),
        (Limits(ge=0.25), 0, "must be at least 0.25, not 0"),
        (Limits(gt=0), 0, "must be above 0, not 0"),
        (Limits(le=2**64 - 1), 2**64, "must be at most 18446744073709551615, not 18446744073709551616"),
        (Limits(lt=0), 1e300, "must be below 0, not 1e+300"),
        (Limits(ge=8, multiple_of=8), 12, "must be a multiple of 8, not 12"),
        (Limits(), math.nan, "must be a finite number, not nan"),
        (Limits(ge=0), -math.inf, "must be a finite number, not -inf"),
    ],
)
def test_a_number_outside_is_told_its_range(limits, value, words):
    assert number_fault(value, limits) == words


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(-20, 20))
def test_the_ends_belong_to_a_closed_range_only(low, high, value):
    closed, opened = Limits(ge=low, le=high), Limits(gt=low, lt=high)
    assert (number_fault(value, closed) is None) == (low <= value <= high)
    assert (number_fault(value, opened) is None) == (low < value < high)


@pytest.mark.parametrize(
    ("limits", "length", "words"),
    [
        (Limits(max_length=3), 4, "must have at most 3 items, not 4"),
        (Limits(max_length=1), 2, "must have at most 1 item, not 2"),
        (Limits(min_length=2), 1, "must have at least 2 items, not 1"),
        (Limits(min_length=2, max_length=4), 5, "must have 2 to 4 items, not 5"),
        (Limits(min_length=3, max_length=3), 2, "must have exactly 3 items, not 2"),
    ],
)
def test_a_wrong_length_is_told_the_right_one(limits, length, words):
    assert length_fault(length, limits, "item") == words


def test_a_pattern_holds_for_the_whole_text():
    limits = Limits(pattern="[a-z]+")
    assert text_fault("okapi", limits) is None
    assert text_fault("okapi\n", limits) == "must match [a-z]+, not 'okapi\\n'"
    assert text_fault("X" * 100, limits) == f"must match [a-z]+, not '{'X' * 40}…'"


def test_items_have_limits_of_their_own():
    metadata = {"min_length": 1, "item_ge": 2, "item_max_length": 3, "wire": True}
    assert of_field(metadata) == Limits(min_length=1)
    assert of_items(metadata) == Limits(ge=2, max_length=3)


def test_a_misspelt_limit_is_no_limit_but_an_error():
    with pytest.raises(TypeError, match="maximum"):
        of_field({"maximum": 3})
    with pytest.raises(TypeError, match="item_maximum"):
        of_field({"item_maximum": 3})
