"""Another engine that makes a part where the main one cannot, and says so.

A request that names an engine gets that engine or its failure, never another one. Needs no gRPC.
"""

import dataclasses
import logging
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from postcards_serving.device.loss import tell_if_lost
from postcards_serving.engine.protocol import Engine
from postcards_serving.engine.served import ServedEngines
from postcards_serving.engine.work import Provenance, Work
from postcards_serving.errors import DeadlineExceeded, EngineFailed, InvalidField, ServiceError
from postcards_serving.fallback.faults import REASONS, in_words, may_fall_back, reason_of, refused_by_both
from postcards_serving.fallback.pair import (
    MissingEngine,
    NamedFallback,
    NamedMain,
    WorkOfMain,
    loaded,
)
from postcards_serving.fallback.reload import Reloading
from postcards_serving.telemetry import metrics

__all__ = ["REASONS", "FallbackEngine"]

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")

_LOOK_UP_EVERY = 0.1
"""Seconds between looks at the caller while another call loads the engine: a lock cannot be woken for one who leaves,
and loading takes seconds at least."""

_log = logging.getLogger(__name__)


class FallbackEngine(Generic[RequestT, ResultT]):
    """An engine that asks another one when it fails. Any number of threads may call it.

    It bears the name of the main engine; the provenance of a result is that of the engine which made it, with a note.
    Items that the main engine reports are held back until it has succeeded: those of two engines must not mix.
    """

    def __init__(
        self,
        main: Engine[RequestT, ResultT],
        load_fallback: Callable[[], Engine[RequestT, ResultT]],
        *,
        fallback: str = "",
    ) -> None:
        """Stands in for `main`.

        Args:
            main: asked first.
            load_fallback: builds the other engine, when it is needed for the first time.
            fallback: the other engine's name, if it is to be known before; default: it is built at once.
        """
        self.name: Final = main.name
        self._main = main
        self._load: Final = load_fallback
        self._lock: Final = threading.Lock()
        self._other: Engine[RequestT, ResultT] | None = None
        self._told: Final = fallback or "fallback"
        self._reloading: Reloading[Engine[RequestT, ResultT]] | None = None
        self._tell: Callable[[], None] = _nothing
        self.fallback: Final = fallback or self.load(Work()).name
        """Name of the other engine."""
        metrics.export_zeros_of_fallback(self.name, self.fallback, REASONS)

    @property
    def version(self) -> str:
        """That of the main engine; "0" while its model is missing."""
        return self._main.version

    @property
    def stages(self) -> tuple[str, ...]:
        """Those of the main engine; none while its model is missing."""
        return tuple(self._main.stages)

    def generate(self, request: RequestT, work: Work) -> ResultT:
        """What the main engine makes of the request, or else the other one.

        Raises:
            ServiceError: the failure of the main engine if it lies with the request or its caller, or if the other
                one does not know a field of the request; else that of the other engine.
        """
        held = WorkOfMain(work)
        try:
            made = self._main.generate(request, held)
        except DeadlineExceeded as fault:
            if not work.remaining():
                raise
            failure = EngineFailed("it took more than its share of the time", reason="SHARE_USED_UP")
            failure.__cause__ = fault
        except Exception as fault:
            if not may_fall_back(fault):
                raise
            failure = fault
        else:
            held.let_go()
            return made
        return self._instead(request, work, failure)

    @property
    def requests_at_once(self) -> int | None:
        """As many as the main engine does."""
        return self._main.requests_at_once

    @property
    def served(self) -> ServedEngines[RequestT, ResultT]:
        """The two, for a service that answers with them."""
        both: dict[str, Engine[RequestT, ResultT]] = {
            self.name: NamedMain(self.name, self),
            self.fallback: NamedFallback(self),
        }
        return ServedEngines(self, both, self.when_taken_over)

    @property
    def main(self) -> Engine[RequestT, ResultT]:
        """The main engine, or what stands in the place of one that is missing."""
        return self._main

    def reload(self, load_main: Callable[[], Engine[RequestT, ResultT]], first_pause: float) -> None:
        """Tries in the background to load the main engine, and makes the parts with it from then on.

        Args:
            load_main: builds it.
            first_pause: seconds before the first attempt; each later pause is twice as long, 5 minutes at most.
        """
        self._reloading = Reloading(
            self.name,
            lambda: loaded(load_main, self.name),
            first_pause=first_pause,
            hand_on=self._take_over,
            throw_away=lambda engine: engine.close(),
        )

    def when_taken_over(self, tell: Callable[[], None]) -> None:
        """Calls `tell` when the main engine has been loaded after all, on the thread that loaded it.

        Where that was before, `tell` is called now; it may be called twice.
        """
        self._tell = tell
        if self._reloading is not None and not isinstance(self._main, MissingEngine):
            tell()

    @property
    def loaded(self) -> Engine[RequestT, ResultT] | None:
        """The other engine, if it has been needed yet."""
        return self._other

    def load(self, work: Work) -> Engine[RequestT, ResultT]:
        """The other engine, loaded where it has not been: takes a while, so never call it on an event loop.

        Raises:
            Cancelled: the caller left while another call was loading the engine.
            DeadlineExceeded: the time was over meanwhile.
            ModelUnusable: it cannot be loaded.
        """
        while not self._lock.acquire(timeout=_LOOK_UP_EVERY):
            work.check()
        try:
            work.check()
            if self._other is None:
                self._other = loaded(self._load, self._told)
            return self._other
        finally:
            self._lock.release()

    def close(self) -> None:
        """Closes the main engine and the one behind it."""
        if self._reloading is not None:
            self._reloading.stop()
        try:
            self._main.close()
        finally:
            if self._other is not None:
                self._other.close()

    def _take_over(self, main: Engine[RequestT, ResultT]) -> None:
        metrics.export_zeros_of_engine(main.name, main.stages)
        self._main = main
        self._tell()
        _log.info("engine %r is loaded and takes over from %r", self.name, self.fallback)

    def _instead(self, request: RequestT, work: Work, failure: Exception) -> ResultT:
        # This request is served all the same; the next ones are, once a new process has the device.
        tell_if_lost(failure)
        work.check()
        reason = reason_of(failure)
        metrics.FALLBACKS.labels(self.name, self.fallback, reason).inc()
        _log.log(
            # That a model is missing is said when the server starts.
            logging.DEBUG if isinstance(self._main, MissingEngine) else logging.WARNING,
            "engine %r failed (%s); %r makes this part",
            self.name,
            reason,
            self.fallback,
            exc_info=None if isinstance(failure, ServiceError) else failure,
        )
        note = f"{self.name} failed ({in_words(failure)}): {self.fallback} made this"
        try:
            made = self.load(work).generate(request, work)
        except InvalidField as refused:
            raise refused_by_both(failure, self.name, self.fallback, refused) from failure
        return _with_note(made, note)


def _nothing() -> None:
    """For an engine that nobody follows."""


def _with_note(result: ResultT, note: str) -> ResultT:
    made: Any = result
    provenance: Provenance = made.provenance
    return dataclasses.replace(made, provenance=dataclasses.replace(provenance, notes=(*provenance.notes, note)))
