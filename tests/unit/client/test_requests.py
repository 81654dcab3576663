"""Python values as requests: what does not fit is refused by name, whatever protobuf thinks of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postcards.composer.v1 import composer_pb2 as pb

from postcards_client.errors import FieldViolation, InvalidRequest
from postcards_client.requests import request_of


@given(st.floats(0, 1e9))
def test_durations_keep_their_seconds(seconds):
    duration = request_of(pb.CreatePostcardRequest, timeout=seconds).timeout
    assert 0 <= duration.nanos < 10**9
    assert math.isclose(duration.seconds + duration.nanos / 1e9, seconds, abs_tol=2e-9, rel_tol=1e-12)


def test_what_is_none_is_absent():
    request = request_of(pb.CreatePostcardRequest, seed=None, theme="", timeout=None, image=None)
    assert request == pb.CreatePostcardRequest()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("seed", -1, "must be a whole number from 0 to 2**64 - 1, not -1"),
        ("seed", 2**64, "must be a whole number from 0 to 2**64 - 1, not 18446744073709551616"),
        ("seed", 2.5, "must be a whole number from 0 to 2**64 - 1, not 2.5"),
        ("seed", "seven", "must be a whole number from 0 to 2**64 - 1, not of type str"),
        ("seed", True, "must be a whole number from 0 to 2**64 - 1, not True"),
        ("theme", 5, "must be Unicode text, not 5"),
        ("theme", "\ud800", "must be Unicode text"),
        ("strangeness", "odd", "must be a number, not of type str"),
        ("image", pb.LanguageSettings(), "must be of type ImageSettings, not of type LanguageSettings"),
        ("image", {"width": -1}, "must be of type ImageSettings, not of type dict"),
        ("timeout", "soon", "must be a number of seconds, not of type str"),
        ("timeout", math.nan, "must be a number of seconds, not nan"),
        ("timeout", math.inf, "must be a number of seconds, not inf"),
        ("timeout", 1e300, "must be a number of seconds, not 1e+300"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(name, value, words):
    with pytest.raises(InvalidRequest) as caught:
        request_of(pb.CreatePostcardRequest, **{"theme": "fog", name: value})
    assert caught.value.violations == (FieldViolation(name, words),)
    assert caught.value.message == f"{name} {words}"
    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")


def test_every_wrong_value_is_named():
    with pytest.raises(InvalidRequest) as caught:
        request_of(pb.CreatePostcardRequest, seed=-1, theme=5, strangeness=0.5)
    assert [violation.field for violation in caught.value.violations] == ["seed", "theme"]


def test_bytes_are_no_text():
    with pytest.raises(InvalidRequest, match="manifest must be bytes, not of type str"):
        request_of(pb.PlanReplayRequest, manifest="{}")


def test_a_field_that_does_not_exist_is_a_fault_of_the_program():
    with pytest.raises(KeyError):
        request_of(pb.CreatePostcardRequest, sed=1)
