"""Memory as a budget: who comes aboard, what a shortage changes, and who is told what."""

import gc
import math
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from postcards_serving.batch_rows import News, Row
from postcards_serving.batching import InFlightBatch
from postcards_serving.errors import Code, EngineFailed, OutOfMemory
from postcards_serving.schedule import Budget, Schedule, Seat, TooCostly
from postcards_serving.step_loop import StepLoop
from postcards_serving.work import Work


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's."""


def entered(schedule: Schedule, *costs: float, group: str = "a") -> Schedule:
    for number, cost in enumerate(costs):
        schedule = schedule.entered(Seat(number, group, cost))
    return schedule


def numbers(seats: Sequence[Seat]) -> list[int]:
    return [seat.number for seat in seats]


def within(budget: float, *costs: float) -> Schedule:
    return entered(Schedule(8, 8, budget=Budget.of(budget)), *costs).boarded()


def stepped(schedule: Schedule) -> Schedule:
    turn = schedule.turn()
    return schedule.stepped(turn, {seat.number: seat.group for seat in turn})


def test_rows_come_aboard_while_the_budget_has_room_for_them():
    assert numbers(within(10, 4, 4, 2, 1).aboard) == [0, 1, 2]


def test_costs_that_make_up_the_budget_exactly_fit_whatever_their_rounding():
    assert len(within(0.3, 0.1, 0.1, 0.1).aboard) == 3


def test_nobody_overtakes_a_row_that_waits_for_room():
    schedule = within(10, 6, 8, 1, 1)
    assert numbers(schedule.aboard) == [0]
    assert numbers(schedule.without({0}).boarded().aboard) == [1, 2, 3]


def test_a_row_that_would_not_fit_even_alone_is_not_let_in():
    schedule = Schedule(8, 8, budget=Budget.of(10))
    assert schedule.entered(Seat(0, "a", 10)).waiting
    with pytest.raises(TooCostly):
        schedule.entered(Seat(0, "a", 10.5))


def test_a_row_that_costs_more_than_is_left_of_the_budget_comes_aboard_alone():
    schedule = replace(within(10, 6), budget=Budget(10, 2))
    schedule = schedule.entered(Seat(1, "a", 6)).entered(Seat(2, "a", 1))
    assert numbers(schedule.boarded().aboard) == [0]
    assert numbers(schedule.without({0}).boarded().aboard) == [1]


def test_rows_aboard_step_in_parts_that_a_fallen_budget_can_pay():
    schedule = entered(Schedule(8, 0, budget=Budget.of(8)), 2, 2, 2, 2, group="b").boarded()
    schedule = replace(schedule, budget=Budget(8, 4))
    assert [numbers(schedule.turn()), numbers(stepped(schedule).turn())] == [[0, 1], [2, 3]]
    schedule = replace(schedule, budget=Budget(8, 0.1))
    assert numbers(schedule.turn()) == [0]


def test_a_shortage_halves_the_budget_and_steps_that_use_it_raise_it_slowly():
    budget = Budget.of(16).after_failure(12)
    assert budget.limit == 6
    assert budget.after_failure(6).limit == 3
    assert budget.after_failure(40).limit == 3
    for _ in range(budget.patience - 1):
        budget = budget.after_success(6)
        assert budget.limit == 6
    assert budget.after_success(6).limit == 7.5
    idle = budget
    for _ in range(1_000):
        idle = idle.after_success(2)
    assert idle == budget


def test_steps_that_use_half_of_a_fallen_budget_count_for_its_recovery():
    budget = Budget.of(16).after_failure(12)
    for _ in range(budget.patience):
        budget = budget.after_success(3)
    assert budget.limit == 7.5


def test_a_row_that_failed_alone_says_that_as_much_does_not_fit_together():
    schedule = entered(Schedule(8, 8, budget=Budget.of(16)), 12).boarded()
    after = schedule.blamed(schedule.aboard[0], lasting=True).budget
    assert (after.limit, after.most) == (12, 16)
    assert after.patience < Budget.of(16).after_failure(12).patience


def test_a_row_that_changes_its_group_costs_what_it_did():
    schedule = within(8, 3, 3)
    schedule = schedule.stepped(schedule.turn(), {0: "b", 1: "a"})
    assert [(seat.group, seat.cost) for seat in schedule.aboard] == [("b", 3), ("a", 3)]


def test_a_budget_recovers_whole_and_no_further():
    budget = Budget.of(16).after_failure(16)
    for _ in range(64 * 10):
        budget = budget.after_success(16)
    assert budget.limit == 16


def test_after_a_row_that_failed_alone_the_others_soon_share_steps_again():
    """The one row explains the shortages before; whoever needs as little memory as ever must not pay for it."""
    schedule = entered(Schedule(8, 0, budget=Budget.of(8)), *[1] * 8).boarded()
    for rows in (8, 4, 2):
        assert len(schedule.turn()) == rows
        schedule = schedule.narrowed(schedule.turn(), lasting=True)
    (guilty,) = schedule.turn()
    schedule = schedule.blamed(guilty, lasting=True)
    widths = []
    for _ in range(60):
        widths.append(len(schedule.turn()))
        schedule = stepped(schedule)
    assert widths[:4] == [1] * 4
    assert widths[-1] == 7
    assert widths == sorted(widths)


def test_a_failure_for_another_reason_leaves_the_budget_alone():
    schedule = within(8, 1, 1)
    assert schedule.narrowed(schedule.turn(), lasting=False).budget == schedule.budget
    assert schedule.blamed(schedule.aboard[0], lasting=False).budget == schedule.budget


COSTS = st.integers(1, 40)


@given(
    st.integers(1, 6),
    st.integers(10, 40),
    st.integers(4, 60),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab!"), st.integers(1, 5), COSTS), min_size=1, max_size=30),
)
def test_nobody_starves_within_a_budget(max_rows, most, capacity, arrivals):
    """Arrivals: steps since the one before, group ("!": one of its own), steps wanted, cost. Steps that cost more than
    `capacity` fail for memory. Rows come aboard in order, never beyond the budget, and all end."""
    schedule = Schedule(max_rows, len(arrivals), budget=Budget.of(most))
    due, moment = {}, 0
    left, costs = {}, {}
    for number, (gap, group, steps, cost) in enumerate(arrivals):
        moment += gap
        if cost > most:
            with pytest.raises(TooCostly):
                schedule.entered(Seat(number, group, cost))
            continue
        due[number] = (moment, Seat(number, group if group != "!" else ("alone", number), cost))
        left[number], costs[number] = steps, cost
    order: list[int] = []
    moment = 0
    patience = 10 * sum(left.values()) + 10 * len(left) + sum(gap for gap, *_ in arrivals) + 10
    while left:
        assert moment < patience
        for number in [number for number, (when, _) in due.items() if when <= moment]:
            schedule = schedule.entered(due.pop(number)[1])
        before = schedule.aboard
        joining = schedule.joining
        order += numbers(joining)
        schedule = schedule.boarded()
        if joining and len(schedule.aboard) > 1:
            assert schedule.load <= schedule.budget.limit * (1 + 1e-6)
        assert bool(schedule.aboard) == bool(before or schedule.waiting or joining)
        turn = schedule.turn()
        assert bool(turn) == bool(schedule.aboard)
        moment += 1
        if not turn:
            continue
        assert len({seat.group for seat in turn}) == 1
        if isinstance(turn[0].group, tuple):
            assert len(turn) == 1
        cost = sum(seat.cost for seat in turn)
        if len(turn) > 1:
            assert cost <= max(schedule.budget.limit, 0) * (1 + 1e-6)
        if cost > capacity and len(turn) > 1:
            lower = schedule.narrowed(turn, lasting=True)
            assert lower.budget.limit <= schedule.budget.limit / 2
            schedule = lower
        elif cost > capacity:
            schedule = schedule.blamed(turn[0], lasting=True)
            del left[turn[0].number]
        else:
            for seat in turn:
                left[seat.number] -= 1
            onward = {seat.number: seat.group for seat in turn if left[seat.number]}
            left = {number: steps for number, steps in left.items() if steps}
            schedule = schedule.stepped(turn, onward)
        assert 0 < schedule.budget.limit <= most
    assert order == sorted(costs)
    assert schedule.aboard == schedule.waiting == ()


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


def finish(loop: StepLoop[Sheet]) -> None:
    while loop.busy:
        loop.round()


def news_of(row: Row[Sheet]) -> News[Sheet]:
    news = row.take(0)
    assert news is not None
    return news


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
