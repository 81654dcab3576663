"""The rounds of a batch, taken one by one on the thread of the test: company, leaving, failures, memory."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

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
        self.capacity = 1_000
        self.on_step = lambda: None

    def group(self, state: Drop) -> str:
        return state.group

    def finished(self, state: Drop) -> bool:
        return state.step >= state.steps

    def step(self, states: Sequence[Drop]) -> list[Drop]:
        self.on_step()
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


def test_a_caller_is_woken_no_more_often_than_it_wants_and_always_for_the_last(mixer):
    clock = Clock()
    woken: list[list[int]] = []

    def step_takes_a_while() -> None:
        clock.now += 0.1

    mixer.on_step = step_takes_a_while
    loop = StepLoop(
        mixer, Schedule(8, 8), ring=lambda rows: woken.append([row.number for row in rows]), engine="pace", clock=clock
    )
    calm = loop.enter(Drop("calm", 6), Work(), pace=0.25)
    eager = loop.enter(Drop("eager", 7), Work())
    last: dict[int, list[int]] = {calm.number: [], eager.number: []}
    for step in range(1, 8):
        woken.clear()
        loop.round()
        for number in {number for rows in woken for number in rows}:
            last[number].append(step)
    assert last == {calm.number: [1, 4, 6], eager.number: [1, 2, 3, 4, 5, 6, 7]}
    assert news_of(calm) == News(Drop("calm", 6, step=6), last=True)


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
