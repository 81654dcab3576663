"""The engines that a service answers with, as its servicer and its start see them: one alone, or several by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from postcards_serving.engine.protocol import Engine

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")


def _never(callback: Callable[[], None]) -> None:
    """Where the main engine is there from the first: nobody has to be called."""
    del callback


@dataclass(frozen=True)
class ServedEngines(Generic[RequestT, ResultT]):
    """One engine, or a main one with another behind it."""

    default: Engine[RequestT, ResultT]
    """Makes what no request names an engine for; closing it closes all."""
    by_name: Mapping[str, Engine[RequestT, ResultT]]
    """What a request that names an engine gets: that one or its failure."""
    call_when_main_is_loaded: Callable[[Callable[[], None]], None] = _never
    """Calls back, on any thread, once a main engine that came late is there; at once if it has come already."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names that a request may ask for."""
        return tuple(self.by_name)

    def named(self, name: str) -> Engine[RequestT, ResultT]:
        """The engine for a request that names one of `names`, or none with ""."""
        return self.by_name[name] if name else self.default


def alone(engine: Engine[RequestT, ResultT]) -> ServedEngines[RequestT, ResultT]:
    """An engine that no other one stands behind."""
    return ServedEngines(engine, {engine.name: engine})
