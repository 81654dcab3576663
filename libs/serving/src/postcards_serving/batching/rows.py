"""What passes between the engine thread of a batch and the threads of its callers. Standard library only."""

import contextlib
import contextvars
import math
import queue
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar

from postcards_serving.device.loss import is_device_lost, tell_if_lost
from postcards_serving.device.memory import is_out_of_memory
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled, Code, DeviceLost, EngineFailed, OutOfMemory, ServiceError

StateT = TypeVar("StateT")
ResultT = TypeVar("ResultT")

_FAILED = "the engine failed at a step of this request"


class RowUpdate(NamedTuple, Generic[StateT]):
    """What has become of a row."""

    state: StateT
    """After its newest step."""
    last: bool = False
    """Whether nothing more will come."""
    fault: Exception | None = None
    """Why it ended unfinished."""


class Row(Generic[StateT]):
    """A state on its way through the steps.

    The engine thread alone moves it on and posts news; its caller alone takes them. Only the newest news are kept: a
    slow caller misses states in between, never the last, and never holds the engine thread up.
    """

    def __init__(self, number: int, state: StateT, work: Work, *, pace: float = 0.0) -> None:
        """Begins before the first step; its caller wants to be woken at most every `pace` seconds, and at the end."""
        self.number = number
        self.state = state
        self.work = work
        self.context = contextvars.copy_context()
        self.boarded_at = 0.0
        self._pace = pace
        self._rung_at = -math.inf
        self._left = False
        self._newest: deque[RowUpdate[StateT]] = deque(maxlen=1)
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def stopped(self) -> ServiceError | None:
        """Why nobody wants it any more; None while somebody does."""
        if self._left:
            return Cancelled("the caller of the row has left")
        try:
            self.work.check()
        except ServiceError as stop:
            return stop
        return None

    def leave(self) -> None:
        """Called when nobody will take news any more."""
        self._left = True

    def post(self, news: RowUpdate[StateT]) -> None:
        """Leaves news. Called by the engine thread, which rings later. Never blocks."""
        self._newest.append(news)

    def due(self, now: float, stretch: float = 1.0) -> bool:
        """Whether its caller wants to be woken at `now`, and then counts as woken. Called by the engine thread.

        Its pace is `stretch` times as slow as it asked for.
        """
        due = now - self._rung_at >= self._pace * stretch
        if due:
            self._rung_at = now
        return due

    def ring(self) -> None:
        """Wakes the caller to take the news. Called by any thread. Never blocks."""
        self._bell.put(None)

    def take(self, timeout: float) -> RowUpdate[StateT] | None:
        """The newest news that have not been taken, at most `timeout` seconds after the call; None without news."""
        # The bell is a hint: it also rings for news that are taken already, or have been replaced by newer ones.
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=timeout)
        with contextlib.suppress(IndexError):
            return self._newest.popleft()
        return None


def as_told(fault: BaseException) -> ServiceError:
    """What a caller is told of a fault of the engine; the cause stays with it for the log.

    Of a fault for memory only the words stay: its traceback would hold on to what it could not find room for.
    """
    short, lost = is_out_of_memory(fault), is_device_lost(fault)
    if isinstance(fault, ServiceError) and not ((short or lost) and fault.code is Code.INTERNAL):
        return fault
    if short:
        _release_frames(fault)
    told = OutOfMemory() if short else DeviceLost() if lost else EngineFailed(_FAILED)
    told.__cause__ = fault
    return told


def _release_frames(fault: BaseException) -> None:
    seen: list[BaseException] = []
    chain: BaseException | None = fault
    while chain is not None and chain not in seen:
        traceback.clear_frames(chain.__traceback__)
        seen.append(chain)
        chain = chain.__cause__ or chain.__context__


class CallerWaker:
    """Rings the bells of many rows on a thread of its own.

    To wake a thread costs several microseconds; those of 64 rows would hold the next step up.
    """

    _FEW = 4

    def __init__(self) -> None:
        """Takes what is to be rung from now on; `live` does it."""
        self._rounds: queue.SimpleQueue[Sequence[Row[Any]] | None] = queue.SimpleQueue()

    def ring(self, rows: Sequence[Row[Any]]) -> None:
        """Sees to it that the callers of these rows wake soon. Never blocks."""
        if len(rows) > self._FEW:
            self._rounds.put(rows)
            return
        for row in rows:
            row.ring()

    def live(self) -> None:
        """The life of the thread: rings until `stop` is called."""
        while (rows := self._rounds.get()) is not None:
            for row in rows:
                row.ring()

    def stop(self) -> None:
        """Ends the thread once everything before has been rung."""
        self._rounds.put(None)


class Chore(Generic[ResultT]):
    """A piece of work for the engine thread between two steps."""

    def __init__(self, call: Callable[[], ResultT], work: Work) -> None:
        """Remembers what to call, and in which context."""
        self._call = call
        self._work = work
        self._context = contextvars.copy_context()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.outcome: Future[ResultT] = Future()
        self.outcome.add_done_callback(lambda _: self.ring())
        self.lacked_memory = False
        """Whether it ran and had not enough memory."""

    def ring(self) -> None:
        """Wakes the caller to look after it. Called by any thread. Never blocks."""
        self._bell.put(None)

    def settled(self, timeout: float) -> bool:
        """Whether its outcome is there, at most `timeout` seconds after the call, sooner when it is rung."""
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=timeout)
        return self.outcome.done()

    def run(self) -> bool:
        """Runs it on the engine thread, unless nobody wants it any more. Whether it ran. Never raises."""
        if not self.outcome.set_running_or_notify_cancel():
            return False
        try:
            self._work.check()
        except Exception as stop:
            self.outcome.set_exception(stop)
            return False
        try:
            self.outcome.set_result(self._context.run(self._call))
        except BaseException as fault:
            self.lacked_memory = is_out_of_memory(fault)
            self.outcome.set_exception(as_told(fault) if self.lacked_memory or tell_if_lost(fault) else fault)
        return True

    def drop(self) -> None:
        """Tells whoever waits for the outcome that there will be none."""
        self.outcome.cancel()
        self.outcome.set_running_or_notify_cancel()
