"""What an engine with another one behind it is made of: either of the two for who names it, and a share of the time."""

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final, Generic, NoReturn, Protocol, TypeVar

from postcards_serving.device.memory import is_out_of_memory
from postcards_serving.engine.protocol import Engine
from postcards_serving.engine.work import Event, Item, Work
from postcards_serving.errors import ModelUnusable, ServiceError
from postcards_serving.fallback.faults import may_fall_back

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")
RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)

_SHARE_OF_MAIN = 0.8
"""How much of the remaining time the main engine may use up, so that some is left for the other one."""

_log = logging.getLogger(__name__)


class Pair(Protocol[RequestT_contra, ResultT_co]):
    """A main engine and another one behind it, of which either may be replaced or loaded later."""

    fallback: str
    """Name of the other engine."""

    @property
    def main(self) -> Engine[RequestT_contra, ResultT_co]:
        """The main engine, as it is now."""
        ...

    @property
    def loaded(self) -> Engine[RequestT_contra, ResultT_co] | None:
        """The other engine, if it has been needed yet."""
        ...

    def load(self, work: Work) -> Engine[RequestT_contra, ResultT_co]:
        """The other engine, loaded where it has not been."""
        ...


class MissingEngine(Generic[RequestT, ResultT]):
    """Stands where an engine could not be loaded: whoever asks for it is told why."""

    version = "0"
    stages = ()

    def __init__(self, name: str, fault: ModelUnusable, requests_at_once: int | None = None) -> None:
        """Will raise `fault` under the name of the engine that is missing, which may do `requests_at_once`."""
        self.name: Final = name
        self.requests_at_once: Final = requests_at_once
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
        """An engine that is missing holds nothing to let go of."""


class NamedFallback(Generic[RequestT, ResultT]):
    """The other engine for a request that names it: loaded where the work is done, not where it is looked up."""

    def __init__(self, both: Pair[RequestT, ResultT]) -> None:
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

    @property
    def requests_at_once(self) -> int | None:
        """Unknown (None) until it is loaded."""
        return None if self._both.loaded is None else self._both.loaded.requests_at_once

    def generate(self, request: RequestT, work: Work) -> ResultT:
        """What it makes, once it is loaded."""
        return self._both.load(work).generate(request, work)

    def close(self) -> None:
        """The engine belongs to the pair."""


class NamedMain(Generic[RequestT, ResultT]):
    """The main engine for a request that names it: its failure says that nobody else was asked."""

    def __init__(self, name: str, both: Pair[RequestT, ResultT]) -> None:
        self.name: Final = name
        self._both: Final = both

    @property
    def version(self) -> str:
        """That of the main engine, as it is now."""
        return self._both.main.version

    @property
    def stages(self) -> Sequence[str]:
        """Those of the main engine, as it is now."""
        return self._both.main.stages

    @property
    def requests_at_once(self) -> int | None:
        """As many as the main engine does."""
        return self._both.main.requests_at_once

    def generate(self, request: RequestT, work: Work) -> ResultT:
        """What it makes, or its own failure."""
        try:
            return self._both.main.generate(request, work)
        except ServiceError as fault:
            if not may_fall_back(fault):
                raise
            raise ServiceError(
                fault.code,
                fault.reason,
                f"{fault.message} (the request names {self.name!r}: {self._both.fallback!r} was not asked)",
                retry_after=fault.retry_after,
                metadata={**fault.metadata, "fallback": self._both.fallback},
            ) from fault

    def close(self) -> None:
        """The engine belongs to the pair."""


class WorkOfMain(Work):
    """The same work with a share of its time, whose finished pieces of the result wait until they are let go."""

    def __init__(self, whole: Work) -> None:
        super().__init__(observer=whole.observer)
        self._kept: Final = (whole.remaining() or 0.0) * (1 - _SHARE_OF_MAIN)
        self._whole: Final = whole
        self._items: Final[list[Item]] = []

    def report(self, event: Event) -> None:
        """Passes on all but finished pieces."""
        if isinstance(event, Item):
            self._items.append(event)
        else:
            self._whole.report(event)

    def let_go(self) -> None:
        """Passes on the finished pieces: the engine has succeeded."""
        for item in self._items:
            self._whole.report(item)

    def check(self) -> None:
        """Ends the work where the caller has gone, or the share of the time is used up."""
        self._whole.check()
        super().check()

    def remaining(self) -> float | None:
        """Seconds of the share that are left; None: no deadline."""
        left = self._whole.remaining()
        return None if left is None else max(0.0, left - self._kept)

    def cancel(self) -> None:
        """Cancels the whole work, whose share this is."""
        self._whole.cancel()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Generator[None]:
        """Within, `wake` is called when the whole is cancelled."""
        with self._whole.waking(wake):
            yield

    @property
    def cancelled(self) -> bool:
        """Whether the whole is."""
        return self._whole.cancelled


def loaded(load: Callable[[], Engine[RequestT, ResultT]], name: str) -> Engine[RequestT, ResultT]:
    """What `load` builds.

    Raises:
        ModelUnusable: the model cannot be used, or there is not enough memory for it.
    """
    try:
        return load()
    except Exception as fault:
        if isinstance(fault, ModelUnusable) or not is_out_of_memory(fault):
            raise
        # "from None" would still keep what was loaded alive, through the context.
        _log.debug("engine %r ran out of memory while it was loaded", name, exc_info=fault)
    raise ModelUnusable(f"there is not enough memory for engine {name!r}: choose a smaller model or another device")
