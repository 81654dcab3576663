"""What a service that makes parts is to its process, whatever it makes: engines, their executor, a first request."""

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

import grpc.aio

from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import ServedEngines
from postcards_serving.server.service import Service
from postcards_serving.settings import ServiceSettings
from postcards_serving.telemetry.engine_spans import trace_engine


def part_service(
    engines: ServedEngines[Any, Any],
    settings: ServiceSettings,
    add: Callable[[Executor, grpc.aio.Server], None],
    first_call: Callable[[grpc.aio.Channel], AsyncIterable[object]] | None = None,
) -> Service:
    """The service of some engines: as many requests at once as the main one does, also when it is loaded late.

    Args:
        engines: what makes the parts; closed with the service.
        settings: of the server.
        add: adds a servicer, which runs the engines on the executor, to a server.
        first_call: makes the smallest request there is, whose responses are awaited before the service is ready.
    """
    engine = engines.default

    def places() -> int:
        return settings.places(engine.requests_at_once or settings.max_in_flight)

    executor = Executor(
        places(), Admission(settings.max_queue), engine=engine.name, stages=engine.stages, observe=trace_engine
    )
    engines.call_when_main_is_loaded(lambda: executor.resize(places()))
    return Service(
        register=lambda server: add(executor, server),
        warm_up=None if first_call is None else _to_the_end(first_call),
        executor=executor,
        close=engine.close,
    )


def _to_the_end(
    call: Callable[[grpc.aio.Channel], AsyncIterable[object]],
) -> Callable[[grpc.aio.Channel], Awaitable[None]]:
    async def warm_up(channel: grpc.aio.Channel) -> None:
        async for _ in call(channel):
            pass

    return warm_up
