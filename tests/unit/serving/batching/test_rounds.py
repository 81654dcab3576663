"""The rounds of a batch, taken one by one on the thread of the test: company, joining, leaving, news, the end."""

import pytest

from batch_rounds import Drop, finish, news_of, stirring
from manual_clock import ManualClock
from postcards_serving.batching.rows import Chore, RowUpdate
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled, DeadlineExceeded, Overloaded, Stopping, Unavailable


def test_rows_of_different_length_share_steps(loop, mixer):
    rows = [loop.enter(Drop(name, steps), Work()) for name, steps in (("x", 3), ("y", 1), ("z", 2))]
    assert finish(loop) == 3
    assert mixer.steps == [["x", "y", "z"], ["x", "z"], ["x"]]
    assert [news_of(row).state.step for row in rows] == [3, 1, 2]


def test_a_row_hears_of_every_step_while_it_listens(loop):
    row = loop.enter(Drop("x", 3), Work())
    heard = []
    for _ in range(3):
        loop.round()
        heard.append(news_of(row))
    assert [(news.state.step, news.last) for news in heard] == [(1, False), (2, False), (3, True)]
    assert row.take(0) is None


def test_a_caller_is_woken_no_more_often_than_it_wants_and_always_for_the_last(mixer):
    clock = ManualClock()
    woken: list[list[int]] = []

    def step_takes_a_while() -> None:
        clock.now += 0.1

    mixer.on_step = step_takes_a_while
    loop = StepLoop(
        mixer, Schedule(8, 8), ring=lambda rows: woken.append([row.number for row in rows]), engine="pace", clock=clock
    )
    calm = loop.enter(Drop("calm", 6), Work(), pace=0.25)
    eager = loop.enter(Drop("eager", 7), Work())
    last: dict[int, list[int]] = {calm.number: [], eager.number: []}
    for step in range(1, 8):
        woken.clear()
        loop.round()
        for number in {number for rows in woken for number in rows}:
            last[number].append(step)
    assert last == {calm.number: [1, 4, 6], eager.number: [1, 2, 3, 4, 5, 6, 7]}
    assert news_of(calm) == RowUpdate(Drop("calm", 6, step=6), last=True)


def test_a_row_that_does_not_listen_hears_the_last(loop):
    row = loop.enter(Drop("x", 9), Work())
    finish(loop)
    assert news_of(row) == RowUpdate(Drop("x", 9, step=9), last=True)
    assert row.take(0) is None


def test_a_newcomer_joins_at_the_next_boundary(loop, mixer):
    loop.enter(Drop("x", 3), Work())
    mixer.on_step = lambda: len(mixer.steps) == 1 and loop.enter(Drop("y", 1), Work())
    finish(loop)
    assert mixer.steps == [["x"], ["x"], ["x", "y"]]


def test_who_waits_longest_joins_first(mixer):
    loop = stirring(mixer, max_rows=2)
    for name, steps in (("v", 2), ("w", 1), ("x", 1), ("y", 1)):
        loop.enter(Drop(name, steps), Work())
    finish(loop)
    assert mixer.steps == [["v", "w"], ["v", "x"], ["y"]]


@pytest.mark.parametrize("waiting", [False, True])
def test_a_cancelled_row_leaves_at_the_next_boundary(mixer, waiting):
    loop = stirring(mixer, max_rows=1)
    first, second = Work(), Work()
    rows = [loop.enter(Drop("x", 9), first), loop.enter(Drop("y", 1), second)]
    loop.round()
    (second if waiting else first).cancel()
    loop.round()
    assert mixer.steps == [["x"], ["x"] if waiting else ["y"]]
    gone = news_of(rows[1 if waiting else 0])
    assert gone.last
    assert isinstance(gone.fault, Cancelled)


@pytest.mark.parametrize("waiting", [False, True])
def test_a_row_whose_time_is_over_leaves_at_the_next_boundary(mixer, waiting):
    clock = ManualClock()
    loop = stirring(mixer, max_rows=1, clock=clock)
    limited = Work(timeout=1, clock=clock)
    rows = [loop.enter(Drop("x", 9), Work() if waiting else limited)]
    rows += [loop.enter(Drop("y", 1), limited if waiting else Work())]
    loop.round()
    clock.now += 1
    loop.round()
    assert mixer.steps == [["x"], ["x"] if waiting else ["y"]]
    assert isinstance(news_of(rows[1 if waiting else 0]).fault, DeadlineExceeded)


def test_a_row_whose_caller_has_left_leaves_at_the_next_boundary(loop, mixer):
    loop.enter(Drop("x", 9), Work()).leave()
    loop.round()
    assert not loop.busy
    assert mixer.steps == []


def test_who_is_turned_away_is_told_when_the_oldest_is_expected_to_leave(mixer):
    clock = ManualClock()
    loop = stirring(mixer, max_rows=2, max_waiting=1, clock=clock)
    for _ in range(50):
        loop.enter(Drop("x", 1), Work())
        mixer.on_step = lambda: setattr(clock, "now", clock.now + 8)
        finish(loop)
    mixer.on_step = lambda: None
    for name in "xyz":
        loop.enter(Drop(name, 99), Work())
    loop.round()
    with pytest.raises(Overloaded) as caught:
        loop.enter(Drop("late"), Work())
    assert caught.value.retry_after == pytest.approx(8, rel=0.01)
    assert caught.value.metadata["max_waiting"] == "1"
    clock.now += 3
    with pytest.raises(Overloaded) as caught:
        loop.enter(Drop("late"), Work())
    assert caught.value.retry_after == pytest.approx(5, rel=0.01)
    clock.now += 9
    with pytest.raises(Overloaded) as caught:
        loop.enter(Drop("late"), Work())
    assert caught.value.retry_after == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("leaving", [0, 1, 2])
def test_who_leaves_during_a_long_step_makes_room_at_once(mixer, leaving):
    loop = stirring(mixer, max_rows=2, max_waiting=1)
    works = [Work() for _ in range(3)]
    for name, work in zip("xyz", works, strict=True):
        loop.enter(Drop(name, 1), work)

    def someone_leaves() -> None:
        if not mixer.steps:
            with pytest.raises(Overloaded):
                loop.enter(Drop("late", 1), Work())
            works[leaving].cancel()
            loop.enter(Drop("new", 1), Work())

    mixer.on_step = someone_leaves
    finish(loop)
    # Whoever takes part in the step that runs is computed to its end for nothing.
    expected = [["x", "y"], ["z", "new"]] if leaving < 2 else [["x", "y"], ["new"]]
    assert mixer.steps == expected


def test_ending_everything_tells_every_row_and_chore(loop):
    rows = [loop.enter(Drop(str(i)), Work()) for i in range(9)]
    chore = Chore(lambda: 1, Work())
    loop.round()
    loop.add(chore)
    loop.end_all(Stopping())
    assert all(isinstance(news_of(row).fault, Unavailable) for row in rows)
    assert chore.outcome.cancelled()
    assert not loop.busy
    loop.enter(Drop("later"), Work())
    finish(loop)


@pytest.mark.parametrize("how", ["steps", "finishes", "fails", "is cancelled", "is ended"])
def test_whoever_has_news_is_woken(mixer, how):
    woken: list[int] = []
    loop = StepLoop(
        mixer,
        Schedule(4, 0),
        ring=lambda rows: woken.extend(row.number for row in rows),
        engine="woken",
        clock=ManualClock(),
    )
    works = [Work(), Work()]
    for work in works:
        loop.enter(Drop("x", 1 if how == "finishes" else 9, fault=ValueError() if how == "fails" else None), work)
    match how:
        case "is cancelled":
            for work in works:
                work.cancel()
        case "is ended":
            loop.end_all(Stopping())
    while len(woken) < 2:
        loop.round()
    assert woken == [0, 1]


def test_a_step_that_comes_back_after_everything_was_ended_is_forgotten(loop, mixer):
    mixer.on_step = lambda: loop.end_all(Stopping())
    row = loop.enter(Drop("x"), Work())
    finish(loop)
    assert isinstance(news_of(row).fault, Unavailable)
