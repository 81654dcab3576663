"""Chores that callers have done on the engine thread: in whose context, with which faults, and until when."""

import threading

import pytest

from counting_batch import PATIENCE, follow, samples, stuck_in_step
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled, EngineFailed
from postcards_serving.telemetry.logging import REQUEST_ID
from postcards_serving.testing import eventually


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
