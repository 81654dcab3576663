"""Steps and chores of a batch that are short of memory: who is told what, and what is let go."""

import gc
import math
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from prometheus_client import REGISTRY

from batch_rounds import finish, news_of
from out_of_memory import OutOfMemoryError
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.batching.memory_budget import Budget
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop
from postcards_serving.engine.work import Work
from postcards_serving.errors import Code, EngineFailed, OutOfMemory


@dataclass(frozen=True)
class Sheet:
    """A state that says what it costs; an exact one shares its steps with nobody."""

    name: str
    cost: float = 1.0
    steps: int = 2
    exact: bool = False
    step: int = 0


class Printer:
    """Has room for some cost in a step, and counts how often it was asked to let go of memory."""

    def __init__(self, capacity: float = math.inf, fault: type[BaseException] = OutOfMemoryError) -> None:
        self.capacity = capacity
        self.fault = fault
        self.steps: list[list[str]] = []
        self.reclaimed = 0
        self.lost: list[weakref.ref] = []

    def group(self, state: Sheet) -> object:
        return ("alone", state.name) if state.exact else "all"

    def finished(self, state: Sheet) -> bool:
        return state.step >= state.steps

    def cost(self, state: Sheet) -> float:
        return state.cost

    def reclaim(self) -> None:
        self.reclaimed += 1

    def step(self, states: Sequence[Sheet]) -> list[Sheet]:
        if sum(state.cost for state in states) > self.capacity:
            activations = Activations()
            self.lost.append(weakref.ref(activations))
            raise self.fault(f"CUDA out of memory. Tried to allocate 2.00 GiB for {id(activations)}")
        self.steps.append([state.name for state in states])
        return [replace(state, step=state.step + 1) for state in states]


class Activations:
    """What a failed step held when it failed."""


def printing(printer: Printer, *, budget: float = 100, engine: str = "printer") -> StepLoop[Sheet]:
    schedule = Schedule(8, 8, budget=Budget.of(budget))
    return StepLoop(printer, schedule, ring=lambda _: None, engine=engine, clock=lambda: 0.0)


def sample(name: str, engine: str) -> float:
    value = REGISTRY.get_sample_value(name, {"engine": engine})
    assert value is not None
    return value


def test_a_row_beyond_the_budget_is_told_at_once_with_the_numbers():
    loop = printing(Printer(), budget=4)
    with pytest.raises(OutOfMemory) as fault:
        loop.enter(Sheet("x", cost=16), Work())
    assert (fault.value.code, fault.value.reason) == (Code.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY")
    assert fault.value.retry_after is None
    assert fault.value.metadata == {"cost": "16", "budget": "4"}
    assert not loop.busy


@pytest.mark.parametrize("cost", [-1.0, math.nan, math.inf])
def test_a_cost_that_makes_no_sense_is_refused(cost):
    with pytest.raises(ValueError, match="cost of a row"):
        printing(Printer()).enter(Sheet("x", cost=cost), Work())


@pytest.mark.parametrize("fault", [MemoryError, OutOfMemoryError])
def test_a_shared_step_that_is_short_of_memory_lowers_width_and_budget_and_all_rows_finish(fault):
    printer = Printer(capacity=4, fault=fault)
    loop = printing(printer, budget=16, engine=f"short-{fault.__name__}")
    rows = [loop.enter(Sheet(str(i), cost=2, steps=3), Work()) for i in range(6)]
    assert sample("postcards_batch_budget", f"short-{fault.__name__}") == 16
    finish(loop)
    assert [news_of(row).fault for row in rows] == [None] * 6
    assert printer.reclaimed == 2
    assert sample("postcards_batch_budget", f"short-{fault.__name__}") == 3
    assert sample("postcards_batch_out_of_memory_total", f"short-{fault.__name__}") == 2
    assert {len(step) for step in printer.steps} == {1}


def test_the_row_that_fails_alone_is_told_and_the_service_lives_on():
    printer = Printer(capacity=4)
    loop = printing(printer, budget=16, engine="lives-on")
    rows = [loop.enter(Sheet("small", cost=2), Work()), loop.enter(Sheet("large", cost=8), Work())]
    finish(loop)
    assert news_of(rows[0]).fault is None
    told = news_of(rows[1]).fault
    assert isinstance(told, OutOfMemory)
    assert "Tried to allocate" not in told.message
    after = loop.enter(Sheet("later", cost=4), Work())
    finish(loop)
    assert news_of(after).fault is None


def test_nothing_holds_on_to_what_a_failed_step_had():
    printer = Printer(capacity=0)
    loop = printing(printer, engine="lost")
    rows = [loop.enter(Sheet(name, cost=1), Work()) for name in "xy"]
    finish(loop)
    told = [news_of(row).fault for row in rows]
    gc.collect()
    assert len(printer.lost) == 3
    assert all(lost() is None for lost in printer.lost)
    assert all(isinstance(fault.__cause__, OutOfMemoryError) for fault in told)


def test_what_cannot_let_go_of_memory_harms_nobody(caplog):
    class Clumsy(Printer):
        def reclaim(self) -> None:
            raise RuntimeError("the driver is gone")

    loop = printing(Clumsy(capacity=2), engine="clumsy")
    rows = [loop.enter(Sheet(name, cost=2), Work()) for name in "xy"]
    finish(loop)
    assert [news_of(row).fault for row in rows] == [None, None]
    assert "could not let go of memory" in caplog.text


def test_exact_rows_step_alone_in_any_company():
    printer = Printer()
    loop = printing(printer, engine="exact")
    sheets = [Sheet("a"), Sheet("b", exact=True), Sheet("c"), Sheet("d", exact=True)]
    rows = [loop.enter(sheet, Work()) for sheet in sheets]
    finish(loop)
    assert all(news_of(row).state.step == 2 for row in rows)
    assert sorted(printer.steps) == [["a", "c"]] * 2 + [["b"]] * 2 + [["d"]] * 2


def test_an_engine_that_does_not_weigh_has_as_many_rows_for_its_budget():
    class Plain:
        def group(self, state: int) -> int:
            return state * 0

        def finished(self, state: int) -> bool:
            return state == 0

        def step(self, states: Sequence[int]) -> list[int]:
            return [state - 1 for state in states]

    batch = InFlightBatch[int](Plain(), max_rows=6, max_waiting=0, engine="plain")
    assert sample("postcards_batch_budget", "plain") == 6
    assert list(batch.follow(3, Work()))[-1] == 0
    batch.close()


@pytest.fixture
def batch():
    made = InFlightBatch[Sheet](Printer(), max_rows=4, max_waiting=4, budget=8, engine="chores")
    yield made
    made.close()


@pytest.mark.parametrize(
    "fault", [MemoryError("swordfish"), OutOfMemoryError("swordfish"), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")]
)
def test_a_chore_that_is_short_of_memory_fails_one_call_and_lets_go(batch, fault):
    printer = batch._stepper
    before = printer.reclaimed

    def decode() -> None:
        raise fault

    with pytest.raises(OutOfMemory) as told:
        batch.between_steps(decode, Work())
    assert "swordfish" not in told.value.message
    assert told.value.__cause__ is fault
    assert batch.between_steps(lambda: threading.current_thread().name, Work()) == "batch-chores"
    assert printer.reclaimed == before + 1


def test_an_engine_that_wraps_a_shortage_in_words_of_its_own_means_memory_too(batch):
    def decode() -> None:
        try:
            raise OutOfMemoryError("CUDA out of memory")
        except OutOfMemoryError as fault:
            raise EngineFailed("the picture could not be decoded") from fault

    with pytest.raises(OutOfMemory):
        batch.between_steps(decode, Work())
