"""An engine that could not be loaded comes back: tried again in the background, and let in when it can be."""

import logging
import threading
from itertools import islice, pairwise
from pathlib import Path

import pytest

from postcards_serving.engine.served import alone
from postcards_serving.engine.work import Work
from postcards_serving.errors import ServiceError
from postcards_serving.fallback.load import load_with_fallback
from postcards_serving.fallback.reload import LOAD_THREAD, Reloading
from postcards_serving.models.find import find_model
from postcards_serving.retry_pauses import pauses
from postcards_serving.testing import eventually


class Weights:
    """An engine that lives in a folder."""

    version = "3"
    stages = ("denoise",)
    requests_at_once = 5

    def __init__(self, folder: Path, name: str = "model") -> None:
        self.name = name
        self.files = find_model(str(folder), patterns=("*.safetensors",))
        self.closed = threading.Event()

    def generate(self, request: str, work: Work) -> dict[str, object]:
        del request, work
        return {"engine": self.name}

    def close(self) -> None:
        self.closed.set()


class Tract(Weights):
    """The engine behind it."""

    def __init__(self) -> None:
        self.name = "tract"
        self.closed = threading.Event()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "model"


def bring(folder: Path) -> None:
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(b"weights")


def load_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == LOAD_THREAD}


@pytest.fixture
def before() -> set[threading.Thread]:
    """The threads of others."""
    return load_threads()


async def test_a_model_that_comes_later_takes_over(folder, before, caplog):
    caplog.set_level(logging.INFO)
    engines = load_with_fallback(lambda: Weights(folder), Tract, name="model", fallback="tract", retry_seconds=0.01)
    both = engines.default
    assert (both.name, both.version, both.stages) == ("model", "0", ())
    await eventually(lambda: "still cannot be loaded (attempt 3)" in caplog.text)
    with pytest.raises(ServiceError, match="there is no folder"):
        engines.named("model").generate("dawn", Work())
    bring(folder)
    await eventually(lambda: "engine 'model' is loaded and takes over from 'tract'" in caplog.text)
    assert (both.version, both.stages) == ("3", ("denoise",))
    assert both.generate("dawn", Work()) == {"engine": "model"}
    assert engines.named("model").generate("dawn", Work()) == {"engine": "model"}
    both.close()
    assert both.main.closed.is_set()
    await eventually(lambda: load_threads() <= before)


async def test_who_follows_the_main_engine_is_told_when_it_takes_over(folder):
    engines = load_with_fallback(lambda: Weights(folder), Tract, name="model", fallback="tract", retry_seconds=0.01)
    both = engines.default
    told: list[str] = []
    engines.call_when_main_is_loaded(lambda: told.append(both.version))
    assert told == []
    bring(folder)
    await eventually(lambda: told == ["3"])
    engines.call_when_main_is_loaded(lambda: told.append("who comes later is told at once"))
    assert told == ["3", "who comes later is told at once"]
    both.close()


def test_who_follows_an_engine_that_is_there_hears_nothing(folder):
    bring(folder)
    here = Weights(folder)
    alone(here).call_when_main_is_loaded(pytest.fail)
    load_with_fallback(lambda: here, Tract, name="model", fallback="tract").call_when_main_is_loaded(pytest.fail)


async def test_who_closes_it_ends_the_attempts(folder, before):
    engines = load_with_fallback(lambda: Weights(folder), Tract, name="model", fallback="tract", retry_seconds=300)
    both = engines.default
    assert load_threads() - before
    both.close()
    await eventually(lambda: load_threads() <= before)


async def test_what_is_loaded_too_late_is_thrown_away():
    begun, go_on = threading.Event(), threading.Event()
    handed: list[str] = []
    thrown: list[str] = []

    def load() -> str:
        begun.set()
        go_on.wait(30)
        return "engine"

    reloading = Reloading("model", load, first_pause=0.01, hand_on=handed.append, throw_away=thrown.append)
    assert begun.wait(30)
    reloading.stop()
    go_on.set()
    await eventually(lambda: thrown == ["engine"])
    assert handed == []


async def test_a_model_torn_by_its_copying_is_tried_again(caplog):
    attempts: list[int] = []
    handed: list[str] = []

    def load() -> str:
        attempts.append(len(attempts))
        if len(attempts) < 3:
            raise ValueError("header too large")
        return "engine"

    Reloading("model", load, first_pause=0.01, hand_on=handed.append, throw_away=handed.clear)
    await eventually(lambda: handed == ["engine"])
    assert len(attempts) == 3
    faults = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert faults == ["header too large"] * 2


def test_the_pauses_grow_up_to_five_minutes():
    told = list(islice(pauses(10), 9))
    assert all(later > earlier for earlier, later in pairwise(told[:5]))
    assert all(270 <= pause <= 330 for pause in told[6:])


def test_a_pause_longer_than_five_minutes_stays():
    assert all(900 <= pause <= 1100 for pause in islice(pauses(1000), 5))
