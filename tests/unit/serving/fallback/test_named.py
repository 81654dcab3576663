"""A request that names one of two engines: it gets that one or its failure."""

import threading

import pytest

from postcards_serving.engine.served import alone
from postcards_serving.engine.work import Provenance, Work
from postcards_serving.errors import Cancelled, DeadlineExceeded, EngineFailed, Overloaded, ServiceError
from postcards_serving.fallback.engine import FallbackEngine
from songbirds import Bird, Song


def test_a_request_that_names_the_main_engine_never_gets_another_and_is_told(both, model, tract):
    model.fault = EngineFailed("no ink", reason="NO_INK", metadata={"colour": "black"})
    engine = both.served.named("model")
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
    song = both.served.named("tract").generate("dawn", Work())
    assert song == Song("dawn by tract", Provenance("tract", "1", notes=("in tune",)))
    assert model.asked == []


def test_a_request_that_names_none_gets_whichever_can(both):
    assert both.served.named("") is both
    assert both.served.names == ("model", "tract")


def test_an_engine_alone_has_one_name(model):
    assert alone(model).names == ("model",)
    assert alone(model).named("model") is model


def test_naming_the_other_engine_loads_nothing_until_the_work_begins(model):
    loaders = []

    def load() -> Bird:
        loaders.append(threading.current_thread())
        return Bird("tract", "7")

    engine = FallbackEngine(model, load, fallback="tract").served.named("tract")
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

    engine = FallbackEngine(model, load, fallback="tract").served.named("tract")
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
