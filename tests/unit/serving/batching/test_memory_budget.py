"""Memory as a budget, as a value: who comes aboard, who steps, and what a shortage changes."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_serving.batching.memory_budget import Budget
from postcards_serving.batching.schedule import Schedule, Seat, TooCostly


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
