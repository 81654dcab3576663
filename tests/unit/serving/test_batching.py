"""Callers on threads of their own and one engine thread: states, company, leaving, closing, chores, crashes."""

import asyncio
import contextlib
import logging
import random
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from prometheus_client import REGISTRY

from postcards_serving.batching import InFlightBatch
from postcards_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    EngineFailed,
    OutOfMemory,
    Overloaded,
    Unavailable,
)
from postcards_serving.execution import Executor, Finished
from postcards_serving.logging import REQUEST_ID
from postcards_serving.testing import eventually
from postcards_serving.work import Progress, Work

Count = tuple[str, int, int]
"""A state: its name, steps taken, steps wanted."""

PATIENCE = 30


class Counter:
    """Counts, one step at a time when it is told to; remembers who shared which step."""

    def __init__(self) -> None:
        self.steps: list[list[str]] = []
        self.entered = 0
        self.allowed = threading.Semaphore(0)
        self.free = threading.Event()
        self.faults: dict[str, BaseException] = {}
        self.threads: set[str] = set()

    def group(self, state: Count) -> int:
        del state
        return 0

    def finished(self, state: Count) -> bool:
        return state[1] >= state[2]

    def step(self, states: Sequence[Count]) -> list[Count]:
        self.entered += 1
        while not self.free.is_set() and not self.allowed.acquire(timeout=0.01):
            pass
        self.threads.add(threading.current_thread().name)
        for name, _, _ in states:
            if name in self.faults:
                raise self.faults[name]
        self.steps.append([name for name, _, _ in states])
        return [(name, taken + 1, wanted) for name, taken, wanted in states]


@pytest.fixture
def counter():
    return Counter()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(12) as threads:
        yield threads


@pytest.fixture
def batch(counter, pool):
    del pool
    made = InFlightBatch(counter, max_rows=2, max_waiting=2, engine="counter")
    yield made
    counter.free.set()
    made.close()


def follow(batch: InFlightBatch[Count], pool: ThreadPoolExecutor, state: Count, work: Work | None = None) -> Future:
    return pool.submit(lambda: list(batch.follow(state, work or Work())))


def samples(name: str) -> float:
    return REGISTRY.get_sample_value(f"postcards_batch_{name}", {"engine": "counter"}) or 0.0


def stuck_in_step(counter: Counter, count: int = 1):
    return eventually(lambda: counter.entered >= count)


async def test_a_caller_sees_every_step_that_it_asks_for(batch, counter):
    states = batch.follow(("x", 0, 3), Work())
    for taken in (1, 2, 3):
        counter.allowed.release()
        assert next(states) == ("x", taken, 3)
    assert list(states) == []
    assert counter.threads == {"batch-counter"}


def test_a_finished_state_is_all_there_is_and_wakes_nobody(batch, counter):
    assert list(batch.follow(("x", 3, 3), Work())) == [("x", 3, 3)]
    assert counter.entered == 0


def test_a_slow_caller_misses_states_and_gets_the_last(batch, counter):
    counter.allowed.release()
    states = batch.follow(("x", 0, 50), Work())
    assert next(states) == ("x", 1, 50)
    counter.free.set()
    assert list(batch.follow(("y", 0, 60), Work()))[-1] == ("y", 60, 60)
    # All 50 steps of x are over by now.
    assert list(states) == [("x", 50, 50)]


async def test_calls_share_steps_and_a_newcomer_joins_at_the_next_boundary(batch, counter, pool):
    first = follow(batch, pool, ("x", 0, 3))
    await stuck_in_step(counter)
    second = follow(batch, pool, ("y", 0, 1))
    await eventually(lambda: samples("rows_waiting") == 1)
    counter.free.set()
    assert (first.result(PATIENCE)[-1], second.result(PATIENCE)[-1]) == (("x", 3, 3), ("y", 1, 1))
    assert counter.steps == [["x"], ["x", "y"], ["x"]]


async def test_a_cancelled_caller_need_not_wait_for_the_step(batch, counter, pool):
    work = Work()
    leaving = follow(batch, pool, ("x", 0, 9), work)
    await stuck_in_step(counter)
    work.cancel()
    assert isinstance(leaving.exception(PATIENCE), Cancelled)
    assert counter.steps == []
    counter.allowed.release()
    await eventually(lambda: counter.steps == [["x"]])
    await eventually(lambda: samples("rows_in_flight") == 0)
    assert counter.entered == 1


async def test_a_deadline_need_not_wait_for_the_step(batch, counter, pool):
    leaving = follow(batch, pool, ("x", 0, 9), Work(timeout=0.05))
    assert isinstance(leaving.exception(PATIENCE), DeadlineExceeded)
    counter.free.set()
    await eventually(lambda: samples("rows_in_flight") == 0)
    assert len(counter.steps) <= 1


async def test_who_waits_for_a_place_may_leave(batch, counter, pool):
    seated = [follow(batch, pool, (name, 0, 2)) for name in "xy"]
    await stuck_in_step(counter)
    work = Work()
    leaving = follow(batch, pool, ("z", 0, 9), work)
    await eventually(lambda: samples("rows_waiting") >= 1)
    work.cancel()
    assert isinstance(leaving.exception(PATIENCE), Cancelled)
    counter.free.set()
    assert [len(future.result(PATIENCE)) > 0 for future in seated] == [True, True]
    assert "z" not in {name for step in counter.steps for name in step}


@pytest.mark.parametrize("work", [Work(timeout=0.0), None])
def test_a_call_that_is_over_before_it_begins_takes_no_place(batch, counter, work):
    if work is None:
        work = Work()
        work.cancel()
    with pytest.raises((Cancelled, DeadlineExceeded)):
        next(batch.follow(("x", 0, 1), work))
    with pytest.raises((Cancelled, DeadlineExceeded)):
        batch.between_steps(lambda: 1, work)
    assert counter.entered == 0


async def test_closing_the_iterator_takes_the_row_out(batch, counter):
    counter.allowed.release()
    with contextlib.closing(batch.follow(("x", 0, 9), Work())) as states:
        assert next(states) == ("x", 1, 9)
    counter.allowed.release()
    await eventually(lambda: samples("rows_in_flight") == 0)
    assert counter.entered <= 2


async def test_a_full_queue_turns_rows_away_until_one_leaves(batch, counter, pool):
    work = Work()
    accepted = [follow(batch, pool, (name, 0, 1)) for name in "uvw"]
    leaving = follow(batch, pool, ("x", 0, 1), work)
    await stuck_in_step(counter)
    await eventually(lambda: samples("rows_in_flight") + samples("rows_waiting") == 4)
    with pytest.raises(Overloaded) as caught:
        next(batch.follow(("y", 0, 1), Work()))
    assert caught.value.retry_after > 0
    work.cancel()
    accepted.append(follow(batch, pool, ("z", 0, 1)))
    assert isinstance(leaving.exception(PATIENCE), Cancelled)
    counter.free.set()
    assert [future.result(PATIENCE)[-1][0] for future in accepted] == [*"uvwz"]


async def test_a_row_that_fails_alone_harms_no_other(batch, counter, pool):
    counter.faults["x"] = ValueError("secret")
    calls = [follow(batch, pool, (name, 0, 3)) for name in "xy"]
    counter.free.set()
    fault = calls[0].exception(PATIENCE)
    assert isinstance(fault, EngineFailed)
    assert "secret" not in fault.message
    assert calls[1].result(PATIENCE)[-1] == ("y", 3, 3)


@pytest.mark.parametrize("fault", [SystemExit(2), KeyboardInterrupt()])
async def test_an_engine_that_tries_to_end_the_thread_does_not(batch, counter, pool, fault):
    counter.free.set()
    counter.faults["x"] = fault
    assert isinstance(follow(batch, pool, ("x", 0, 1)).exception(PATIENCE), EngineFailed)
    assert follow(batch, pool, ("y", 0, 1)).result(PATIENCE) == [("y", 1, 1)]
    assert counter.threads == {"batch-counter"}


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), SystemExit(1), MemoryError()])
async def test_a_fault_of_the_rounds_ends_every_row_and_the_next_call_is_served(
    batch, counter, pool, fault, monkeypatch, caplog
):
    rows = [follow(batch, pool, (name, 0, 9)) for name in "xy"]
    await stuck_in_step(counter)

    def crash(*_: object) -> None:
        monkeypatch.undo()
        raise fault

    monkeypatch.setattr(batch._loop, "_settle", crash)
    counter.free.set()
    faults = [row.exception(PATIENCE) for row in rows]
    assert any(isinstance(seen, EngineFailed | OutOfMemory) for seen in faults)
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)
    assert follow(batch, pool, ("z", 0, 2)).result(PATIENCE)[-1] == ("z", 2, 2)


async def test_callers_of_a_thread_that_has_died_are_told_and_the_next_gets_a_new_one(
    batch, counter, pool, monkeypatch
):
    monkeypatch.setattr(batch, "_live", lambda: None)
    assert isinstance(follow(batch, pool, ("x", 0, 1)).exception(PATIENCE), Unavailable)
    ran = []
    with pytest.raises(Unavailable):
        batch.between_steps(lambda: ran.append("too late"), Work())
    monkeypatch.undo()
    counter.free.set()
    assert follow(batch, pool, ("y", 0, 1)).result(PATIENCE) == [("y", 1, 1)]
    batch.between_steps(lambda: ran.append("in time"), Work())
    assert ran == ["in time"]
    assert counter.steps == [["y"]]


async def test_closing_lets_everybody_finish_and_nobody_begin(batch, counter, pool):
    rows = [follow(batch, pool, (name, 0, 3)) for name in "xyz"]
    await stuck_in_step(counter)
    await eventually(lambda: sum(samples(name) for name in ("rows_in_flight", "rows_waiting")) == 3)
    closing = pool.submit(batch.close)
    await eventually(lambda: batch._closing)
    with pytest.raises(Unavailable):
        next(batch.follow(("late", 0, 1), Work()))
    counter.free.set()
    closing.result(PATIENCE)
    assert [row.result(PATIENCE)[-1][1] for row in rows] == [3, 3, 3]
    assert not [thread for thread in threading.enumerate() if thread is batch._thread]
    await eventually(lambda: not any(thread.name == "bells-counter" for thread in threading.enumerate()))
    with pytest.raises(Unavailable):
        batch.between_steps(lambda: 1, Work())
    batch.close()


async def test_chores_of_calls_in_flight_run_while_the_batch_closes(batch, counter, pool):
    row = follow(batch, pool, ("x", 0, 2))
    await stuck_in_step(counter)
    closing = pool.submit(batch.close)
    await eventually(lambda: batch._closing)
    chore = pool.submit(batch.between_steps, lambda: "encoded", Work())
    await eventually(lambda: samples("chores_waiting") == 1)
    counter.free.set()
    assert chore.result(PATIENCE) == "encoded"
    assert row.result(PATIENCE)[-1] == ("x", 2, 2)
    closing.result(PATIENCE)


def test_a_batch_nobody_used_closes_at_once(counter):
    batch = InFlightBatch(counter, max_rows=1, max_waiting=0)
    batch.close()
    with pytest.raises(Unavailable):
        next(batch.follow(("x", 0, 1), Work()))
    with pytest.raises(Unavailable):
        batch.between_steps(lambda: 1, Work())


async def test_closing_does_not_wait_for_a_stuck_step_for_ever(batch, counter, pool):
    rows = [follow(batch, pool, (name, 0, 3)) for name in "xyz"]
    await stuck_in_step(counter)
    chore = pool.submit(batch.between_steps, lambda: 1, Work())
    await eventually(lambda: samples("chores_waiting") == 1)
    await eventually(lambda: sum(samples(name) for name in ("rows_in_flight", "rows_waiting")) == 3)
    batch.close(timeout=0.01)
    assert all(isinstance(row.exception(PATIENCE), Unavailable) for row in (*rows, chore))
    counter.free.set()
    await eventually(lambda: not batch._thread.is_alive())


def test_limits_that_make_no_sense_are_refused(counter):
    with pytest.raises(ValueError, match="max_rows"):
        InFlightBatch(counter, max_rows=0, max_waiting=0)
    for budget in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="budget"):
            InFlightBatch(counter, max_rows=1, max_waiting=0, budget=budget)


def test_a_chore_runs_on_the_engine_thread_in_the_context_of_its_caller(batch):
    token = REQUEST_ID.set("r-9")
    seen = batch.between_steps(lambda: (threading.current_thread().name, REQUEST_ID.get()), Work())
    REQUEST_ID.reset(token)
    assert seen == ("batch-counter", "r-9")


@pytest.mark.parametrize("fault", [ValueError("odd"), TimeoutError(), SystemExit(4), EngineFailed("no ink")])
def test_what_a_chore_raises_reaches_its_caller_and_no_one_else(batch, fault):
    def fail() -> None:
        raise fault

    with pytest.raises(type(fault)) as caught:
        batch.between_steps(fail, Work())
    assert caught.value is fault
    assert batch.between_steps(lambda: 1, Work()) == 1


def test_a_chore_may_ask_for_another_but_not_follow_a_row(batch):
    assert batch.between_steps(lambda: batch.between_steps(lambda: 5, Work()), Work()) == 5
    with pytest.raises(RuntimeError, match="wait for itself"):
        batch.between_steps(lambda: next(batch.follow(("x", 0, 1), Work())), Work())


async def test_a_chore_that_waits_is_given_up_with_its_call(batch, counter, pool):
    row = follow(batch, pool, ("x", 0, 2))
    await stuck_in_step(counter)
    ran = []
    work = Work()
    chore = pool.submit(batch.between_steps, lambda: ran.append(1), work)
    await eventually(lambda: samples("chores_waiting") == 1)
    work.cancel()
    assert isinstance(chore.exception(PATIENCE), Cancelled)
    counter.free.set()
    row.result(PATIENCE)
    assert not ran


async def test_an_engine_behind_an_executor_shares_steps_among_its_calls(batch, counter):
    executor = Executor(2, engine="counter")

    def make(name: str, work: Work) -> int:
        taken = 0
        for _, taken, wanted in batch.follow((name, 0, 5), work):
            work.report(Progress("denoise", taken, wanted))
        return taken

    async def call(name: str) -> list:
        return [event async for event in executor.run(lambda work: make(name, work))]

    calls = [asyncio.ensure_future(call(name)) for name in "xy"]
    await stuck_in_step(counter)
    await eventually(lambda: samples("rows_in_flight") + samples("rows_waiting") == 2)
    counter.free.set()
    for events in await asyncio.gather(*calls):
        assert events[-2:] == [Progress("denoise", 5, 5), Finished(5)]
    assert ["x", "y"] in counter.steps or ["y", "x"] in counter.steps
    assert len(counter.steps) <= 6


async def test_a_crowd_that_comes_goes_and_fails_leaves_nobody_behind(counter, pool):
    counter.free.set()
    batch = InFlightBatch(counter, max_rows=5, max_waiting=20, engine="crowd")
    counter.faults = {str(index): ValueError(index) for index in range(0, 200, 9)}

    def call(index: int) -> str:
        chance = random.Random(index)  # noqa: S311
        work = Work()
        name, wanted = str(index), chance.randint(1, 30)
        leaves_at = chance.choice([None, None, chance.randint(1, wanted)])
        if chance.random() < 0.2:
            assert batch.between_steps(lambda: index, work) == index
        try:
            with contextlib.closing(batch.follow((name, 0, wanted), work)) as states:
                for _, taken, _ in states:
                    if leaves_at is not None and taken >= leaves_at:
                        return "left"
        except EngineFailed:
            return "failed"
        return "finished" if taken == wanted else "lost"

    ends = list(pool.map(call, range(200)))
    batch.close()
    assert {index for index, end in enumerate(ends) if end == "failed"} == set(range(0, 200, 9))
    assert set(ends) == {"failed", "finished", "left"}
    ended = {
        outcome: REGISTRY.get_sample_value("postcards_batch_rows_ended_total", {"engine": "crowd", "outcome": outcome})
        for outcome in ("finished", "failed", "cancelled", "expired")
    }
    assert sum(ended.values()) == 200
    assert ended["failed"] == ends.count("failed")
    # Who leaves while its last step runs has finished all the same.
    assert ended["finished"] >= ends.count("finished")
