"""Callers on threads of their own and one engine thread: states, company, leaving, a full house."""

import asyncio
import contextlib
import random

import pytest
from prometheus_client import REGISTRY

from counting_batch import PATIENCE, follow, samples, stuck_in_step
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Progress, Work
from postcards_serving.errors import Cancelled, DeadlineExceeded, EngineFailed, Overloaded
from postcards_serving.testing import eventually


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


def test_limits_that_make_no_sense_are_refused(counter):
    with pytest.raises(ValueError, match="max_rows"):
        InFlightBatch(counter, max_rows=0, max_waiting=0)
    for budget in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="budget"):
            InFlightBatch(counter, max_rows=1, max_waiting=0, budget=budget)


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
