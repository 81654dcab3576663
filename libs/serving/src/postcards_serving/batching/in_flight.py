"""Steps the rows of many calls together: one engine thread, rows that join and leave between two steps.

An engine that denoises in steps describes one step as a pure function of row states (`Stepper`). Its calls, each on a
thread of its own, hand their state to the one `InFlightBatch` of the engine and follow it through the steps; whatever
they do with a state (progress, previews, files) happens on their own threads. Needs neither gRPC nor protobuf.
"""

import concurrent.futures
import logging
import math
import threading
import time
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from postcards_serving.batching.memory_budget import Budget
from postcards_serving.batching.rows import CallerWaker, Chore, Row, RowUpdate, as_told
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop, Stepper, Weighing
from postcards_serving.engine.work import Work
from postcards_serving.errors import Stopping

__all__ = ["InFlightBatch", "Stepper"]

StateT = TypeVar("StateT")
ResultT = TypeVar("ResultT")

_PATROL_SECONDS = 2.0
"""How often a caller looks by itself whether the engine thread still lives. Whatever else concerns it wakes it."""
_CLOSE_SECONDS = 30.0

_log = logging.getLogger(__name__)

MOST_WAITING = 1024
"""Rows that may wait for a place, if nobody says otherwise."""


class InFlightBatch(Generic[StateT]):
    """The rows of all calls of one engine on their way through the steps."""

    def __init__(
        self,
        stepper: Stepper[StateT],
        *,
        max_rows: int,
        max_waiting: int = MOST_WAITING,
        budget: float | None = None,
        engine: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepares an empty batch; its thread begins with the first call.

        Args:
            stepper: the engine's step. Where it also has `cost(state)` (see `step_loop.Weighing`), rows come aboard
                while their costs keep within `budget`; where it has `reclaim()`, it is called when memory was short.
            max_rows: rows in flight at once, of all groups together; at least 1.
            max_waiting: rows that may wait for a place; at least 0. The default is for engines behind an
                executor, which lets fewer in.
            budget: what the rows in flight may cost together, greater than 0; default: whatever `max_rows` cost. It
                falls when memory is short, and recovers slowly.
            engine: name of the engine in metrics and logs.
            clock: seconds that never go back.

        Raises:
            ValueError: a limit makes no sense.
        """
        self._stepper = stepper
        self._engine = engine
        self._bells = CallerWaker()
        if budget is None:
            budget = math.inf if isinstance(stepper, Weighing) else max(1, max_rows)
        schedule = Schedule(max_rows, max_waiting, budget=Budget.of(budget))
        self._loop = StepLoop(stepper, schedule, ring=self._bells.ring, engine=engine, clock=clock)
        self._thread: threading.Thread | None = None
        self._closing = False
        self._ended = False

    def follow(self, state: StateT, work: Work, *, pace: float = 0.0) -> Generator[StateT]:
        """Yields the newest state after steps, the finished one last; blocks the calling thread in between.

        The row enters when the first state is asked for. Who asks slowly misses states in between. Closing the
        iterator, as leaving a `for` loop over it does, takes the row out at the next boundary between steps.

        Args:
            state: where to begin; when it is finished already it is all that is yielded.
            work: whose call this is; looked after at every boundary, also while the row waits.
            pace: least seconds between two states, the finished one aside; up to four times as many when the batch
                is full of rows. Each state wakes a thread, which takes the interpreter from the engine thread in the
                middle of its step: ask for no more than is passed on.

        Raises:
            Cancelled: the caller has gone.
            DeadlineExceeded: the time of the call is over.
            Overloaded: as many rows wait as may; says when one of them is expected to come aboard.
            OutOfMemory: the row costs more than the whole budget, or its step had not enough memory even alone.
            EngineFailed: a step failed for this row alone.
            ServiceError: what `step` raised for this row alone, when it is one.
            Unavailable: the batch is closing.
        """
        work.check()
        row = self._enter(state, work, pace)
        if row is None:
            yield state
            return
        try:
            with work.waking(row.ring):
                last = False
                while not last:
                    news = self._await_news(row)
                    last = news.last
                    if news.fault is not None:
                        raise news.fault
                    yield news.state
        finally:
            row.leave()

    def between_steps(self, chore: Callable[[], ResultT], work: Work) -> ResultT:
        """Runs a piece of work on the engine thread between two steps, e.g. text encoding; its result.

        At each boundary at least one chore runs, and more of those that wait until they have taken as long as the last
        step took: steps and chores that both press get half of the time each. Cut long work into several chores. A
        chore that asks for another runs it at once. Calls that are in flight while the batch closes may still ask.

        Raises:
            Cancelled: the caller has gone.
            DeadlineExceeded: the time of the call is over; a chore that runs meanwhile comes to its end for nothing.
            Unavailable: the batch is closed.
            OutOfMemory: there was not enough memory for the chore.
            BaseException: whatever else the chore raises.
        """
        work.check()
        if threading.current_thread() is self._thread:
            return chore()
        errand = Chore(chore, work)
        with self._loop.changed:
            self._summon()
            self._loop.add(errand)
        try:
            with work.waking(errand.ring):
                return self._await_outcome(errand, work)
        except concurrent.futures.CancelledError:
            raise Stopping() from None
        finally:
            errand.outcome.cancel()

    def close(self, timeout: float = _CLOSE_SECONDS) -> None:
        """Turns new rows away, lets those that have entered finish, and ends the thread. More than once does no harm.

        Args:
            timeout: seconds to wait; after them the thread is left to itself, and whoever still waits is told.
        """
        with self._loop.changed:
            self._closing = True
            thread = self._thread
            self._ended = self._ended or thread is None
            self._loop.changed.notify()
        if thread is None:
            return
        thread.join(timeout)
        if thread.is_alive():
            _log.error("a step of engine %r has not ended within %g seconds; leaving it", self._engine, timeout)
            with self._loop.changed:
                self._ended = True
                self._loop.end_all(Stopping())

    def _enter(self, state: StateT, work: Work, pace: float) -> Row[StateT] | None:
        """The row of a state; None when it is finished already."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a step or chore must not follow a row: the engine thread would wait for itself")
        with self._loop.changed:
            if self._closing:
                raise Stopping()
            if self._stepper.finished(state):
                return None
            self._summon()
            return self._loop.enter(state, work, pace=pace)

    def _await_news(self, row: Row[StateT]) -> RowUpdate[StateT]:
        while True:
            alive = self._is_alive()
            news = row.take(_patience(row.work))
            if news is not None and news.last:
                return news
            row.work.check()
            if news is not None:
                return news
            if not alive:
                raise Stopping()

    def _await_outcome(self, errand: Chore[ResultT], work: Work) -> ResultT:
        while True:
            alive = self._is_alive()
            if errand.settled(_patience(work)):
                return errand.outcome.result()
            work.check()
            if not alive:
                raise Stopping()

    def _summon(self) -> None:
        """Makes sure, under the lock, that a thread serves what is left for it."""
        if self._ended:
            raise Stopping()
        if not self._is_alive():
            self._thread = threading.Thread(target=self._live, name=f"batch-{self._engine}", daemon=True)
            self._thread.start()

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _live(self) -> None:
        """The life of the engine thread. A fault of the rounds themselves ends the rows, not the thread."""
        threading.Thread(target=self._bells.live, name=f"bells-{self._engine}", daemon=True).start()
        try:
            while self._await_something():
                try:
                    self._loop.round()
                except BaseException as fault:
                    _log.critical("the batch of engine %r failed; its rows end", self._engine, exc_info=fault)
                    self._loop.end_all(as_told(fault))
        finally:
            self._bells.stop()

    def _await_something(self) -> bool:
        """Waits until there is something to do; False when there never will be."""
        loop = self._loop
        with loop.changed:
            while not (loop.busy or self._closing):
                loop.changed.wait()
            self._ended = not loop.busy
            return loop.busy


def _patience(work: Work) -> float:
    """Seconds to wait for the engine thread before looking after the call."""
    remaining = work.remaining()
    return _PATROL_SECONDS if remaining is None else min(_PATROL_SECONDS, remaining)
