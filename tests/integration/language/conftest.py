"""An engine that asks a server which does on command whatever a real one may do: official client, real sockets."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import chat_server
from chat_server import Script, serving
from postcards_language.engine import PhrasesRequest, PhrasesResult
from postcards_language.engines.openai import Endpoint, OpenAiEngine
from postcards_language.engines.openai.api.circuit_breaker import CircuitBreaker
from postcards_language.engines.openai.api.retries import Backoff, RetryingClient
from postcards_language.usage import Usage
from postcards_serving.engine.work import Work
from postcards_species.species import derive_species

KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def script() -> Iterator[Script]:
    with serving() as script:
        yield script


def _given(function: Callable[..., Any]) -> Any:
    """A fixture that is the function."""
    return pytest.fixture(name=function.__name__.removeprefix("_"))(lambda: function)


_ANSWERS = (
    chat_server.say,
    chat_server.refuse,
    chat_server.fail,
    chat_server.break_off,
    chat_server.stall,
    chat_server.unless,
)
say, refuse, fail, break_off, stall, unless = map(_given, _ANSWERS)


class Ledger:
    """UsageObserver that remember."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.usage = Usage()
        self.cost = 0.0
        self.circuits: list[bool] = []
        self.repairs = 0

    def called(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def used(self, usage: Usage, cost_usd: float | None) -> None:
        self.usage += usage
        self.cost += cost_usd or 0.0

    def circuit(self, opened: bool) -> None:
        self.circuits.append(opened)

    def repaired(self, phrases: int) -> None:
        self.repairs += phrases


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def api_key() -> str:
    return KEY


@pytest.fixture
def engine_for(script: Script, ledger: Ledger) -> Callable[..., OpenAiEngine]:
    """Makes engines that retry without waiting long."""

    def make(*, rest: float = 30.0, **fields: Any) -> OpenAiEngine:
        told = {"model": "m", "base_url": script.url, "api_key": KEY, "silence_seconds": 5.0} | fields
        return OpenAiEngine(
            Endpoint(**told),
            ledger,
            breaker=CircuitBreaker(failures=6, rest_seconds=rest, tell=ledger.circuit),
            client=lambda *parts: RetryingClient(*parts, backoff=Backoff(base_seconds=0.01), unit=lambda: 0.0),
        )

    return make


@pytest.fixture
def engine(engine_for: Callable[..., OpenAiEngine]) -> Iterator[OpenAiEngine]:
    made = engine_for()
    yield made
    made.close()


def _say_it(engine: OpenAiEngine, work: Work | None = None, **fields: Any) -> PhrasesResult:
    """What an engine makes of a request for species 7."""
    species = derive_species(7)
    return engine.generate(PhrasesRequest(species.phonology, species.name, seed=3, **fields), work or Work())


def _say_together(engine: OpenAiEngine, count: int) -> list[PhrasesResult]:
    """What an engine makes of `count` such requests at once; what fails is absent."""
    results: list[PhrasesResult] = []
    threads = [threading.Thread(target=lambda: results.append(_say_it(engine))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


_WORDS = (chat_server.text_of, chat_server.proposal, chat_server.phrases, _say_it, _say_together)
text_of, proposal, phrases, say_it, say_together = map(_given, _WORDS)
