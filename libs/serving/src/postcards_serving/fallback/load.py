"""Loads the engine that the settings name, with another behind it if one is named."""

import gc
import logging
from collections.abc import Callable
from typing import TypeVar, cast

from postcards_serving.engine.protocol import Engine
from postcards_serving.engine.served import ServedEngines, alone
from postcards_serving.errors import ModelUnusable
from postcards_serving.fallback.engine import FallbackEngine
from postcards_serving.fallback.pair import MissingEngine, loaded
from postcards_serving.telemetry import metrics

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")

_RETRY_SECONDS = 10.0

_log = logging.getLogger(__name__)


def load_with_fallback(
    load_main: Callable[[], Engine[RequestT, ResultT]],
    load_fallback: Callable[[], Engine[RequestT, ResultT]] | None,
    *,
    name: str,
    fallback: str = "",
    retry_seconds: float = _RETRY_SECONDS,
    expected_at_once: int | None = None,
) -> ServedEngines[RequestT, ResultT]:
    """The engines to serve: the main one, with the other behind it if one is named.

    A main engine that cannot be loaded is tried again in the background, until it can.

    Args:
        load_main: builds the engine that the settings name.
        load_fallback: builds the one that stands in for it; None: nobody does.
        name: name of the main engine, which is needed where it cannot be loaded.
        fallback: name of the other one; see `FallbackEngine`.
        retry_seconds: pause before the main engine is tried again; see `FallbackEngine.reload`.
        expected_at_once: requests that the main engine works on at once, as far as can be said while it is missing.

    Raises:
        ModelUnusable: the model of the main engine is missing or does not fit into memory, and nobody stands in.
    """
    if load_fallback is None or name == fallback:
        return alone(loaded(load_main, name))
    missing: MissingEngine[RequestT, ResultT] | None = None
    main: Engine[RequestT, ResultT] | None = None
    try:
        main = loaded(load_main, name)
    except ModelUnusable as fault:
        metrics.LOAD_FAILURES.inc()
        _log.warning(
            "engine %r cannot be loaded: %s; %r serves in its place until it can", name, fault.message, fallback
        )
        missing = MissingEngine[RequestT, ResultT](name, fault, expected_at_once)
    if main is not None:
        return FallbackEngine(main, load_fallback, fallback=fallback).served
    # What was loaded before the failure hangs together in cycles.
    gc.collect()
    both = FallbackEngine(cast(Engine[RequestT, ResultT], missing), load_fallback, fallback=fallback)
    both.reload(load_main, retry_seconds)
    return both.served


def load_named(
    build: Callable[[str], Engine[RequestT, ResultT]],
    name: str,
    fallback: str,
    *,
    retry_seconds: float,
    expected_at_once: int | None = None,
) -> ServedEngines[RequestT, ResultT]:
    """The engine that is named, with the one behind it that is named as `fallback`, if any; see `load_with_fallback`.

    Args:
        build: builds an engine by its name.
        name: of the main engine.
        fallback: of the other one; empty: none.
        retry_seconds: see `load_with_fallback`.
        expected_at_once: see `load_with_fallback`.
    """
    return load_with_fallback(
        lambda: build(name),
        (lambda: build(fallback)) if fallback else None,
        name=name,
        fallback=fallback,
        retry_seconds=retry_seconds,
        expected_at_once=expected_at_once,
    )
