"""Another engine that makes a part where the main one cannot, and says so.

A request that names an engine gets that engine or its failure, never another one: `engine_named`. Needs no gRPC.
"""

import dataclasses
import gc
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar, cast

from postcards_serving import metrics
from postcards_serving.devices import is_out_of_memory
from postcards_serving.errors import Code, DeadlineExceeded, EngineFailed, InvalidField, ModelUnusable, ServiceError
from postcards_serving.work import Event, Item, Provenance, Work

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")
RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)

REASONS = ("MODEL_UNUSABLE", "OUT_OF_MEMORY", "UNAVAILABLE", "ENGINE_FAILED", "OTHER")
"""Values of the label `reason` of `postcards_fallbacks_total`."""

_FINAL = {
    Code.INVALID_ARGUMENT,
    Code.OUT_OF_RANGE,
    Code.NOT_FOUND,
    Code.ALREADY_EXISTS,
    Code.CANCELLED,
    Code.DEADLINE_EXCEEDED,
    Code.RESOURCE_EXHAUSTED,
}
"""Failures that lie with the request, its caller or the crowd. Out of memory is the exception."""
_STOPPING = "STOPPING"
_MAX_NOTE = 500
_SHARE_OF_MAIN = 0.8
"""How much of the remaining time the main engine may use up, so that some is left for the other one."""
_LOOK_UP_EVERY = 0.1
"""Seconds between looks at the caller while another call loads the engine."""

_log = logging.getLogger(__name__)


class Engine(Protocol[RequestT_contra, ResultT_co]):
    """What the engines of all services have in common."""

    @property
    def name(self) -> str:
        """Its name in settings and requests."""
        ...

    @property
    def version(self) -> str:
        """Results of one version and the same request are equal within the engine's tolerance."""
        ...

    @property
    def stages(self) -> Sequence[str]:
        """Names of the stages that it reports."""
        ...

    def generate(self, request: RequestT_contra, work: Work) -> ResultT_co:
        """Makes what the request asks for: a frozen dataclass with a `provenance`."""
        ...

    def close(self) -> None:
        """Lets go of what it holds. Nothing is running any more."""
        ...


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
        self.version: Final = main.version
        self.stages: Final[tuple[str, ...]] = tuple(main.stages)
        self._main: Final = main
        self._load: Final = load_fallback
        self._lock: Final = threading.Lock()
        self._other: Engine[RequestT, ResultT] | None = None
        self._told: Final = fallback or "fallback"
        self.fallback: Final = fallback or self.load(Work()).name
        """Name of the other engine."""
        metrics.export_zeros_of_fallback(self.name, self.fallback, REASONS)

    def generate(self, request: RequestT, work: Work) -> ResultT:
        """What the main engine makes of the request, or else the other one.

        Raises:
            ServiceError: the failure of the main engine if it lies with the request or its caller, or if the other
                one does not know a field of the request; else that of the other engine.
        """
        held = _HeldBack(work)
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

    def named(self, name: str) -> Engine[RequestT, ResultT]:
        """The engine for a request that names one.

        Args:
            name: "" (whichever can), or one of `names`.
        """
        if not name:
            return self
        return _Other(self) if name == self.fallback else _Alone(self._main, self.fallback)

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
                self._other = _loaded(self._load, self._told)
            return self._other
        finally:
            self._lock.release()

    @property
    def names(self) -> tuple[str, ...]:
        """Names that a request may ask for."""
        return (self.name, self.fallback)

    def close(self) -> None:
        """Closes both."""
        try:
            self._main.close()
        finally:
            if self._other is not None:
                self._other.close()

    def _instead(self, request: RequestT, work: Work, failure: Exception) -> ResultT:
        work.check()
        reason = _reason(failure)
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
        note = f"{self.name} failed ({_in_words(failure)}): {self.fallback} made this"
        try:
            made = self.load(work).generate(request, work)
        except InvalidField as refused:
            raise _neither(failure, self.name, self.fallback, refused) from failure
        return _with_note(made, note)


class MissingEngine(Generic[RequestT, ResultT]):
    """Stands where an engine could not be loaded: whoever asks for it is told why."""

    version = "0"
    stages = ()

    def __init__(self, name: str, fault: ModelUnusable) -> None:
        """Will raise `fault` under the name of the engine that is missing."""
        self.name: Final = name
        # Not the fault itself: its traceback holds what was loaded of the model.
        self._message: Final = fault.message
        self._metadata: Final = dict(fault.metadata)

    def generate(self, request: RequestT, work: Work) -> NoReturn:
        """Makes nothing.

        Raises:
            ModelUnusable: always.
        """
        del request, work
        raise ModelUnusable(self._message, metadata=self._metadata)

    def close(self) -> None:
        """Nothing is held."""


def load_with_fallback(
    load_main: Callable[[], Engine[RequestT, ResultT]],
    load_fallback: Callable[[], Engine[RequestT, ResultT]] | None,
    *,
    name: str,
    fallback: str = "",
) -> Engine[RequestT, ResultT]:
    """The engine to serve: the main one, with the other behind it if one is named.

    Args:
        load_main: builds the engine that the settings name.
        load_fallback: builds the one that stands in for it; None: nobody does.
        name: name of the main engine, which is needed where it cannot be loaded.
        fallback: name of the other one; see `FallbackEngine`.

    Raises:
        ModelUnusable: the model of the main engine is missing or does not fit into memory, and nobody stands in.
    """
    if load_fallback is None or name == fallback:
        return _loaded(load_main, name)
    missing: MissingEngine[RequestT, ResultT] | None = None
    main: Engine[RequestT, ResultT] | None = None
    try:
        main = _loaded(load_main, name)
    except ModelUnusable as fault:
        _log.warning("engine %r cannot be loaded: %s; %r serves in its place", name, fault.message, fallback)
        missing = MissingEngine[RequestT, ResultT](name, fault)
    if main is None:
        # What was loaded before the failure hangs together in cycles.
        gc.collect()
        main = cast(Engine[RequestT, ResultT], missing)
    return FallbackEngine(main, load_fallback, fallback=fallback)


def names_of(engine: Engine[Any, Any]) -> tuple[str, ...]:
    """The names by which requests may ask for an engine: of two if one stands behind the other."""
    return engine.names if isinstance(engine, FallbackEngine) else (engine.name,)


def engine_named(engine: Engine[RequestT, ResultT], name: str) -> Engine[RequestT, ResultT]:
    """The engine for a request that names one of `names_of(engine)`, or none with ""."""
    return engine.named(name) if isinstance(engine, FallbackEngine) else engine


def may_fall_back(fault: Exception) -> bool:
    """Whether another engine should be asked after this failure."""
    if not isinstance(fault, ServiceError):
        return True
    if fault.reason == _STOPPING:
        return False
    return fault.code not in _FINAL or is_out_of_memory(fault)


class _Other(Generic[RequestT, ResultT]):
    """The other engine for a request that names it: loaded where the work is done, not where it is looked up."""

    def __init__(self, both: FallbackEngine[RequestT, ResultT]) -> None:
        self.name: Final = both.fallback
        self._both: Final = both

    @property
    def version(self) -> str:
        """Unknown ("0") until it is loaded."""
        return "0" if self._both.loaded is None else self._both.loaded.version

    @property
    def stages(self) -> Sequence[str]:
        """Unknown (none) until it is loaded."""
        return () if self._both.loaded is None else self._both.loaded.stages

    def generate(self, request: RequestT, work: Work) -> ResultT:
        return self._both.load(work).generate(request, work)

    def close(self) -> None:
        """The engine belongs to the pair."""


class _Alone(Generic[RequestT, ResultT]):
    """The main engine for a request that names it: its failure says that nobody else was asked."""

    def __init__(self, main: Engine[RequestT, ResultT], fallback: str) -> None:
        self.name: Final = main.name
        self.version: Final = main.version
        self.stages: Final = main.stages
        self._main: Final = main
        self._fallback: Final = fallback

    def generate(self, request: RequestT, work: Work) -> ResultT:
        try:
            return self._main.generate(request, work)
        except ServiceError as fault:
            if not may_fall_back(fault):
                raise
            raise ServiceError(
                fault.code,
                fault.reason,
                f"{fault.message} (the request names {self.name!r}: {self._fallback!r} was not asked)",
                retry_after=fault.retry_after,
                metadata={**fault.metadata, "fallback": self._fallback},
            ) from fault

    def close(self) -> None:
        self._main.close()


class _HeldBack(Work):
    """The same work with a share of its time, whose finished pieces of the result wait until they are let go."""

    def __init__(self, whole: Work) -> None:
        super().__init__()
        self._kept: Final = (whole.remaining() or 0.0) * (1 - _SHARE_OF_MAIN)
        self._whole: Final = whole
        self._items: Final[list[Item]] = []

    def report(self, event: Event) -> None:
        if isinstance(event, Item):
            self._items.append(event)
        else:
            self._whole.report(event)

    def let_go(self) -> None:
        for item in self._items:
            self._whole.report(item)

    def check(self) -> None:
        self._whole.check()
        super().check()

    def remaining(self) -> float | None:
        left = self._whole.remaining()
        return None if left is None else max(0.0, left - self._kept)

    def cancel(self) -> None:
        self._whole.cancel()

    @property
    def cancelled(self) -> bool:
        return self._whole.cancelled


def _loaded(load: Callable[[], Engine[RequestT, ResultT]], name: str) -> Engine[RequestT, ResultT]:
    try:
        return load()
    except Exception as fault:
        if isinstance(fault, ModelUnusable) or not is_out_of_memory(fault):
            raise
        # "from None" would still keep what was loaded alive, through the context.
        _log.debug("engine %r ran out of memory while it was loaded", name, exc_info=fault)
    raise ModelUnusable(f"there is not enough memory for engine {name!r}: choose a smaller model or another device")


def _neither(failure: Exception, main: str, fallback: str, refused: InvalidField) -> ServiceError:
    """The failure of the main engine, where the other one does not know what the request asks for."""
    also = f"{fallback!r} cannot take the request in its place: {refused.message}"
    if isinstance(failure, ServiceError):
        return ServiceError(
            failure.code,
            failure.reason,
            f"{failure.message} ({also})",
            retry_after=failure.retry_after,
            metadata={**failure.metadata, "fallback": fallback},
        )
    return ServiceError(
        Code.INTERNAL,
        "ENGINE_FAILED",
        f"{main!r} failed: {_in_words(failure)} ({also})",
        metadata={"fallback": fallback},
    )


def _reason(failure: Exception) -> str:
    if is_out_of_memory(failure):
        return "OUT_OF_MEMORY"
    if not isinstance(failure, ServiceError):
        return "ENGINE_FAILED"
    by_code = {Code.UNAVAILABLE: "UNAVAILABLE", Code.INTERNAL: "ENGINE_FAILED"}
    return failure.reason if failure.reason in REASONS else by_code.get(failure.code, "OTHER")


def _in_words(failure: Exception) -> str:
    """Why the main engine failed, fit for a card that may be published.

    What an unexpected exception says stays in the log, and so does where a model was looked for on this machine.
    """
    if isinstance(failure, ModelUnusable):
        return "its model cannot be used here"
    told = failure.message if isinstance(failure, ServiceError) else f"an unexpected {type(failure).__name__}"
    return told if len(told) <= _MAX_NOTE else told[: _MAX_NOTE - 1] + "…"


def _with_note(result: ResultT, note: str) -> ResultT:
    made: Any = result
    provenance: Provenance = made.provenance
    return dataclasses.replace(made, provenance=dataclasses.replace(provenance, notes=(*provenance.notes, note)))
