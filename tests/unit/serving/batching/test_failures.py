"""Rounds of a batch whose steps fail: whose failure it is, what the others see of it, and what is told."""

import logging

import pytest

from batch_rounds import Drop, Mixer, finish, news_of, stirring
from out_of_memory import OutOfMemoryError
from postcards_serving.engine.work import Work
from postcards_serving.errors import EngineFailed, FailedPrecondition, Stopping, Unavailable
from postcards_serving.telemetry.logging import REQUEST_ID


def test_a_failure_ends_the_row_whose_it_is_and_no_other(loop):
    fault = ValueError("not a number")
    rows = [loop.enter(Drop(name, 2, fault=fault if name == "w" else None, fails_at=1), Work()) for name in "uvwxyz"]
    finish(loop)
    told = [news_of(row) for row in rows]
    assert [type(news.fault) for news in told] == [type(None)] * 2 + [EngineFailed] + [type(None)] * 3
    assert told[2].fault.__cause__ is fault
    assert "number" not in told[2].fault.message
    assert [news.state.step for news in told] == [2, 2, 1, 2, 2, 2]


def test_when_everything_fails_each_row_fails_once(loop, caplog):
    rows = [loop.enter(Drop(str(i), fault=ValueError()), Work()) for i in range(8)]
    rounds = finish(loop)
    assert all(isinstance(news_of(row).fault, EngineFailed) for row in rows)
    # Three halvings, then one by one.
    assert rounds == 3 + 8
    assert sum(record.levelno == logging.ERROR for record in caplog.records) == 8


def test_the_cause_is_logged_with_the_request_of_the_caller(loop):
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append((REQUEST_ID.get(), record.exc_info[1]))
    fault = ValueError("odd")
    token = REQUEST_ID.set("r-7")
    loop.enter(Drop("x", fault=fault), Work())
    REQUEST_ID.reset(token)
    log = logging.getLogger("postcards_serving.batching.step_loop")
    log.addHandler(handler)
    try:
        finish(loop)
    finally:
        log.removeHandler(handler)
    assert seen == [("r-7", fault)]


def test_what_a_step_says_in_words_of_the_domain_reaches_the_caller(loop):
    fault = FailedPrecondition("the drawing is empty")
    rows = [loop.enter(Drop("x", fault=fault), Work()), loop.enter(Drop("y"), Work())]
    finish(loop)
    assert news_of(rows[0]).fault is fault
    assert news_of(rows[1]).fault is None


@pytest.mark.parametrize("fault", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_a_step_that_would_end_the_thread_ends_its_row(loop, fault):
    rows = [loop.enter(Drop("x", fault=fault), Work()), loop.enter(Drop("y"), Work())]
    finish(loop)
    assert isinstance(news_of(rows[0]).fault, EngineFailed)
    assert news_of(rows[1]).fault is None


@pytest.mark.parametrize("fault", [MemoryError(), OutOfMemoryError(), RuntimeError("Failed to allocate memory for X")])
def test_a_row_that_lacks_memory_alone_says_so(loop, fault):
    row = loop.enter(Drop("x", fault=fault), Work())
    finish(loop)
    assert news_of(row).fault.reason == "OUT_OF_MEMORY"


def test_steps_that_do_not_fit_into_memory_are_taken_in_halves(loop, mixer):
    mixer.capacity = 3
    rows = [loop.enter(Drop(str(i), 5), Work()) for i in range(8)]
    rounds = finish(loop)
    assert all(news_of(row).fault is None for row in rows)
    assert {len(step) for step in mixer.steps} == {2}
    assert rounds == 2 + 4 * 5


def test_rows_that_only_fail_in_company_all_finish():
    class Shy(Mixer):
        def step(self, states):
            if len(states) > 2:
                raise ValueError("too many")
            return super().step(states)

    loop = stirring(Shy())
    rows = [loop.enter(Drop(str(i), 20), Work()) for i in range(8)]
    rounds = finish(loop)
    assert all(news_of(row).fault is None for row in rows)
    assert rounds < 2 * 4 * 20


def test_a_step_that_loses_rows_fails():
    class Losing(Mixer):
        def step(self, states):
            return super().step(states)[1:]

    loop = stirring(Losing())
    row = loop.enter(Drop("x"), Work())
    finish(loop)
    assert "gave 0 states" in str(news_of(row).fault.__cause__)


@pytest.mark.parametrize("broken", ["finished", "group"])
def test_a_state_that_cannot_be_judged_ends_its_row(mixer, broken):
    def judge(state):
        if state.name == "x" and state.step == 1:
            raise ZeroDivisionError
        return getattr(Mixer, broken)(mixer, state)

    loop = stirring(mixer)
    rows = [loop.enter(Drop(name), Work()) for name in "xy"]
    setattr(mixer, broken, judge)
    finish(loop)
    assert isinstance(news_of(rows[0]).fault.__cause__, ZeroDivisionError)
    assert news_of(rows[1]).fault is None


@pytest.mark.parametrize("count", [1, 2])
def test_a_failure_after_everything_was_ended_is_forgotten(loop, mixer, count):
    mixer.on_step = lambda: loop.end_all(Stopping())
    rows = [loop.enter(Drop(str(i), fault=ValueError()), Work()) for i in range(count)]
    finish(loop)
    assert all(isinstance(news_of(row).fault, Unavailable) for row in rows)
