"""Who is woken when: every wake takes the interpreter from the steps, so there are no more than are needed."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from countdown import Countdown
from manual_clock import ManualClock
from postcards_serving.batching import in_flight
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled
from postcards_serving.testing import eventually

PATIENCE = 30


class Ticking(Countdown):
    """Each step takes an eighth of a second of the clock."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock

    def step(self, states: Sequence[int]) -> list[int]:
        self.clock.now += 0.125
        return super().step(states)


class Stuck(Ticking):
    """Its steps last until they are let go."""

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.entered = threading.Event()
        self.free = threading.Event()

    def step(self, states: Sequence[int]) -> list[int]:
        self.entered.set()
        self.free.wait(PATIENCE)
        return super().step(states)


@pytest.mark.parametrize(
    ("rows", "waiting", "apart"),
    [(1, 0, 2), (4, 0, 2), (6, 0, 3), (8, 0, 4), (16, 0, 8), (64, 0, 8), (4, 60, 2), (6, 60, 3)],
)
def test_many_callers_are_woken_less_often_each_and_all_for_the_last(rows, waiting, apart):
    clock = ManualClock()
    woken: list[list[int]] = []
    loop = StepLoop(
        Ticking(clock),
        Schedule(rows, waiting),
        ring=lambda rows: woken.append([row.number for row in rows]),
        engine="crowd",
        clock=clock,
    )
    for _ in range(rows + waiting):
        loop.enter(25, Work(), pace=0.25)
    for _ in range(25):
        loop.round()
    rings = [ring for ring, numbers in enumerate(woken, 1) if 0 in numbers]
    # Each round rings twice: for those who left before its step, and after it.
    assert [ring // 2 for ring in rings] == [*range(1, 25, apart), 25]


@pytest.fixture
def stuck():
    return Stuck()


@pytest.fixture
def batch(stuck, monkeypatch):
    # A caller that is not woken would sleep through the test.
    monkeypatch.setattr(in_flight, "_PATROL_SECONDS", 10 * PATIENCE)
    made = InFlightBatch(stuck, max_rows=1, engine="stuck")
    yield made
    stuck.free.set()
    made.close()


async def test_a_cancelled_call_wakes_its_caller_in_the_middle_of_a_step(batch, stuck):
    with ThreadPoolExecutor(1) as pool:
        work = Work()
        rows = pool.submit(lambda: list(batch.follow(3, work)))
        await eventually(stuck.entered.is_set)
        work.cancel()
        assert isinstance(rows.exception(PATIENCE), Cancelled)


async def test_a_cancelled_call_wakes_whoever_waits_for_a_chore(batch, stuck):
    with ThreadPoolExecutor(2) as pool:
        row = pool.submit(lambda: list(batch.follow(1, Work())))
        await eventually(stuck.entered.is_set)
        work = Work()
        chore = pool.submit(batch.between_steps, lambda: "never", work)
        await eventually(lambda: batch._loop._chores)
        work.cancel()
        assert isinstance(chore.exception(PATIENCE), Cancelled)
        stuck.free.set()
        assert row.result(PATIENCE) == [0]
