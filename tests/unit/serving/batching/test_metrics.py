"""What a batch counts, and what can be seen of it while it works."""

from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from countdown import Countdown
from postcards_serving.batching.rows import Chore
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop
from postcards_serving.engine.work import Work
from postcards_serving.errors import Overloaded

BAD = 8
"""The state whose step fails."""


class Counted(Countdown):
    """Counts its steps too, and has a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.steps: list[int] = []
        self.on_step = lambda: None

    def clock(self) -> float:
        return self.now

    def step(self, states: Sequence[int]) -> list[int]:
        self.on_step()
        if BAD in states:
            raise ValueError("a bad state")
        self.steps.append(len(states))
        return super().step(states)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def countdown():
    return Counted()


def counting(countdown: Counted, engine: str) -> StepLoop[int]:
    return StepLoop(countdown, Schedule(2, 2), ring=lambda _: None, engine=engine, clock=countdown.clock)


def finish(loop: StepLoop[int]) -> None:
    while loop.busy:
        loop.round()


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_every_series_is_zero_from_the_start(countdown):
    counting(countdown, "untouched")
    for name in (
        "postcards_batch_rows_in_flight",
        "postcards_batch_rows_waiting",
        "postcards_batch_chores_waiting",
        "postcards_batch_present_step_seconds",
        "postcards_batch_step_rows_count",
        "postcards_batch_step_duration_seconds_count",
        "postcards_batch_chore_duration_seconds_count",
        "postcards_batch_failed_steps_total",
        "postcards_batch_rows_rejected_total",
    ):
        assert sample(name, engine="untouched") == 0
    for outcome in ("finished", "failed", "cancelled", "expired"):
        assert sample("postcards_batch_rows_ended_total", engine="untouched", outcome=outcome) == 0


def test_what_happens_is_counted(countdown):
    loop = counting(countdown, "counted")
    countdown.on_step = lambda: countdown.pass_time(2)
    cancelled, late = Work(), Work(timeout=1, clock=countdown.clock)
    for state, work in ((3, Work()), (BAD + 1, Work()), (1, cancelled), (1, late)):
        loop.enter(state, work)
    with pytest.raises(Overloaded):
        loop.enter(1, Work())
    loop.round()
    labels = {"engine": "counted"}
    assert sample("postcards_batch_rows_in_flight", **labels) == 2
    assert sample("postcards_batch_rows_waiting", **labels) == 2
    cancelled.cancel()
    loop.add(Chore(lambda: None, Work()))
    assert sample("postcards_batch_chores_waiting", **labels) == 1
    finish(loop)
    counted = {
        outcome: sample("postcards_batch_rows_ended_total", outcome=outcome, **labels)
        for outcome in ("finished", "failed", "cancelled", "expired")
    }
    assert counted == {"finished": 1, "failed": 1, "cancelled": 1, "expired": 1}
    assert sample("postcards_batch_rows_rejected_total", **labels) == 1
    # The two together once more, then each half, of which one fails.
    assert sample("postcards_batch_failed_steps_total", **labels) == 2
    assert sample("postcards_batch_step_rows_count", **labels) == len(countdown.steps) == 3
    assert sample("postcards_batch_step_rows_sum", **labels) == 4
    assert sample("postcards_batch_step_duration_seconds_sum", **labels) == 6
    assert sample("postcards_batch_chore_duration_seconds_count", **labels) == 1
    for name in ("rows_in_flight", "rows_waiting", "chores_waiting", "present_step_seconds"):
        assert sample(f"postcards_batch_{name}", **labels) == 0


def test_a_stuck_step_can_be_seen_while_it_is_stuck(countdown):
    loop = counting(countdown, "stuck")
    seen = []

    def get_stuck() -> None:
        countdown.pass_time(42)
        seen.append(sample("postcards_batch_present_step_seconds", engine="stuck"))

    countdown.on_step = get_stuck
    loop.enter(1, Work())
    loop.add(Chore(get_stuck, Work()))
    finish(loop)
    assert seen == [42, 42]
    assert sample("postcards_batch_present_step_seconds", engine="stuck") == 0
