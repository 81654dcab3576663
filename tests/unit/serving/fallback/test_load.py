"""How two engines are loaded and closed: the other one only when needed, and in place of a main one that is missing."""

import logging
import weakref

import pytest

from postcards_serving.engine.work import Work
from postcards_serving.errors import EngineFailed, ModelUnusable, ServiceError
from postcards_serving.fallback.engine import FallbackEngine
from postcards_serving.fallback.load import load_with_fallback
from songbirds import Bird


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


def test_a_main_engine_whose_model_is_missing_is_replaced_for_as_long_as_it_lasts(tract, caplog):
    def load() -> Bird:
        raise ModelUnusable("someone/animals is gated: accept its licence")

    engines = load_with_fallback(load, lambda: tract, name="model", fallback="tract")
    engine = engines.default
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "accept its licence" in warnings[0].getMessage()
    assert engine.name == "model"
    song = engine.generate("dawn", Work())
    assert song.provenance.notes[-1] == "model failed (its model cannot be used here): tract made this"
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1
    with pytest.raises(ServiceError, match=r"accept its licence \(the request names 'model'") as fault:
        engines.named("model").generate("dawn", Work())
    assert fault.value.reason == "MODEL_UNUSABLE"
    engine.close()


def test_without_a_fallback_a_missing_model_is_the_end():
    def load() -> Bird:
        raise ModelUnusable("no weights")

    for fallback in ("", "model"):
        with pytest.raises(ModelUnusable, match="no weights"):
            load_with_fallback(load, None if not fallback else Bird, name="model", fallback=fallback)


def test_without_a_fallback_the_engine_is_served_as_it_is(model):
    assert load_with_fallback(lambda: model, None, name="model").default is model


def test_another_fault_while_loading_is_not_hidden(tract):
    def load() -> Bird:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        load_with_fallback(load, lambda: tract, name="model", fallback="tract")


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

    engines = load_with_fallback(load, lambda: tract, name="model", fallback="tract")
    engine = engines.default
    assert parts[0]() is None
    assert engine.generate("dawn", Work()).text == "dawn by tract"
    engine.close()


def test_memory_that_ends_while_loading_is_one_sentence_with_or_without_another_engine(tract):
    def load() -> Bird:
        raise MemoryError

    with pytest.raises(ModelUnusable, match=r"^there is not enough memory for engine 'model'"):
        load_with_fallback(load, None, name="model")
    engines = load_with_fallback(load, lambda: tract, name="model", fallback="tract")
    engine = engines.default
    with pytest.raises(ServiceError, match="not enough memory for engine 'model'"):
        engines.named("model").generate("dawn", Work())
    engine.close()
