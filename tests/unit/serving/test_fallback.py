"""An engine behind another: when it is asked, what is said, and what must not happen."""

import logging
import threading
import weakref
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

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
from postcards_serving.fallback import (
    REASONS,
    FallbackEngine,
    engine_named,
    load_with_fallback,
    names_of,
)
from postcards_serving.work import Item, Progress, Provenance, Work


@dataclass(frozen=True)
class Song:
    """A result."""

    text: str
    provenance: Provenance


@dataclass
class Bird:
    """An engine that sings, or fails."""

    name: str = "model"
    version: str = "2"
    stages: tuple[str, ...] = ("breathe", "sing")
    fault: BaseException | None = None
    asked: list[str] = field(default_factory=list)
    closed: int = 0

    def generate(self, request: str, work: Work) -> Song:
        self.asked.append(request)
        work.check()
        work.report(Progress("breathe"))
        work.report(Item(f"{self.name}: {request}"))
        if self.fault is not None:
            raise self.fault
        return Song(f"{request} by {self.name}", Provenance(self.name, self.version, notes=("in tune",)))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def model():
    return Bird()


@pytest.fixture
def tract():
    return Bird("tract", "1")


@pytest.fixture
def both(model, tract):
    return FallbackEngine(model, lambda: tract, fallback="tract")


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


def test_the_main_engine_sees_the_deadline_of_the_call():
    seen = []

    class Timed(Bird):
        def generate(self, request: str, inner: Work) -> Song:
            seen.append(inner.remaining())
            return super().generate(request, inner)

    FallbackEngine(Timed(), Bird, fallback="tract").generate("dawn", Work(timeout=60))
    assert 0 < seen[0] <= 60


def test_the_other_is_built_once_and_only_when_it_is_needed(model):
    built = []

    def build() -> Bird:
        built.append(Bird("tract"))
        return built[-1]

    engine = FallbackEngine(model, build, fallback="tract")
    engine.generate("dawn", Work())
    assert built == []
    model.fault = EngineFailed("no ink")
    engine.generate("dawn", Work())
    engine.generate("dusk", Work())
    assert len(built) == 1
    engine.close()
    assert (model.closed, built[0].closed) == (1, 1)


def test_both_are_closed_whatever_the_first_says(tract):
    class Stuck(Bird):
        def close(self) -> None:
            raise RuntimeError("stuck")

    engine = FallbackEngine(Stuck(), lambda: tract)
    assert engine.fallback == "tract"
    with pytest.raises(RuntimeError, match="stuck"):
        engine.close()
    assert tract.closed == 1


def test_every_series_is_there_from_the_start():
    FallbackEngine(Bird("fresh"), Bird, fallback="spare")
    assert [fallbacks(reason, "fresh", "spare") for reason in REASONS] == [0] * len(REASONS)


def test_a_request_that_names_the_main_engine_never_gets_another_and_is_told(both, model, tract):
    model.fault = EngineFailed("no ink", reason="NO_INK", metadata={"colour": "black"})
    engine = engine_named(both, "model")
    assert (engine.name, engine.version, engine.stages) == ("model", "2", ("breathe", "sing"))
    with pytest.raises(ServiceError) as fault:
        engine.generate("dawn", Work())
    told = fault.value
    assert (told.code, told.reason) == ("INTERNAL", "NO_INK")
    assert told.message == "no ink (the request names 'model': 'tract' was not asked)"
    assert told.metadata == {"colour": "black", "fallback": "tract"}
    assert tract.asked == []
    model.fault = Overloaded(2.0)
    with pytest.raises(Overloaded) as full:
        engine.generate("dawn", Work())
    assert full.value is model.fault


def test_a_request_that_names_the_other_engine_gets_it_without_a_note(both, model):
    song = engine_named(both, "tract").generate("dawn", Work())
    assert song == Song("dawn by tract", Provenance("tract", "1", notes=("in tune",)))
    assert model.asked == []


def test_a_request_that_names_none_gets_whichever_can(both):
    assert engine_named(both, "") is both
    assert names_of(both) == ("model", "tract")


def test_an_engine_alone_has_one_name(model):
    assert names_of(model) == ("model",)
    assert engine_named(model, "model") is model


def test_a_main_engine_whose_model_is_missing_is_replaced_for_as_long_as_it_lasts(tract, caplog):
    def load() -> Bird:
        raise ModelUnusable("someone/animals is gated: accept its licence")

    engine = load_with_fallback(load, lambda: tract, name="model", fallback="tract")
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "accept its licence" in warnings[0].getMessage()
    assert engine.name == "model"
    song = engine.generate("dawn", Work())
    assert song.provenance.notes[-1] == "model failed (its model cannot be used here): tract made this"
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1
    with pytest.raises(ServiceError, match=r"accept its licence \(the request names 'model'") as fault:
        engine_named(engine, "model").generate("dawn", Work())
    assert fault.value.reason == "MODEL_UNUSABLE"
    engine.close()


def test_without_a_fallback_a_missing_model_is_the_end():
    def load() -> Bird:
        raise ModelUnusable("no weights")

    for fallback in ("", "model"):
        with pytest.raises(ModelUnusable, match="no weights"):
            load_with_fallback(load, None if not fallback else Bird, name="model", fallback=fallback)


def test_without_a_fallback_the_engine_is_served_as_it_is(model):
    assert load_with_fallback(lambda: model, None, name="model") is model


def test_another_fault_while_loading_is_not_hidden(tract):
    def load() -> Bird:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        load_with_fallback(load, lambda: tract, name="model", fallback="tract")


def test_a_long_story_is_cut_for_the_card(both, model):
    model.fault = EngineFailed("x" * 5_000)
    (note,) = both.generate("dawn", Work()).provenance.notes[1:]
    assert len(note) < 600


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_naming_the_other_engine_loads_nothing_until_the_work_begins(model):
    loaders = []

    def load() -> Bird:
        loaders.append(threading.current_thread())
        return Bird("tract", "7")

    engine = engine_named(FallbackEngine(model, load, fallback="tract"), "tract")
    assert (engine.name, engine.version, engine.stages) == ("tract", "0", ())
    assert loaders == []
    worker = threading.Thread(target=engine.generate, args=("dawn", Work()))
    worker.start()
    worker.join()
    assert loaders == [worker]
    assert (engine.version, engine.stages) == ("7", ("breathe", "sing"))


@pytest.mark.parametrize("expected", [Cancelled, DeadlineExceeded])
def test_who_waits_while_another_loads_may_leave(model, expected):
    loading, go_on = threading.Event(), threading.Event()

    def load() -> Bird:
        loading.set()
        assert go_on.wait(30)
        return Bird("tract")

    engine = engine_named(FallbackEngine(model, load, fallback="tract"), "tract")
    first = threading.Thread(target=engine.generate, args=("dawn", Work()))
    first.start()
    try:
        assert loading.wait(30)
        work = Work(timeout=0.01) if expected is DeadlineExceeded else Work()
        if expected is Cancelled:
            work.cancel()
        with pytest.raises(expected):
            engine.generate("dusk", work)
        assert first.is_alive()
    finally:
        go_on.set()
        first.join()
    assert engine.version == "2"


@pytest.mark.parametrize("fault", [ModelUnusable("half of it is missing"), MemoryError()])
def test_what_was_loaded_before_the_failure_is_let_go(tract, fault):
    parts = []

    class Weights:
        """Parts of a model, which refer to each other."""

        def __init__(self) -> None:
            self.whole = self

    def load() -> Bird:
        weights = Weights()
        parts.append(weights_seen := weakref.ref(weights))
        assert weights_seen() is weights
        raise type(fault)(*fault.args)

    engine = load_with_fallback(load, lambda: tract, name="model", fallback="tract")
    assert parts[0]() is None
    assert engine.generate("dawn", Work()).text == "dawn by tract"
    engine.close()


def test_memory_that_ends_while_loading_is_one_sentence_with_or_without_another_engine(tract):
    def load() -> Bird:
        raise MemoryError

    with pytest.raises(ModelUnusable, match=r"^there is not enough memory for engine 'model'"):
        load_with_fallback(load, None, name="model")
    engine = load_with_fallback(load, lambda: tract, name="model", fallback="tract")
    with pytest.raises(ServiceError, match="not enough memory for engine 'model'"):
        engine_named(engine, "model").generate("dawn", Work())
    engine.close()


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


def test_a_slow_main_engine_leaves_time_for_the_other(tract):
    clock = Clock()

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
    clock = Clock()

    class Stuck(Bird):
        def generate(self, request: str, inner: Work) -> Song:
            clock.now += 11
            inner.check()
            raise AssertionError(request)

    with pytest.raises(DeadlineExceeded):
        FallbackEngine(Stuck(), lambda: tract, fallback="tract").generate("dawn", Work(timeout=10, clock=clock))
    assert tract.asked == []
