"""The circuit breaker, with a clock that the test sets: a server that keeps failing is left alone, then tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manual_clock import ManualClock
from postcards_language.engines.openai.api.circuit_breaker import CircuitBreaker
from postcards_serving.errors import Unavailable


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class Listener:
    """Who hears of the circuit."""

    def __init__(self) -> None:
        self.heard: list[bool] = []

    def __call__(self, opened: bool) -> None:
        self.heard.append(opened)


def test_the_circuit_opens_rests_probes_and_closes(clock: ManualClock) -> None:
    ear = Listener()
    breaker = CircuitBreaker(failures=3, rest_seconds=30, clock=clock, tell=ear)
    for _ in range(3):
        breaker.enter()
        breaker.failed()
    with pytest.raises(Unavailable) as caught:
        breaker.enter()
    assert (caught.value.reason, caught.value.retry_after) == ("CIRCUIT_OPEN", 30)
    clock.now += 30
    assert breaker.enter()
    with pytest.raises(Unavailable):
        breaker.enter()
    breaker.failed(probe=True)
    clock.now += 29
    with pytest.raises(Unavailable):
        breaker.enter()
    clock.now += 1
    breaker.enter()
    breaker.succeeded()
    breaker.enter()
    breaker.enter()
    assert ear.heard == [True, False]


def test_a_probe_that_was_called_off_lets_another_try(clock: ManualClock) -> None:
    breaker = CircuitBreaker(failures=1, rest_seconds=30, clock=clock)
    breaker.enter()
    breaker.failed()
    clock.now += 30
    assert breaker.enter()
    breaker.withdrew(probe=True)
    assert breaker.enter()


@pytest.mark.parametrize("ends", ["failed", "withdrew"])
def test_a_call_from_before_lets_no_second_probe_through(clock: ManualClock, ends: str) -> None:
    breaker = CircuitBreaker(failures=1, rest_seconds=30, clock=clock)
    late = breaker.enter()
    breaker.enter()
    breaker.failed()
    clock.now += 30
    assert breaker.enter()
    getattr(breaker, ends)(probe=late)
    with pytest.raises(Unavailable):
        breaker.enter()


@given(st.lists(st.sampled_from(["good", "bad", "gone"]), max_size=40))
def test_only_failures_in_a_row_open_it(calls: list[str]) -> None:
    breaker = CircuitBreaker(failures=3, rest_seconds=1e9, clock=ManualClock())
    in_a_row = 0
    for call in calls:
        if in_a_row >= 3:
            with pytest.raises(Unavailable):
                breaker.enter()
            return
        breaker.enter()
        {"good": breaker.succeeded, "bad": breaker.failed, "gone": breaker.withdrew}[call]()
        in_a_row = {"good": 0, "bad": in_a_row + 1, "gone": in_a_row}[call]
