"""What callers of a batch see when a row fails, its rounds have a fault or its thread dies; and who is served next."""

import logging

import pytest

from counting_batch import PATIENCE, follow, stuck_in_step
from postcards_serving.engine.work import Work
from postcards_serving.errors import EngineFailed, OutOfMemory, Unavailable


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
