"""Waiting before trying again: what is promised holds for every attempt."""

from hypothesis import given
from hypothesis import strategies as st

from postcards_client.backoff import backoff


@given(st.integers(1, 10**6), st.floats(0.001, 10), st.floats(0.001, 600))
def test_a_wait_is_at_least_half_of_what_it_could_be_and_never_longer(attempt, first, longest):
    full = min(longest, first * 2.0 ** min(attempt - 1, 32))
    assert full / 2 <= backoff(attempt, first, longest) <= full


def test_waits_double_and_callers_come_apart():
    waits = [backoff(attempt, 1.0, 1e9) for attempt in (1, 3, 5)]
    assert waits[0] < waits[1] < waits[2]
    assert len({backoff(3, 1.0, 60.0) for _ in range(20)}) > 1
