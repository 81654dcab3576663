"""Who may begin, who waits, who must come back, and whether the prediction is honest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from manual_clock import ManualClock
from postcards_serving.engine.admission import Admission, Waiting
from postcards_serving.errors import Overloaded


def admission(places: int = 1, max_queue: int = 3, expected_seconds: float = 10.0) -> tuple[Admission, ManualClock]:
    clock = ManualClock()
    made = Admission(max_queue, expected_seconds=expected_seconds, clock=clock)
    made.places = places
    return made, clock


def test_the_first_begin_at_once_and_the_others_wait_in_order():
    line, _ = admission(places=2)
    tickets = [line.enter() for _ in range(4)]
    assert [ticket.waiting for ticket in tickets] == [None, None, Waiting(0, 10.0), Waiting(1, 10.0)]
    assert (line.in_flight, line.depth) == (2, 2)


def test_a_place_goes_to_the_first_in_the_queue():
    line, _ = admission()
    first, second, third = (line.enter() for _ in range(3))
    first.leave()
    assert second.waiting is None
    assert third.waiting is not None
    assert third.waiting.position == 0


def test_who_gives_up_waiting_makes_room():
    line, _ = admission()
    first, second, third = (line.enter() for _ in range(3))
    second.leave()
    assert third.waiting is not None
    assert third.waiting.position == 0
    first.leave()
    assert third.waiting is None


def test_leaving_twice_frees_one_place():
    line, _ = admission()
    first, second, third = (line.enter() for _ in range(3))
    first.leave()
    first.leave()
    assert second.waiting is None
    assert third.waiting is not None
    assert line.in_flight == 1


def test_no_one_overtakes_the_queue():
    line, _ = admission(max_queue=1)
    first, second = line.enter(), line.enter()
    with pytest.raises(Overloaded):
        line.enter()
    first.leave()
    third = line.enter()
    assert second.waiting is None
    assert third.waiting is not None


@pytest.mark.parametrize("who", ["comes", "leaves"])
def test_where_places_are_added_who_waits_is_seated_before_who_comes(who):
    line, _ = admission(max_queue=4)
    first, second, third, fourth = (line.enter() for _ in range(4))
    line.places = 3
    assert second.waiting is not None
    if who == "comes":
        newcomer = line.enter()
        assert [ticket.waiting for ticket in (second, third)] == [None, None]
        assert [fourth.waiting.position, newcomer.waiting.position] == [0, 1]
    else:
        first.leave()
        assert [ticket.waiting for ticket in (second, third, fourth)] == [None, None, None]
    assert line.in_flight == 3


def test_where_places_are_taken_away_nobody_is_sent_off():
    line, _ = admission(places=3)
    seated = [line.enter() for _ in range(3)]
    waiting = line.enter()
    line.places = 1
    for ticket in seated[:2]:
        ticket.leave()
        assert waiting.waiting is not None
    seated[2].leave()
    assert waiting.waiting is None


def test_a_full_queue_says_when_to_come_back():
    line, clock = admission(places=2, max_queue=1)
    line.enter()
    clock.now += 4
    line.enter()
    line.enter()
    with pytest.raises(Overloaded) as caught:
        line.enter()
    # The older of two running requests of ten seconds has six left; then the queue has room.
    assert caught.value.retry_after == 6.0
    assert caught.value.metadata == {"max_queue": "1"}


def test_an_overdue_request_is_expected_at_any_moment_but_the_delay_is_never_nothing():
    line, clock = admission(max_queue=0)
    line.enter()
    clock.now += 1000
    with pytest.raises(Overloaded) as caught:
        line.enter()
    assert 0 < caught.value.retry_after <= 1


def test_the_prediction_learns_from_what_happened():
    line, clock = admission(expected_seconds=10.0)
    for _ in range(40):
        ticket = line.enter()
        clock.now += 2.0
        ticket.leave()
    line.enter()
    assert line.predicted_wait(0) == pytest.approx(2.0, rel=0.01)
    assert line.predicted_wait(3) == pytest.approx(8.0, rel=0.01)


def test_an_empty_server_predicts_no_wait():
    line, _ = admission(places=3)
    assert line.predicted_wait(0) == 0


@given(
    places=st.integers(1, 4),
    max_queue=st.integers(0, 5),
    steps=st.lists(st.integers(0, 9), max_size=60),
)
def test_whatever_comes_and_goes_it_is_fair_and_bounded(places, max_queue, steps):
    line, clock = admission(places, max_queue)
    inside, arrived, begun = [], [], []
    for step in steps:
        clock.now += 1
        if step < 6:
            if line.in_flight == places and line.depth == max_queue:
                with pytest.raises(Overloaded) as caught:
                    line.enter()
                assert caught.value.retry_after > 0
                continue
            ticket = line.enter()
            inside.append(ticket)
            arrived.append(ticket)
        elif inside:
            gone = inside.pop(step % len(inside))
            if gone.waiting is not None:
                arrived.remove(gone)
            gone.leave()
        begun += [ticket for ticket in arrived if ticket not in begun and ticket.begun is not None]
        assert line.in_flight <= places
        assert line.depth <= max_queue
        assert line.depth == 0 or line.in_flight == places
        assert line.in_flight + line.depth == len(inside)
        waits = [line.predicted_wait(position) for position in range(line.depth)]
        assert waits == sorted(waits)
    assert begun == [ticket for ticket in arrived if ticket in begun]


def test_the_prediction_is_close_for_work_of_even_length():
    line, clock = admission(places=3, max_queue=100, expected_seconds=5.0)
    tickets = [line.enter() for _ in range(30)]
    promised = {id(ticket): clock.now + ticket.waiting.predicted_wait for ticket in tickets if ticket.waiting}
    running = [ticket for ticket in tickets if ticket.begun is not None]
    while running:
        clock.now += 5.0
        for ticket in reversed(running):
            ticket.leave()
        running = [ticket for ticket in tickets if ticket.begun == clock.now]
    assert all(ticket.begun == promised[id(ticket)] for ticket in tickets if id(ticket) in promised)


def test_the_numbers_are_exported():
    line, clock = admission(places=1, max_queue=1)
    first = line.enter()
    second = line.enter()
    assert REGISTRY.get_sample_value("postcards_in_flight_rows") == 1
    assert REGISTRY.get_sample_value("postcards_queue_depth") == 1
    assert REGISTRY.get_sample_value("postcards_queue_predicted_wait_seconds") == 20.0
    clock.now += 4
    assert REGISTRY.get_sample_value("postcards_queue_predicted_wait_seconds") == 16.0
    assert REGISTRY.get_sample_value("postcards_queue_oldest_wait_seconds") == 4.0
    assert REGISTRY.get_sample_value("postcards_queue_limit") == 1
    assert REGISTRY.get_sample_value("postcards_in_flight_rows_limit") == 1
    before = REGISTRY.get_sample_value("postcards_queue_rejected_total")
    with pytest.raises(Overloaded):
        line.enter()
    assert REGISTRY.get_sample_value("postcards_queue_rejected_total") == before + 1
    first.leave()
    second.leave()
    assert REGISTRY.get_sample_value("postcards_in_flight_rows") == 0
    assert REGISTRY.get_sample_value("postcards_queue_depth") == 0
    assert REGISTRY.get_sample_value("postcards_queue_predicted_wait_seconds") == 0
    assert REGISTRY.get_sample_value("postcards_queue_oldest_wait_seconds") == 0


def test_the_oldest_wait_is_that_of_the_first_in_the_queue_whoever_leaves():
    line, clock = admission(places=3)
    tickets = []
    for _ in range(6):
        tickets.append(line.enter())
        clock.now += 1
    assert REGISTRY.get_sample_value("postcards_in_flight_rows_limit") == 3
    assert line.oldest_wait == 3
    tickets[3].leave()
    assert line.oldest_wait == 2


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="at least 0"):
        Admission(-1)
