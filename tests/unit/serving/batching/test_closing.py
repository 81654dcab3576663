"""A batch that closes: who may finish, who is turned away, and how long it waits."""

import threading

import pytest

from counting_batch import PATIENCE, follow, samples, stuck_in_step
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.work import Work
from postcards_serving.errors import Unavailable
from postcards_serving.testing import eventually


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
