"""The rounds of a batch, taken one by one on the thread of the test: results, failures, order, chores, time."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from postcards_serving.batch_rows import Chore, News, Row
from postcards_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    EngineFailed,
    FailedPrecondition,
    Overloaded,
    Unavailable,
)
from postcards_serving.logging import REQUEST_ID
from postcards_serving.schedule import Schedule
from postcards_serving.step_loop import StepLoop, closed
from postcards_serving.work import Work


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Drop:
    """A state: some numbers on their way through a number of steps."""

    name: str
    steps: int = 2
    group: str = "a"
    step: int = 0
    fault: BaseException | None = None
    fails_at: int = 0
    value: np.ndarray = field(default_factory=lambda: np.zeros(4), compare=False)


class Mixer:
    """Multiplies each row by a matrix, as one product for all of them."""

    def __init__(self, width: int = 4, dtype: type = np.float64) -> None:
        self.matrix = np.random.default_rng(7).normal(size=(width, width)).astype(dtype) / width**0.5
        self.steps: list[list[str]] = []
        self.tried: set[str] = set()
        self.capacity = 1_000
        self.on_step = lambda: None

    def group(self, state: Drop) -> str:
        return state.group

    def finished(self, state: Drop) -> bool:
        return state.step >= state.steps

    def step(self, states: Sequence[Drop]) -> list[Drop]:
        self.on_step()
        self.tried = {state.name for state in states}
        assert len({state.group for state in states}) == 1
        assert not any(self.finished(state) for state in states)
        if len(states) > self.capacity:
            raise MemoryError
        for state in states:
            if state.fault is not None and state.step == state.fails_at:
                raise state.fault
        self.steps.append([state.name for state in states])
        mixed = np.tanh(np.stack([state.value for state in states]) @ self.matrix + 1)
        return [replace(state, step=state.step + 1, value=value) for state, value in zip(states, mixed, strict=True)]


def alone(state: Drop, mixer: Mixer) -> np.ndarray:
    while not mixer.finished(state):
        (state,) = mixer.step([state])
    return state.value


def stirring(mixer, *, max_rows: int = 8, max_waiting: int = 8, clock=None, engine: str = "rounds") -> StepLoop:
    def ring(rows: Sequence[Row]) -> None:
        for row in rows:
            row.ring()

    return StepLoop(mixer, Schedule(max_rows, max_waiting), ring=ring, engine=engine, clock=clock or Clock())


@pytest.fixture
def mixer():
    return Mixer()


@pytest.fixture
def loop(mixer):
    return stirring(mixer)


def news_of(row: Row) -> News:
    news = row.take(0)
    assert news is not None
    return news


def finish(loop: StepLoop) -> int:
    rounds = 0
    while loop.busy:
        loop.round()
        rounds += 1
    return rounds


def test_rows_of_different_length_share_steps(loop, mixer):
    rows = [loop.enter(Drop(name, steps), Work()) for name, steps in (("x", 3), ("y", 1), ("z", 2))]
    assert finish(loop) == 3
    assert mixer.steps == [["x", "y", "z"], ["x", "z"], ["x"]]
    assert [news_of(row).state.step for row in rows] == [3, 1, 2]


def test_a_row_hears_of_every_step_while_it_listens(loop):
    row = loop.enter(Drop("x", 3), Work())
    heard = []
    for _ in range(3):
        loop.round()
        heard.append(news_of(row))
    assert [(news.state.step, news.last) for news in heard] == [(1, False), (2, False), (3, True)]
    assert row.take(0) is None


def test_a_row_that_does_not_listen_hears_the_last(loop):
    row = loop.enter(Drop("x", 9), Work())
    finish(loop)
    assert news_of(row) == News(Drop("x", 9, step=9), last=True)
    assert row.take(0) is None


def test_a_newcomer_joins_at_the_next_boundary(loop, mixer):
    loop.enter(Drop("x", 3), Work())
    mixer.on_step = lambda: len(mixer.steps) == 1 and loop.enter(Drop("y", 1), Work())
    finish(loop)
    assert mixer.steps == [["x"], ["x"], ["x", "y"]]


def test_who_waits_longest_joins_first(mixer):
    loop = stirring(mixer, max_rows=2)
    for name, steps in (("v", 2), ("w", 1), ("x", 1), ("y", 1)):
        loop.enter(Drop(name, steps), Work())
    finish(loop)
    assert mixer.steps == [["v", "w"], ["v", "x"], ["y"]]


@pytest.mark.parametrize("waiting", [False, True])
def test_a_cancelled_row_leaves_at_the_next_boundary(mixer, waiting):
    loop = stirring(mixer, max_rows=1)
    first, second = Work(), Work()
    rows = [loop.enter(Drop("x", 9), first), loop.enter(Drop("y", 1), second)]
    loop.round()
    (second if waiting else first).cancel()
    loop.round()
    assert mixer.steps == [["x"], ["x"] if waiting else ["y"]]
    gone = news_of(rows[1 if waiting else 0])
    assert gone.last
    assert isinstance(gone.fault, Cancelled)


@pytest.mark.parametrize("waiting", [False, True])
def test_a_row_whose_time_is_over_leaves_at_the_next_boundary(mixer, waiting):
    clock = Clock()
    loop = stirring(mixer, max_rows=1, clock=clock)
    limited = Work(timeout=1, clock=clock)
    rows = [loop.enter(Drop("x", 9), Work() if waiting else limited)]
    rows += [loop.enter(Drop("y", 1), limited if waiting else Work())]
    loop.round()
    clock.now += 1
    loop.round()
    assert mixer.steps == [["x"], ["x"] if waiting else ["y"]]
    assert isinstance(news_of(rows[1 if waiting else 0]).fault, DeadlineExceeded)


def test_a_row_whose_caller_has_left_leaves_at_the_next_boundary(loop, mixer):
    loop.enter(Drop("x", 9), Work()).leave()
    loop.round()
    assert not loop.busy
    assert mixer.steps == []


def test_a_failure_ends_the_row_whose_it_is_and_no_other(loop):
    fault = ValueError("not a number")
    rows = [loop.enter(Drop(name, 2, fault=fault if name == "w" else None, fails_at=1), Work()) for name in "uvwxyz"]
    finish(loop)
    told = [news_of(row) for row in rows]
    assert [type(news.fault) for news in told] == [type(None)] * 2 + [EngineFailed] + [type(None)] * 3
    assert told[2].fault.__cause__ is fault
    assert "number" not in told[2].fault.message
    assert [news.state.step for news in told] == [2, 2, 1, 2, 2, 2]


def test_when_everything_fails_each_row_fails_once(loop, caplog):
    rows = [loop.enter(Drop(str(i), fault=ValueError()), Work()) for i in range(8)]
    rounds = finish(loop)
    assert all(isinstance(news_of(row).fault, EngineFailed) for row in rows)
    # Three halvings, then one by one.
    assert rounds == 3 + 8
    assert sum(record.levelno == logging.ERROR for record in caplog.records) == 8


def test_the_cause_is_logged_with_the_request_of_the_caller(loop):
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append((REQUEST_ID.get(), record.exc_info[1]))
    fault = ValueError("odd")
    token = REQUEST_ID.set("r-7")
    loop.enter(Drop("x", fault=fault), Work())
    REQUEST_ID.reset(token)
    log = logging.getLogger("postcards_serving.step_loop")
    log.addHandler(handler)
    try:
        finish(loop)
    finally:
        log.removeHandler(handler)
    assert seen == [("r-7", fault)]


def test_what_a_step_says_in_words_of_the_domain_reaches_the_caller(loop):
    fault = FailedPrecondition("the drawing is empty")
    rows = [loop.enter(Drop("x", fault=fault), Work()), loop.enter(Drop("y"), Work())]
    finish(loop)
    assert news_of(rows[0]).fault is fault
    assert news_of(rows[1]).fault is None


@pytest.mark.parametrize("fault", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_a_step_that_would_end_the_thread_ends_its_row(loop, fault):
    rows = [loop.enter(Drop("x", fault=fault), Work()), loop.enter(Drop("y"), Work())]
    finish(loop)
    assert isinstance(news_of(rows[0]).fault, EngineFailed)
    assert news_of(rows[1]).fault is None


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's."""


@pytest.mark.parametrize("fault", [MemoryError(), OutOfMemoryError(), RuntimeError("Failed to allocate memory for X")])
def test_a_row_that_lacks_memory_alone_says_so(loop, fault):
    row = loop.enter(Drop("x", fault=fault), Work())
    finish(loop)
    assert news_of(row).fault.reason == "OUT_OF_MEMORY"


def test_steps_that_do_not_fit_into_memory_are_taken_in_halves(loop, mixer):
    mixer.capacity = 3
    rows = [loop.enter(Drop(str(i), 5), Work()) for i in range(8)]
    rounds = finish(loop)
    assert all(news_of(row).fault is None for row in rows)
    assert {len(step) for step in mixer.steps} == {2}
    assert rounds == 2 + 4 * 5


def test_rows_that_only_fail_in_company_all_finish():
    class Shy(Mixer):
        def step(self, states):
            if len(states) > 2:
                raise ValueError("too many")
            return super().step(states)

    loop = stirring(Shy())
    rows = [loop.enter(Drop(str(i), 20), Work()) for i in range(8)]
    rounds = finish(loop)
    assert all(news_of(row).fault is None for row in rows)
    assert rounds < 2 * 4 * 20


def test_a_step_that_loses_rows_fails():
    class Losing(Mixer):
        def step(self, states):
            return super().step(states)[1:]

    loop = stirring(Losing())
    row = loop.enter(Drop("x"), Work())
    finish(loop)
    assert "gave 0 states" in str(news_of(row).fault.__cause__)


@pytest.mark.parametrize("broken", ["finished", "group"])
def test_a_state_that_cannot_be_judged_ends_its_row(mixer, broken):
    def judge(state):
        if state.name == "x" and state.step == 1:
            raise ZeroDivisionError
        return getattr(Mixer, broken)(mixer, state)

    loop = stirring(mixer)
    rows = [loop.enter(Drop(name), Work()) for name in "xy"]
    setattr(mixer, broken, judge)
    finish(loop)
    assert isinstance(news_of(rows[0]).fault.__cause__, ZeroDivisionError)
    assert news_of(rows[1]).fault is None


def test_who_is_turned_away_is_told_when_the_oldest_is_expected_to_leave(mixer):
    clock = Clock()
    loop = stirring(mixer, max_rows=2, max_waiting=1, clock=clock)
    for _ in range(50):
        loop.enter(Drop("x", 1), Work())
        mixer.on_step = lambda: setattr(clock, "now", clock.now + 8)
        finish(loop)
    mixer.on_step = lambda: None
    for name in "xyz":
        loop.enter(Drop(name, 99), Work())
    loop.round()
    with pytest.raises(Overloaded) as caught:
        loop.enter(Drop("late"), Work())
    assert caught.value.retry_after == pytest.approx(8, rel=0.01)
    assert caught.value.metadata["max_waiting"] == "1"
    clock.now += 3
    with pytest.raises(Overloaded) as caught:
        loop.enter(Drop("late"), Work())
    assert caught.value.retry_after == pytest.approx(5, rel=0.01)
    clock.now += 9
    with pytest.raises(Overloaded) as caught:
        loop.enter(Drop("late"), Work())
    assert caught.value.retry_after == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("leaving", [0, 1, 2])
def test_who_leaves_during_a_long_step_makes_room_at_once(mixer, leaving):
    loop = stirring(mixer, max_rows=2, max_waiting=1)
    works = [Work() for _ in range(3)]
    for name, work in zip("xyz", works, strict=True):
        loop.enter(Drop(name, 1), work)

    def someone_leaves() -> None:
        if not mixer.steps:
            with pytest.raises(Overloaded):
                loop.enter(Drop("late", 1), Work())
            works[leaving].cancel()
            loop.enter(Drop("new", 1), Work())

    mixer.on_step = someone_leaves
    finish(loop)
    # Whoever takes part in the step that runs is computed to its end for nothing.
    expected = [["x", "y"], ["z", "new"]] if leaving < 2 else [["x", "y"], ["new"]]
    assert mixer.steps == expected


def test_ending_everything_tells_every_row_and_chore(loop):
    rows = [loop.enter(Drop(str(i)), Work()) for i in range(9)]
    chore = Chore(lambda: 1, Work())
    loop.round()
    loop.add(chore)
    loop.end_all(closed())
    assert all(isinstance(news_of(row).fault, Unavailable) for row in rows)
    assert chore.outcome.cancelled()
    assert not loop.busy
    loop.enter(Drop("later"), Work())
    finish(loop)


@pytest.mark.parametrize("how", ["steps", "finishes", "fails", "is cancelled", "is ended"])
def test_whoever_has_news_is_woken(mixer, how):
    woken: list[int] = []
    loop = StepLoop(
        mixer,
        Schedule(4, 0),
        ring=lambda rows: woken.extend(row.number for row in rows),
        engine="woken",
        clock=Clock(),
    )
    works = [Work(), Work()]
    for work in works:
        loop.enter(Drop("x", 1 if how == "finishes" else 9, fault=ValueError() if how == "fails" else None), work)
    match how:
        case "is cancelled":
            for work in works:
                work.cancel()
        case "is ended":
            loop.end_all(closed())
    while len(woken) < 2:
        loop.round()
    assert woken == [0, 1]


def test_a_step_that_comes_back_after_everything_was_ended_is_forgotten(loop, mixer):
    mixer.on_step = lambda: loop.end_all(closed())
    row = loop.enter(Drop("x"), Work())
    finish(loop)
    assert isinstance(news_of(row).fault, Unavailable)


@pytest.mark.parametrize("count", [1, 2])
def test_a_failure_after_everything_was_ended_is_forgotten(loop, mixer, count):
    mixer.on_step = lambda: loop.end_all(closed())
    rows = [loop.enter(Drop(str(i), fault=ValueError()), Work()) for i in range(count)]
    finish(loop)
    assert all(isinstance(news_of(row).fault, Unavailable) for row in rows)


class Kitchen:
    """Steps and chores that take the time they are told to, and a list of what was done."""

    def __init__(self, step_seconds: float, chore_seconds: float) -> None:
        self.clock = Clock()
        self.done: list[str] = []
        mixer = Mixer()
        mixer.on_step = lambda: self.spend("step", step_seconds)
        self.loop = stirring(mixer, clock=self.clock)
        self.chore_seconds = chore_seconds

    def spend(self, what: str, seconds: float) -> None:
        self.done.append(what)
        self.clock.now += seconds

    def ask(self, count: int, work: Work | None = None) -> list[Chore]:
        chores = [Chore(lambda: self.spend("chore", self.chore_seconds), work or Work()) for _ in range(count)]
        for chore in chores:
            self.loop.add(chore)
        return chores


def test_chores_and_steps_that_both_press_get_half_of_the_time_each():
    kitchen = Kitchen(step_seconds=3, chore_seconds=1)
    kitchen.loop.enter(Drop("x", 4), Work())
    kitchen.loop.round()
    kitchen.ask(9)
    finish(kitchen.loop)
    assert kitchen.done == ["step", *["chore", "chore", "chore", "step"] * 3]


def test_a_long_chore_lets_a_step_pass_and_no_step_keeps_chores_waiting():
    kitchen = Kitchen(step_seconds=1, chore_seconds=5)
    kitchen.loop.enter(Drop("x", 4), Work())
    kitchen.ask(3)
    finish(kitchen.loop)
    assert kitchen.done == ["chore", "step"] * 3 + ["step"]


def test_chores_that_come_during_a_chore_wait_for_the_next_boundary():
    kitchen = Kitchen(step_seconds=100, chore_seconds=0)
    kitchen.loop.enter(Drop("x", 2), Work())
    kitchen.loop.round()
    kitchen.loop.add(Chore(lambda: kitchen.ask(1), Work()))
    kitchen.loop.round()
    assert kitchen.done == ["step", "step"]
    finish(kitchen.loop)
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
    kitchen.loop.enter(Drop("x", 1), Work())
    finish(kitchen.loop)
    ending = Chore(lambda: kitchen.loop.end_all(closed()), Work())
    kitchen.loop.add(ending)
    (after,) = kitchen.ask(1)
    kitchen.loop.round()
    assert ending.outcome.done()
    assert after.outcome.cancelled()
    assert kitchen.done == ["step"]


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_every_series_is_zero_from_the_start(mixer):
    stirring(mixer, engine="untouched")
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


def test_what_happens_is_counted(mixer):
    clock = Clock()
    loop = stirring(mixer, max_rows=2, max_waiting=2, clock=clock, engine="counted")
    mixer.on_step = lambda: setattr(clock, "now", clock.now + 2)
    cancelled, late = Work(), Work(timeout=1, clock=clock)
    for drop, work in (
        (Drop("x", 3), Work()),
        (Drop("y", 9, fault=ValueError(), fails_at=1), Work()),
        (Drop("c"), cancelled),
        (Drop("d"), late),
    ):
        loop.enter(drop, work)
    with pytest.raises(Overloaded):
        loop.enter(Drop("z"), Work())
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
    assert sample("postcards_batch_step_rows_count", **labels) == len(mixer.steps) == 3
    assert sample("postcards_batch_step_rows_sum", **labels) == 4
    assert sample("postcards_batch_step_duration_seconds_sum", **labels) == 6
    assert sample("postcards_batch_chore_duration_seconds_count", **labels) == 1
    for name in ("rows_in_flight", "rows_waiting", "chores_waiting", "present_step_seconds"):
        assert sample(f"postcards_batch_{name}", **labels) == 0


def test_a_stuck_step_can_be_seen_while_it_is_stuck(mixer):
    clock = Clock()
    loop = stirring(mixer, clock=clock, engine="stuck")
    seen = []

    def get_stuck() -> None:
        clock.now += 42
        seen.append(sample("postcards_batch_present_step_seconds", engine="stuck"))

    mixer.on_step = get_stuck
    loop.enter(Drop("x", 1), Work())
    loop.add(Chore(get_stuck, Work()))
    finish(loop)
    assert seen == [42, 42]
    assert sample("postcards_batch_present_step_seconds", engine="stuck") == 0


@dataclass(frozen=True)
class Arrival:
    """A row of the property test, and what becomes of it."""

    at: int
    group: str
    steps: int
    fails_at: int | None
    leaves_at: int | None


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        at=st.integers(0, 12),
        group=st.sampled_from("abc"),
        steps=st.integers(1, 8),
        fails_at=st.none() | st.integers(0, 7),
        leaves_at=st.none() | st.integers(0, 16),
    ),
    max_size=24,
)


@given(ARRIVALS, st.integers(1, 8), st.integers(0, 6), st.integers(1, 8))
def test_whatever_comes_every_row_ends_once_and_as_it_would_alone(arrivals, max_rows, max_waiting, capacity):
    mixer, reference = Mixer(32, np.float32), Mixer(32, np.float32)
    mixer.capacity = capacity
    loop = stirring(mixer, max_rows=max_rows, max_waiting=max_waiting)
    posted: dict[str, list[News]] = {}
    present: dict[str, tuple[Arrival, Drop, Work]] = {}
    names: dict[int, str] = {}
    idle: dict[str, int] = {}
    # Each row before another may have to be found by halving first.
    most_idle = max_rows * (1 + math.log2(max_rows))
    moment = 0
    while loop.busy or moment <= 12:
        for index, arrival in enumerate(arrivals):
            name = str(index)
            if arrival.at == moment:
                fault = None if arrival.fails_at is None else ValueError(name)
                value = np.random.default_rng(index).normal(size=32).astype(np.float32)
                drop = Drop(name, arrival.steps, arrival.group, 0, fault, arrival.fails_at or 0, value)
                work = Work()
                try:
                    row = loop.enter(drop, work)
                except Overloaded:
                    continue
                posted[name] = []
                row.post = posted[name].append
                names[row.number] = name
                present[name] = (arrival, drop, work)
            if arrival.leaves_at == moment and name in present:
                present[name][2].cancel()
        loop.round()
        moment += 1
        for name in (names[seat.number] for seat in loop._schedule.aboard):
            idle[name] = 0 if name in mixer.tried else idle.get(name, 0) + 1
            assert idle[name] <= most_idle
    assert {name for step in mixer.steps for name in step} <= set(posted)
    for name, (arrival, drop, work) in present.items():
        *before, last = posted[name]
        assert last.last
        assert not any(news.last or news.fault for news in before)
        assert [news.state.step for news in before] == list(range(1, len(before) + 1))
        if isinstance(last.fault, Cancelled):
            assert work.cancelled
        elif last.fault is not None:
            assert arrival.fails_at == last.state.step < arrival.steps
        else:
            assert last.state.step == arrival.steps
            assert arrival.fails_at is None or arrival.fails_at >= arrival.steps
            assert np.abs(last.state.value - alone(replace(drop, fault=None), reference)).max() <= 1e-4
