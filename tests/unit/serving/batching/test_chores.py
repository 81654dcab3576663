"""Chores between steps: their share of the time, their order, and who wants them no more."""

from collections.abc import Sequence

from countdown import Countdown
from postcards_serving.batching.rows import Chore
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled, Stopping


class Kitchen(Countdown):
    """Steps and chores that take the time they are told to, and a list of what was done. A state counts down."""

    def __init__(self, step_seconds: float, chore_seconds: float) -> None:
        self.now = 0.0
        self.done: list[str] = []
        self.step_seconds = step_seconds
        self.chore_seconds = chore_seconds
        self.loop = StepLoop(self, Schedule(8, 8), ring=lambda _: None, engine="kitchen", clock=lambda: self.now)

    def step(self, states: Sequence[int]) -> list[int]:
        self.spend("step", self.step_seconds)
        return super().step(states)

    def spend(self, what: str, seconds: float) -> None:
        self.done.append(what)
        self.now += seconds

    def ask(self, count: int, work: Work | None = None) -> list[Chore]:
        chores = [Chore(lambda: self.spend("chore", self.chore_seconds), work or Work()) for _ in range(count)]
        for chore in chores:
            self.loop.add(chore)
        return chores

    def finish(self) -> None:
        while self.loop.busy:
            self.loop.round()


def test_chores_and_steps_that_both_press_get_half_of_the_time_each():
    kitchen = Kitchen(step_seconds=3, chore_seconds=1)
    kitchen.loop.enter(4, Work())
    kitchen.loop.round()
    kitchen.ask(9)
    kitchen.finish()
    assert kitchen.done == ["step", *["chore", "chore", "chore", "step"] * 3]


def test_a_long_chore_lets_a_step_pass_and_no_step_keeps_chores_waiting():
    kitchen = Kitchen(step_seconds=1, chore_seconds=5)
    kitchen.loop.enter(4, Work())
    kitchen.ask(3)
    kitchen.finish()
    assert kitchen.done == ["chore", "step"] * 3 + ["step"]


def test_chores_that_come_during_a_chore_wait_for_the_next_boundary():
    kitchen = Kitchen(step_seconds=100, chore_seconds=0)
    kitchen.loop.enter(2, Work())
    kitchen.loop.round()
    kitchen.loop.add(Chore(lambda: kitchen.ask(1), Work()))
    kitchen.loop.round()
    assert kitchen.done == ["step", "step"]
    kitchen.finish()
    assert kitchen.done == ["step", "step", "chore"]


def test_chores_nobody_wants_any_more_cost_nothing():
    kitchen = Kitchen(step_seconds=1, chore_seconds=5)
    gone = Work()
    gone.cancel()
    chores = kitchen.ask(2, gone)
    (dropped,) = kitchen.ask(1)
    dropped.outcome.cancel()
    (wanted,) = kitchen.ask(1)
    kitchen.loop.round()
    assert kitchen.done == ["chore"]
    assert wanted.outcome.done()
    assert all(isinstance(chore.outcome.exception(), Cancelled) for chore in chores)


def test_a_chore_that_comes_back_after_everything_was_ended_is_the_last():
    kitchen = Kitchen(step_seconds=9, chore_seconds=0)
    kitchen.loop.enter(1, Work())
    kitchen.finish()
    ending = Chore(lambda: kitchen.loop.end_all(Stopping()), Work())
    kitchen.loop.add(ending)
    (after,) = kitchen.ask(1)
    kitchen.loop.round()
    assert ending.outcome.done()
    assert after.outcome.cancelled()
    assert kitchen.done == ["step"]
