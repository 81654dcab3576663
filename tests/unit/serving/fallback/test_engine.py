"""An engine behind another: when it is asked, what is said, and what must not happen."""

import logging

import pytest
from prometheus_client import REGISTRY

from manual_clock import ManualClock
from postcards_serving.engine.work import Item, Progress, Provenance, Work
from postcards_serving.errors import (
    Cancelled,
    DeadlineExceeded,
    EngineFailed,
    InvalidField,
    ModelUnusable,
    NotFound,
    OutOfMemory,
    Overloaded,
    ServiceError,
    Unavailable,
)
from postcards_serving.fallback.engine import REASONS, FallbackEngine
from songbirds import Bird, Song


def fallbacks(reason: str, engine: str = "model", fallback: str = "tract") -> float:
    labels = {"engine": engine, "fallback": fallback, "reason": reason}
    value = REGISTRY.get_sample_value("postcards_fallbacks_total", labels)
    assert value is not None
    return value


def test_while_the_main_engine_can_nobody_else_is_asked(both, tract):
    song = both.generate("dawn", Work())
    assert song == Song("dawn by model", Provenance("model", "2", notes=("in tune",)))
    assert (both.name, both.version, both.stages) == ("model", "2", ("breathe", "sing"))
    assert tract.asked == []


@pytest.mark.parametrize(
    ("fault", "reason", "told"),
    [
        (EngineFailed("no ink"), "ENGINE_FAILED", "no ink"),
        (EngineFailed("odd", reason="MODEL_DIVERGED"), "ENGINE_FAILED", "odd"),
        (Unavailable("the API is away"), "UNAVAILABLE", "the API is away"),
        (ModelUnusable("/home/me is empty"), "MODEL_UNUSABLE", "its model cannot be used here"),
        (OutOfMemory("too large"), "OUT_OF_MEMORY", "too large"),
        (ServiceError("UNAUTHENTICATED", "KEY_REFUSED", "the key is refused"), "OTHER", "the key is refused"),
        (ValueError("password swordfish"), "ENGINE_FAILED", "an unexpected ValueError"),
        (MemoryError("swordfish"), "OUT_OF_MEMORY", "an unexpected MemoryError"),
    ],
)
def test_where_it_fails_the_other_makes_the_part_and_says_so(both, model, fault, reason, told, caplog):
    model.fault = fault
    before = fallbacks(reason)
    with caplog.at_level(logging.WARNING):
        song = both.generate("dawn", Work())
    assert song.text == "dawn by tract"
    assert (song.provenance.engine, song.provenance.engine_version) == ("tract", "1")
    assert song.provenance.notes == ("in tune", f"model failed ({told}): tract made this")
    assert fallbacks(reason) == before + 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize(
    "fault",
    [
        InvalidField("steps", "are too many"),
        Cancelled(),
        DeadlineExceeded(),
        Overloaded(1.0),
        NotFound("no such style"),
        Unavailable("the engine is stopping", reason="STOPPING"),
        KeyboardInterrupt(),
    ],
)
def test_what_lies_with_the_request_its_caller_or_the_crowd_is_passed_on(both, model, tract, fault):
    model.fault = fault
    with pytest.raises(type(fault)) as raised:
        both.generate("dawn", Work())
    assert raised.value is fault
    assert tract.asked == []


def test_when_both_fail_the_last_word_is_that_of_the_other(both, model, tract):
    model.fault, tract.fault = EngineFailed("no ink"), EngineFailed("no breath")
    with pytest.raises(EngineFailed, match="no breath"):
        both.generate("dawn", Work())


@pytest.mark.parametrize(
    ("fault", "reason", "told"),
    [
        (Unavailable("the API is away"), "UNAVAILABLE", "the API is away"),
        (ValueError("swordfish"), "ENGINE_FAILED", "an unexpected ValueError"),
    ],
)
def test_a_field_that_only_the_main_engine_knows_is_not_blamed_on_the_caller(both, model, tract, fault, reason, told):
    model.fault, tract.fault = fault, InvalidField("sampler", "must be empty")
    with pytest.raises(ServiceError) as raised:
        both.generate("dawn", Work())
    assert raised.value.reason == reason
    assert told in raised.value.message
    assert "'tract' cannot take the request in its place: sampler must be empty" in raised.value.message
    assert "swordfish" not in raised.value.message


def test_pieces_of_two_engines_never_mix(both, model):
    heard = []
    both.generate("dawn", Work(heard.append))
    assert [event.value for event in heard if isinstance(event, Item)] == ["model: dawn"]
    heard.clear()
    model.fault = EngineFailed("no ink")
    both.generate("dusk", Work(heard.append))
    assert [event.value for event in heard if isinstance(event, Item)] == ["tract: dusk"]
    assert [event for event in heard if isinstance(event, Progress)] == [Progress("breathe")] * 2


def test_nobody_else_is_asked_for_a_caller_who_has_gone(tract):
    work = Work()

    class Slow(Bird):
        def generate(self, request: str, inner: Work) -> Song:
            assert not inner.cancelled, request
            inner.cancel()
            assert work.cancelled
            raise EngineFailed("no ink")

    with pytest.raises(Cancelled):
        FallbackEngine(Slow(), lambda: tract, fallback="tract").generate("dawn", work)
    assert tract.asked == []


def test_a_caller_who_leaves_wakes_the_main_engine():
    work, woken = Work(), []

    class Waiting(Bird):
        def generate(self, request: str, inner: Work) -> Song:
            with inner.waking(lambda: woken.append(request)):
                work.cancel()
            inner.check()
            raise AssertionError(request)

    with pytest.raises(Cancelled):
        FallbackEngine(Waiting(), Bird, fallback="tract").generate("dawn", work)
    assert woken == ["dawn"]


def test_the_main_engine_sees_the_deadline_of_the_call():
    seen = []

    class Timed(Bird):
        def generate(self, request: str, inner: Work) -> Song:
            seen.append(inner.remaining())
            return super().generate(request, inner)

    FallbackEngine(Timed(), Bird, fallback="tract").generate("dawn", Work(timeout=60))
    assert 0 < seen[0] <= 60


def test_a_slow_main_engine_leaves_time_for_the_other(tract):
    clock = ManualClock()

    class Slow(Bird):
        def generate(self, request: str, inner: Work) -> Song:
            assert inner.remaining() == pytest.approx(8)
            clock.now += 7.5
            inner.check()
            clock.now += 0.6
            inner.check()
            raise AssertionError(request)

    engine = FallbackEngine(Slow(), lambda: tract, fallback="tract")
    song = engine.generate("dawn", Work(timeout=10, clock=clock))
    assert song.provenance.notes[-1] == "model failed (it took more than its share of the time): tract made this"


def test_when_the_time_of_the_caller_is_over_nobody_else_is_asked(tract):
    clock = ManualClock()

    class Stuck(Bird):
        def generate(self, request: str, inner: Work) -> Song:
            clock.now += 11
            inner.check()
            raise AssertionError(request)

    with pytest.raises(DeadlineExceeded):
        FallbackEngine(Stuck(), lambda: tract, fallback="tract").generate("dawn", Work(timeout=10, clock=clock))
    assert tract.asked == []


def test_a_long_story_is_cut_for_the_card(both, model):
    model.fault = EngineFailed("x" * 5_000)
    (note,) = both.generate("dawn", Work()).provenance.notes[1:]
    assert len(note) < 600


def test_every_series_is_there_from_the_start():
    FallbackEngine(Bird("fresh"), Bird, fallback="spare")
    assert [fallbacks(reason, "fresh", "spare") for reason in REASONS] == [0] * len(REASONS)
