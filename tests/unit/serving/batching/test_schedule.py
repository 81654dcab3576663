"""Who joins, who steps, who waits: the rules as a value, without threads, clocks or states."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_serving.batching.memory_budget import Width
from postcards_serving.batching.schedule import Full, Schedule, Seat


def seats(*groups: str) -> list[Seat]:
    return [Seat(number, group) for number, group in enumerate(groups)]


def entered(schedule: Schedule, *groups: str) -> Schedule:
    for seat in seats(*groups):
        schedule = schedule.entered(seat)
    return schedule


def stepped(schedule: Schedule) -> Schedule:
    """After a step of whoever has the turn; everybody goes on."""
    turn = schedule.turn()
    return schedule.stepped(turn, {seat.number: seat.group for seat in turn})


def numbers(chosen: tuple[Seat, ...]) -> list[int]:
    return [seat.number for seat in chosen]


def turns(schedule: Schedule, count: int) -> list[list[int]]:
    taken = []
    for _ in range(count):
        taken.append(numbers(schedule.turn()))
        schedule = stepped(schedule)
    return taken


def test_the_oldest_come_aboard_first_whatever_their_group():
    schedule = entered(Schedule(2, 3), *"abac").boarded()
    assert numbers(schedule.aboard) == [0, 1]
    assert numbers(schedule.waiting) == [2, 3]
    assert numbers(schedule.without({1}).boarded().aboard) == [0, 2]


def test_nobody_joins_in_the_middle_of_a_step():
    schedule = entered(Schedule(4, 0), "a").boarded().entered(Seat(9, "a"))
    assert numbers(schedule.turn()) == [0]
    assert numbers(schedule.boarded().turn()) == [0, 9]


def test_rows_of_one_group_share_every_step():
    assert turns(entered(Schedule(3, 0), *"aaa").boarded(), 2) == [[0, 1, 2], [0, 1, 2]]


def test_groups_take_turns_by_age():
    assert turns(entered(Schedule(5, 0), *"abacb").boarded(), 4) == [[0, 2], [1, 4], [3], [0, 2]]


def test_a_newcomer_shares_the_next_step_of_its_group():
    schedule = stepped(entered(Schedule(4, 0), *"ab").boarded())
    schedule = schedule.entered(Seat(2, "a")).boarded()
    assert turns(schedule, 2) == [[1], [0, 2]]


def test_a_row_may_change_its_group():
    schedule = entered(Schedule(3, 0), *"aab").boarded()
    turn = schedule.turn()
    assert turns(schedule.stepped(turn, {0: "a", 1: "b"}), 2) == [[2, 1], [0]]


def test_who_is_not_in_the_groups_after_a_step_has_left():
    schedule = entered(Schedule(3, 0), *"aab").boarded()
    assert numbers(schedule.stepped(schedule.turn(), {1: "a"}).aboard) == [2, 1]


def test_the_queue_is_bounded_and_free_places_aboard_count():
    schedule = entered(Schedule(2, 1), *"aaa")
    with pytest.raises(Full):
        schedule.entered(Seat(3, "a"))
    boarded = schedule.boarded()
    with pytest.raises(Full):
        boarded.entered(Seat(3, "a"))
    assert numbers(boarded.without({0}).entered(Seat(3, "a")).waiting) == [2, 3]


@pytest.mark.parametrize(("max_rows", "max_waiting", "name"), [(0, 1, "max_rows"), (1, -1, "max_waiting")])
def test_limits_that_make_no_sense_are_refused(max_rows, max_waiting, name):
    with pytest.raises(ValueError, match=name):
        Schedule(max_rows, max_waiting)


def test_an_empty_schedule_has_no_turn():
    assert Schedule(1, 1).boarded().turn() == ()


def test_a_failed_step_is_taken_again_in_halves_by_the_same_rows_in_order():
    schedule = entered(Schedule(8, 0), *"aaaaaab").boarded()
    schedule = schedule.narrowed(schedule.turn(), lasting=False)
    assert turns(schedule, 3) == [[0, 1, 2], [3, 4, 5], [6]]


def test_the_failure_of_one_group_narrows_no_other():
    schedule = entered(Schedule(8, 0), *"aabb").boarded()
    schedule = schedule.narrowed(schedule.turn(), lasting=False)
    assert turns(schedule, 3) == [[0], [1], [2, 3]]


def test_a_width_doubles_after_full_steps_and_more_of_them_the_more_often_it_failed():
    width = Width(8).after_failure(8, lasting=False)
    assert (width.rows, width.patience) == (4, 2)
    assert width.after_success(3) == width
    assert width.after_success(4).rows == 4
    wider = width.after_success(4).after_success(4)
    assert wider.rows == 8
    assert wider.after_failure(8, lasting=False) == Width(4, patience=4)


def test_memory_that_was_short_is_not_soon_tried_again():
    width = Width(8).after_failure(8, lasting=True)
    for _ in range(width.patience - 1):
        width = width.after_success(4)
        assert width.rows == 4
    assert width.after_success(4).rows == 8


def test_a_guilty_row_found_lets_the_group_widen_with_the_next_steps():
    schedule = entered(Schedule(8, 0), *"aaaaaaaa").boarded()
    for rows in (8, 4, 2):
        assert len(schedule.turn()) == rows
        schedule = schedule.narrowed(schedule.turn(), lasting=False)
    (guilty,) = schedule.turn()
    schedule = schedule.blamed(guilty, lasting=False)
    assert turns(schedule, 4) == [[1], [2, 3], [4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7]]


def test_a_row_that_has_no_memory_even_alone_widens_nothing():
    schedule = entered(Schedule(4, 0), *"aaa").boarded()
    schedule = schedule.narrowed(schedule.turn(), lasting=True)
    (guilty,) = schedule.turn()
    assert turns(schedule.blamed(guilty, lasting=True), 2) == [[1], [2]]


def test_groups_that_failed_are_not_remembered_without_end():
    schedule = Schedule(2, 0)
    for number in range(0, 2000, 2):
        schedule = schedule.entered(Seat(number, number)).entered(Seat(number + 1, number)).boarded()
        schedule = schedule.narrowed(schedule.turn(), lasting=False).without({number, number + 1})
    assert len(schedule.widths) <= 64
    assert 1998 in schedule.widths


def test_a_schedule_is_a_value():
    schedule = entered(Schedule(4, 4), *"aab")
    before = replace(schedule)
    boarded = schedule.boarded()
    stepped(boarded)
    boarded.narrowed(boarded.turn(), lasting=True)
    schedule.without({0})
    assert schedule == before


@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcd"), st.integers(1, 5)), min_size=1, max_size=40),
)
def test_nobody_starves(max_rows, arrivals):
    """Arrivals: steps since the one before, group, steps wanted. Each row sees a step within `max_rows` steps."""
    schedule = Schedule(max_rows, len(arrivals))
    left = {number: steps for number, (_, _, steps) in enumerate(arrivals)}
    due = {}
    moment = 0
    for number, (gap, _, _) in enumerate(arrivals):
        moment += gap
        due[number] = moment
    waited: dict[int, int] = {}
    order: list[int] = []
    step = 0
    while left:
        for number in [number for number, moment in due.items() if moment <= step]:
            del due[number]
            schedule = schedule.entered(Seat(number, arrivals[number][1]))
        order += numbers(schedule.joining)
        schedule = schedule.boarded()
        turn = schedule.turn()
        assert len(schedule.aboard) <= max_rows
        assert bool(turn) == bool(schedule.aboard)
        assert len({seat.group for seat in turn}) <= 1
        together = [seat for seat in schedule.aboard if turn and seat.group == turn[0].group]
        assert list(turn) == together
        for seat in schedule.aboard:
            waited[seat.number] = 0 if seat in turn else waited.get(seat.number, 0) + 1
            assert waited[seat.number] < max_rows
        for seat in turn:
            left[seat.number] -= 1
        onward = {seat.number: seat.group for seat in turn if left[seat.number]}
        left = {number: steps for number, steps in left.items() if steps}
        if turn:
            schedule = schedule.stepped(turn, onward)
        step += 1
    assert order == sorted(order)
    assert schedule.aboard == schedule.waiting == ()
