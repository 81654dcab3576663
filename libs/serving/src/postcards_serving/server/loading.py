"""Loading what a server serves: once, or again and again until it succeeds."""

import asyncio
import contextlib
import gc
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import grpc.aio

from postcards_serving.device.loss import tell_if_lost
from postcards_serving.errors import ServiceError
from postcards_serving.fallback.reload import LOAD_THREAD
from postcards_serving.retry_pauses import pauses
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.server import grpc_server
from postcards_serving.server.gate import Gate
from postcards_serving.server.service import Loader, Service, SettingsT, StartupError
from postcards_serving.settings import SettingsError
from postcards_serving.telemetry import metrics
from postcards_serving.telemetry.logging import fields

__all__ = ["LOAD_THREAD", "Loading", "close", "loader"]

ValueT = TypeVar("ValueT")

_log = logging.getLogger(__name__)


class Loading:
    """Loads a service behind its gate and tries it out with its first request."""

    def __init__(self, load: Callable[[], Awaitable[Service]], gate: Gate, own_address: tuple[str, int, str]) -> None:
        """Prepares.

        Args:
            load: builds the service (see `loader`).
            gate: takes its handlers.
            own_address: address, port and warm-up token of the server that it will be served by.
        """
        self._load = load
        self._gate = gate
        self._own_address = own_address

    async def once(self) -> Service:
        """The service, loaded and tried out.

        Raises:
            StartupError: it could not be loaded, or its first request failed.
            SettingsError: see `SettingsError`.
        """
        try:
            service = await self._load()
            try:
                await self._try_out(service)
            except BaseException:
                await close(service)
                raise
        except (StartupError, SettingsError):
            raise
        except ServiceError as fault:
            tell_if_lost(fault)
            raise StartupError(f"cannot start: {fault.message}", fault) from fault
        except grpc.aio.AioRpcError as fault:
            message = f"the first request failed: {fault.code().name}: {fault.details()}"
            raise StartupError(f"cannot start: {message}", from_rpc_error(fault)) from fault
        except Exception as fault:
            tell_if_lost(fault)
            _log.debug("loading failed", exc_info=fault)
            raise StartupError(f"cannot start: {type(fault).__name__}: {fault}") from fault
        return service

    async def patiently(self, first_pause: float) -> Service:
        """The service, however often it takes: each failure is logged, counted and told to callers meanwhile.

        Args:
            first_pause: seconds before the second attempt; each later pause is twice as long, 5 minutes at most.
        """
        for attempt, pause in enumerate(pauses(first_pause), start=1):
            try:
                return await self.once()
            except StartupError as fault:
                refusal, line = fault.refusal(pause), " ".join(str(fault).split())
            # Only now is the half of a model let go that the exception's frames held.
            gc.collect()
            metrics.LOAD_FAILURES.inc()
            self._gate.refuse(refusal)
            _log.error(line, extra=fields(attempt=attempt, reason=refusal.reason, next_attempt_seconds=round(pause, 1)))
            await asyncio.sleep(pause)
        raise AssertionError("the pauses never end")

    async def _try_out(self, service: Service) -> None:
        self._gate.fill(service.register)
        if service.warm_up is not None:
            async with grpc_server.own_channel(*self._own_address) as channel:
                await service.warm_up(channel)


def loader(load: Loader[SettingsT], settings: SettingsT) -> Callable[[], Awaitable[Service]]:
    """`load` with its settings, off the event loop unless it is a coroutine function."""
    if inspect.iscoroutinefunction(load):
        return lambda: cast(Awaitable[Service], load(settings))
    return lambda: _on_own_thread(lambda: cast(Service, load(settings)))


async def close(service: Service) -> None:
    """Lets go of what a service holds, and waits for it where that takes time."""
    closing = service.close() if service.close is not None else None
    if closing is not None:
        await closing


async def _on_own_thread(function: Callable[[], ValueT]) -> ValueT:
    """Runs `function` on a thread that the process does not wait for when it is stopped meanwhile."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ValueT] = loop.create_future()

    def settle(result: ValueT | None, fault: BaseException | None) -> None:
        if future.cancelled():
            return
        if fault is not None:
            future.set_exception(fault)
        else:
            future.set_result(cast(ValueT, result))

    def run() -> None:
        result: ValueT | None = None
        fault: BaseException | None = None
        try:
            result = function()
        except Exception as caught:
            fault = caught
        except BaseException as caught:
            fault = RuntimeError(f"loading raised {type(caught).__name__}: {caught}")
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=run, name=LOAD_THREAD, daemon=True).start()
    return await future
