"""Runs the calls of a synchronous engine on worker threads, as streams of events on the event loop.

The loop stays free for health checks and other calls, whatever the engine does. Reports of the engine reach the stream
through a mailbox that never blocks it: when the consumer is slow, previews and outdated progress are dropped, results
never.
"""

import asyncio
import contextlib
import contextvars
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from postcards_serving.call_observer import CallObserver, unobserved
from postcards_serving.device.loss import tell_if_lost
from postcards_serving.device.memory import is_out_of_memory
from postcards_serving.engine.admission import Admission, Ticket
from postcards_serving.engine.work import Event, Preview, Progress, Work
from postcards_serving.errors import Cancelled, DeadlineExceeded, DeviceLost, OutOfMemory, ServiceError
from postcards_serving.telemetry import metrics

ResultT = TypeVar("ResultT")

_MAX_BACKLOG = 64
"""Reports kept for a slow consumer before the ones that may be dropped are."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finished(Generic[ResultT]):
    """The engine is done."""

    result: ResultT
    """What it made."""


class Executor:
    """Worker threads for one engine, behind an admission."""

    def __init__(
        self,
        max_in_flight: int = 1,
        admission: Admission | None = None,
        *,
        engine: str = "",
        stages: Sequence[str] = (),
        observe: Callable[[str], CallObserver] = unobserved,
    ) -> None:
        """Lets `max_in_flight` calls run at once, each on a thread.

        Args:
            max_in_flight: calls that run at once; at least 1.
            admission: who may begin; the executor sets its number of places. Default: a queue of 32.
            engine: name of the engine in metrics.
            stages: names of its stages, whose metrics appear as zero from the start.
            observe: who looks on at a call that begins now, given the name of the engine.

        Raises:
            ValueError: as `resize`.
        """
        self._admission = admission or Admission()
        self._engine = engine
        self._observe = observe
        self.resize(max_in_flight)
        self._running: set[asyncio.Future[Any]] = set()
        metrics.export_zeros_of_engine(engine, stages)

    def resize(self, max_in_flight: int) -> None:
        """Lets `max_in_flight` calls run at once from now on; those that run are not touched. On any thread.

        Raises:
            ValueError: `max_in_flight` is less than 1.
        """
        if max_in_flight < 1:
            raise ValueError(f"max_in_flight must be at least 1, not {max_in_flight}")
        # The threads that were there end by themselves, each after its call: nobody holds them any more.
        self._threads = ThreadPoolExecutor(max_in_flight, thread_name_prefix=f"engine-{self._engine}")
        self._admission.places = max_in_flight

    async def run(
        self, call: Callable[[Work], ResultT], *, timeout: float | None = None
    ) -> AsyncGenerator[Event | Finished[ResultT], None]:
        """Yields what the engine reports, in order, and at last `Finished`.

        While the call waits for its turn, yields `Progress(stage="queued")` whenever its position changes. Closing the
        generator cancels the work: wrap it in `contextlib.aclosing` so that this happens at once. The place of a
        cancelled call falls free when the engine comes to its next `work.check()`.

        Args:
            call: runs on a worker thread; raises what it likes, which is raised here again.
            timeout: seconds from now for the queue and the work together; None for no limit.

        Raises:
            Overloaded: the queue is full.
            DeadlineExceeded: `timeout` is over.
        """
        mailbox = _Mailbox(asyncio.get_running_loop())
        observer = self._observe(self._engine)
        steps = _StepTimer(self._engine, mailbox.put, observer)
        work = Work(steps, timeout=timeout, observer=observer)
        ticket = self._admission.enter()
        waited = ticket.waiting is not None
        try:
            while (waiting := ticket.waiting) is not None:
                yield Progress(
                    "queued", queue_position=waiting.position, predicted_wait=round(waiting.predicted_wait, 3)
                )
                await ticket.moved(work.remaining())
            observer.begin(waited=waited)
            future = self._begin(call, work, steps, ticket)
        except TimeoutError:
            _leave(ticket, observer)
            raise DeadlineExceeded("the deadline of the call passed while it waited in the queue") from None
        except BaseException:
            _leave(ticket, observer)
            raise
        future.add_done_callback(mailbox.close)
        try:
            while (event := await mailbox.take(work.remaining())) is not None:
                yield event
            yield Finished(future.result())
        except TimeoutError:
            raise DeadlineExceeded from None
        finally:
            work.cancel()

    async def drain(self, timeout: float) -> bool:
        """Waits until no engine call is running, at most `timeout` seconds. Whether that came true."""
        if self._running:
            await asyncio.wait(self._running, timeout=timeout)
        return not self._running

    def _begin(
        self, call: Callable[[Work], ResultT], work: Work, steps: "_StepTimer", ticket: Ticket
    ) -> "asyncio.Future[ResultT]":
        context = contextvars.copy_context()
        future = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: context.run(lambda: _contained(call, work, steps))
        )
        self._running.add(future)
        begun = time.monotonic()

        def ended(done: "asyncio.Future[ResultT]") -> None:
            self._running.discard(done)
            ticket.leave()
            fault = done.exception()
            outcome = "done" if fault is None else "cancelled" if _is_stop(fault) else "failed"
            metrics.PART_SECONDS.labels(self._engine, outcome).observe(time.monotonic() - begun)
            work.observer.end(outcome, type(fault).__name__ if outcome == "failed" else "")
            if fault is not None and work.cancelled and outcome == "failed":
                _log.warning("the engine failed after its caller had gone", exc_info=fault)

        future.add_done_callback(ended)
        return future


def _leave(ticket: Ticket, observer: CallObserver) -> None:
    """Gives up the wait for a place."""
    ticket.leave()
    observer.give_up()


def _contained(call: Callable[[Work], ResultT], work: Work, steps: "_StepTimer") -> ResultT:
    """Runs the engine; what would end the process or confuse the event loop leaves as an ordinary exception."""
    try:
        return call(work)
    except StopIteration as fault:
        raise RuntimeError("the engine raised StopIteration") from fault
    except ServiceError:
        raise
    except Exception as fault:
        if is_out_of_memory(fault):
            raise OutOfMemory from fault
        if tell_if_lost(fault):
            raise DeviceLost from fault
        raise
    except BaseException as fault:
        raise RuntimeError(f"the engine raised {type(fault).__name__}") from fault
    finally:
        steps.finish()


def _is_stop(fault: BaseException) -> bool:
    return isinstance(fault, Cancelled | DeadlineExceeded)


class _StepTimer:
    """Passes reports on and measures each step: from the report that begins it to the next, or to the end."""

    def __init__(self, engine: str, listener: Callable[[Event], None], observer: CallObserver) -> None:
        self._observer = observer
        self._engine = engine
        self._listener = listener
        self._lock = threading.Lock()
        self._stage: str | None = None
        self._begun = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._turn_to(event.stage)
        self._listener(event)

    def finish(self) -> None:
        """Ends the present step."""
        self._turn_to(None)

    def _turn_to(self, stage: str | None) -> None:
        now = time.monotonic()
        with self._lock:
            ended, seconds = self._stage, now - self._begun
            self._stage, self._begun = stage, now
            self._observer.turn_to(stage)
        if ended is not None:
            metrics.STEP_SECONDS.labels(self._engine, ended).observe(seconds)


class _Mailbox:
    """Carries events from a worker thread to the event loop.

    The thread never waits. A long backlog loses its oldest preview, or else its oldest progress.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._woken = False
        self._closed = False

    def put(self, event: Event) -> None:
        """Called by the worker thread."""
        with self._lock:
            self._events.append(event)
            if len(self._events) > _MAX_BACKLOG:
                self._drop_one()
            if self._woken:
                return
            self._woken = True
        # A loop that has been closed has no one left to read.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._arrived.set)

    def close(self, _: object = None) -> None:
        """Called on the loop when nothing more will come."""
        self._closed = True
        self._arrived.set()

    async def take(self, timeout: float | None) -> Event | None:
        """The next event; None when all have been taken and nothing more will come.

        Raises:
            TimeoutError: nothing has come within `timeout` seconds.
        """
        while True:
            with self._lock:
                if self._events:
                    return self._events.popleft()
                self._woken = False
                self._arrived.clear()
            if self._closed:
                return None
            async with asyncio.timeout(timeout):
                await self._arrived.wait()

    def _drop_one(self) -> None:
        for kind in (Preview, Progress):
            for index, event in enumerate(self._events):
                if isinstance(event, kind) and index < len(self._events) - 1:
                    del self._events[index]
                    return
