"""For tests: real servers on free ports, waiting without sleeping, work that remembers."""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from typing_extensions import override

from postcards_serving.engine.work import Event, Item, Work
from postcards_serving.rpc.interceptors import CallInterceptor
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.server import grpc_server
from postcards_serving.settings import ServiceSettings

ValueT = TypeVar("ValueT")
Register = Callable[[grpc.aio.Server], None]


@asynccontextmanager
async def listening_server(*register: Register, services: Sequence[ServiceDescriptor] = ()) -> AsyncGenerator[str]:
    """A real server on a free port of loopback, with interceptor, health (SERVING) and reflection; yields "host:port".

    Args:
        register: each adds a servicer, e.g. `lambda server: add_ImageServiceServicer_to_server(servicer, server)`.
        services: descriptors of what is served, for health and reflection by name.
    """
    settings = ServiceSettings(port=0, metrics_port=0)
    server = grpc_server.build(settings, CallInterceptor())
    for add in register:
        add(server)
    standard = await grpc_server.add_standard_services(server, services)
    port = grpc_server.bind(server, settings)
    await server.start()
    await standard.serving()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@asynccontextmanager
async def running_server(
    *register: Register, services: Sequence[ServiceDescriptor] = ()
) -> AsyncGenerator[grpc.aio.Channel]:
    """Like `listening_server`; yields a channel to it that never retries."""
    async with listening_server(*register, services=services) as address:
        channel = open_channel(address)
        try:
            yield channel
        finally:
            await channel.close()


async def eventually(
    question: Callable[[], ValueT | Awaitable[ValueT]], *, timeout: float = 30.0, interval: float = 0.01
) -> ValueT:
    """Asks until the answer is truthy and no AssertionError is raised; the answer.

    Raises:
        AssertionError: it was not within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        fault: AssertionError | None = None
        try:
            asked = question()
            answer = cast(ValueT, await asked if inspect.isawaitable(asked) else asked)
            if answer:
                return answer
        except AssertionError as caught:
            fault = caught
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} seconds") from fault
        await asyncio.sleep(interval)


class RecordingWork(Work):
    """Work that remembers what was reported, in `events`."""

    def __init__(self, *, timeout: float | None = None) -> None:
        """Begins with an empty memory."""
        self.events: list[Event] = []
        super().__init__(self.events.append, timeout=timeout)


class WorkCancelledAt(RecordingWork):
    """Recording work whose caller goes away when it first hears of `stage`."""

    def __init__(self, stage: str) -> None:
        """Cancels itself when `stage` is reported."""
        super().__init__()
        self._stage = stage

    @property
    def stages(self) -> list[str]:
        """The stage of each event so far; finished pieces have none."""
        return [event.stage for event in self.events if not isinstance(event, Item)]

    @override
    def report(self, event: Event) -> None:
        super().report(event)
        if not isinstance(event, Item) and event.stage == self._stage:
            self.cancel()
