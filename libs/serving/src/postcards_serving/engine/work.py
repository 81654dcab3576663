"""What an engine is handed and what it hands back, beside its own request and result.

Standard library only. The field names of `Progress`, `Preview` and `Provenance` are those of `postcards.media.v1`, so
that `postcards_serving.rpc.messages` translates them without a table.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from postcards_serving.call_observer import UNOBSERVED, CallObserver
from postcards_serving.errors import Cancelled, DeadlineExceeded


@dataclass(frozen=True)
class Progress:
    """How far a piece of work has come. Report it when a stage or step begins."""

    stage: str = field(metadata={"min_length": 1, "max_length": 64})
    """Name of the present stage, lower case, e.g. "skeleton"."""
    step: int = field(default=0, metadata={"ge": 0, "le": 2**32 - 1})
    """Steps finished of the whole work, 0 to `steps`."""
    steps: int = field(default=0, metadata={"ge": 0, "le": 2**32 - 1})
    """Steps of the whole work; 0 while unknown."""
    fraction: float = field(default=0.0, metadata={"ge": 0, "le": 1})
    """Finished share of the whole work."""
    queue_position: int = field(default=0, metadata={"ge": 0, "le": 2**32 - 1})
    """Requests before this one in the queue; 0 once the work has begun."""
    predicted_wait: float | None = field(default=None, metadata={"ge": 0})
    """Expected seconds until the work begins; None once it has begun."""
    text: str = ""
    """Text that the work has brought forth so far, where it is text."""


@dataclass(frozen=True)
class Preview:
    """A small picture of unfinished work. May be dropped on its way."""

    stage: str = field(metadata={"min_length": 1, "max_length": 64})
    """Stage that it shows, e.g. "skin"."""
    content_type: str = field(metadata={"min_length": 1, "max_length": 128})
    """Media type of `data`, e.g. "image/webp"."""
    data: bytes = field(metadata={"min_length": 1, "max_length": 262_144})
    """The encoded picture."""


@dataclass(frozen=True)
class Item:
    """A finished piece of a result that comes in pieces (e.g. one phrase of several). Never dropped."""

    value: object
    """The piece."""


Event = Progress | Preview | Item
"""What an engine may report while it works."""


@dataclass(frozen=True)
class Provenance:
    """Everything needed to make a part again."""

    engine: str = field(metadata={"min_length": 1, "max_length": 64})
    """Engine that made the part, e.g. "creature"."""
    engine_version: str = field(metadata={"min_length": 1, "max_length": 64})
    """Results of one version and the same inputs are equal within the engine's tolerance."""
    model: str = field(default="", metadata={"max_length": 512})
    """Hub id or name of the model; empty for engines that compute."""
    model_revision: str = field(default="", metadata={"max_length": 512})
    """Revision or hash of the model's files; empty for engines that compute."""
    device: str = field(default="", metadata={"max_length": 256})
    """Device that did the work, e.g. "cpu"."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str], metadata={"max_length": 1_000})
    """Every setting that took part, defaults filled in; values are JSON (see `json_settings`)."""
    libraries: Mapping[str, str] = field(default_factory=dict[str, str], metadata={"max_length": 1_000})
    """Versions of the libraries that matter for the result, by package name."""
    notes: tuple[str, ...] = field(default=(), metadata={"max_length": 100, "item_max_length": 2_000})
    """What was done otherwise than asked, in plain words."""
    model_files: Mapping[str, str] = field(default_factory=dict[str, str], metadata={"max_length": 1_000})
    """SHA-256 of every file of the model that took part, by path within the model."""
    usage: Mapping[str, float] = field(default_factory=dict[str, float], metadata={"max_length": 100})
    """What the making consumed, by unit: "prompt_tokens", "completion_tokens", "cost_usd"."""


def json_settings(**settings: object) -> dict[str, str]:
    """Settings for `Provenance.settings`: each value as compact JSON with sorted keys.

    Raises:
        TypeError: a value has no JSON form.
        ValueError: a number is not finite.
    """
    return {
        name: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        for name, value in settings.items()
    }


@dataclass(frozen=True)
class Blob:
    """Bytes with a name: one file of a result."""

    name: str
    """Name within the result, e.g. "image.png"."""
    content_type: str
    """Media type, e.g. "image/png"."""
    data: bytes = field(repr=False, metadata={"wire": False})
    """The bytes, at least one. They travel in chunks, never in the message that names the blob."""

    @property
    def size_bytes(self) -> int:
        """How many bytes `data` has."""
        return len(self.data)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes, lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()


def _discard(_: Event) -> None:
    """Where reports go that nobody listens to."""


class Work:
    """One piece of work as its engine sees it: where to report, and whether to go on.

    Safe to use from any thread. `Work()` without arguments runs an engine outside a server: nobody listens, nobody
    cancels, no deadline.
    """

    def __init__(
        self,
        listener: Callable[[Event], None] = _discard,
        *,
        timeout: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        observer: CallObserver = UNOBSERVED,
    ) -> None:
        """Begins a piece of work.

        Args:
            listener: takes every report, on the engine's thread; must not block.
            timeout: seconds from now until the work is no longer wanted; None for no limit.
            clock: seconds that never go back.
            observer: is told of the steps that it takes in a batch.
        """
        self.observer = observer
        self._listener = listener
        self._clock = clock
        self._deadline = None if timeout is None else clock() + timeout
        self._cancelled = threading.Event()
        self._wakers: list[Callable[[], None]] = []

    def report(self, event: Event) -> None:
        """Tells the caller how far the work is. Returns at once, whoever listens."""
        self._listener(event)

    def check(self) -> None:
        """Call it between steps.

        Raises:
            Cancelled: the caller has gone.
            DeadlineExceeded: the time is over.
        """
        if self._cancelled.is_set():
            raise Cancelled
        remaining = self.remaining()
        if remaining is not None and remaining <= 0:
            raise DeadlineExceeded

    def remaining(self) -> float | None:
        """Seconds left, 0 when the time is over; None when there is no limit."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    def cancel(self) -> None:
        """Asks the engine to stop at its next `check`, and wakes whoever waits on its behalf."""
        self._cancelled.set()
        for wake in tuple(self._wakers):
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Generator[None]:
        """Within, `wake` is called when the work is cancelled; at once if it is cancelled already.

        The thread that cancels calls it, so it must not block. It may be called more than once.
        """
        self._wakers.append(wake)
        # Whoever cancels between the two lines finds the waker; whoever cancelled before is seen here.
        if self.cancelled:
            wake()
        try:
            yield
        finally:
            self._wakers.remove(wake)

    @property
    def cancelled(self) -> bool:
        """Whether the caller has gone."""
        return self._cancelled.is_set()
