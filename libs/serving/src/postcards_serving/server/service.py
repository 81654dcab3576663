"""What a process serves, and how a start may fail."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc.aio

from postcards_serving.engine.executor import Executor
from postcards_serving.errors import Code, ServiceError, Unavailable
from postcards_serving.settings import ServiceSettings
from postcards_serving.telemetry.logging import without_secrets

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


@dataclass(frozen=True)
class Service:
    """What a process serves once it is loaded."""

    register: Callable[[grpc.aio.Server], None]
    """Adds the servicers, e.g. `lambda server: add_ImageServiceServicer_to_server(servicer, server)`."""
    warm_up: Callable[[grpc.aio.Channel], Awaitable[None]] | None = None
    """Makes a real tiny request over the channel to this very server; SERVING waits for it."""
    executor: Executor | None = None
    """Runs the engine; `close` waits for its last call."""
    drain: Callable[[], Awaitable[None]] | None = None
    """Called when shutdown begins, before the calls are waited for: ends streams that would never end by themselves."""
    close: Callable[[], Awaitable[None] | None] | None = None
    """Called last, after the last call has ended, e.g. `engine.close`."""


Loader = Callable[[SettingsT], Service | Awaitable[Service]]
"""Builds the service. A plain function runs on a thread of its own (heavy imports, weights), a coroutine function on
the event loop (channels, background tasks). Raises `StartupError` or a `ServiceError` with one clear sentence."""


class StartupError(Exception):
    """The server cannot start. The message is one line for the person who started it."""

    def __init__(self, message: str, cause: ServiceError | None = None) -> None:
        """Says why.

        Args:
            message: one line.
            cause: what loading ended with, where callers may be told that.
        """
        super().__init__(message)
        self._cause = cause

    def refusal(self, retry_after: float) -> ServiceError:
        """What callers are told while loading is tried again after `retry_after` seconds.

        A cause in the state of things (FAILED_PRECONDITION, such as a model that is not there) keeps its code: who
        calls again at once meets it again. Everything else is UNAVAILABLE.
        """
        if self._cause is None:
            return Unavailable(
                "the service could not be loaded; its log says why", reason="LOAD_FAILED", retry_after=retry_after
            )
        lasting = self._cause.code is Code.FAILED_PRECONDITION
        return ServiceError(
            self._cause.code if lasting else Code.UNAVAILABLE,
            self._cause.reason,
            without_secrets(self._cause.message),
            retry_after=None if lasting else retry_after,
            metadata=self._cause.metadata,
        )
