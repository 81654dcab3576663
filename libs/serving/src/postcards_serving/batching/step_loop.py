"""The rounds of an in-flight batch: some chores, a boundary at which rows leave and join, one shared step.

No thread of its own: `batching.in_flight` runs the rounds on its engine thread, tests run them one by one. Who
steps when is for `postcards_serving.batching.schedule` to say; here it is done, counted and logged.
"""

import logging
import math
import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

from prometheus_client import Gauge

from postcards_serving.batching.rows import Chore, Row, RowUpdate, as_told
from postcards_serving.batching.schedule import Full, Schedule, Seat, TooCostly
from postcards_serving.call_observer import tell_of_step
from postcards_serving.device.loss import tell_if_lost
from postcards_serving.device.memory import is_out_of_memory
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled, OutOfMemory, Overloaded, ServiceError
from postcards_serving.moving_average import MovingAverage
from postcards_serving.telemetry import metrics

StateT = TypeVar("StateT")
StateT_contra = TypeVar("StateT_contra", contravariant=True)

_LEAST_RETRY_SECONDS = 0.1
_EXPECTED_SECONDS = 2.0
"""Guess of a row's time aboard until the first has finished."""
_UNFELT_ROWS = 4
"""Rows whose callers are woken at the pace that they ask for; what more of them would take from the steps is felt."""
_MOST_STRETCH = 4.0
"""How much slower callers are woken at most, in a batch full of rows: news once a second still show life."""
_log = logging.getLogger(__name__)


class Stepper(Protocol[StateT]):
    """What an engine gives: its steps as pure functions of immutable states."""

    def group(self, state: StateT) -> Hashable:
        """Rows of equal group may share a step, e.g. those of one size. It may change from step to step."""
        ...

    def finished(self, state: StateT) -> bool:
        """Whether the state needs no further step."""
        ...

    def step(self, states: Sequence[StateT]) -> Sequence[StateT]:
        """The states after one step, in the same order; the engine thread alone calls it.

        The states, at least one, are of one group. Nothing else may change: after a failure the same states come
        again in other company. What it raises for a row alone ends that row.
        """
        ...


@runtime_checkable
class Weighing(Protocol[StateT_contra]):
    """A stepper whose rows take different amounts of memory."""

    def cost(self, state: StateT_contra) -> float:
        """What a row takes of the budget from its first step to its last, at least 0, e.g. its latent pixels."""
        ...


@runtime_checkable
class Reclaiming(Protocol):
    """A stepper that can let go of memory."""

    def reclaim(self) -> None:
        """Called on the engine thread after a step or chore for which there was not enough memory."""
        ...


class _Turn(NamedTuple, Generic[StateT]):
    """Who takes the next step."""

    seats: tuple[Seat, ...]
    rows: tuple[Row[StateT], ...]
    """In the order of `seats`."""


class StepLoop(Generic[StateT]):
    """All rows and chores of one batch.

    `enter`, `add` and `end_all` may be called from any thread, `round` from one.
    """

    def __init__(
        self,
        stepper: Stepper[StateT],
        schedule: Schedule,
        *,
        ring: Callable[[Sequence[Row[StateT]]], None],
        engine: str,
        clock: Callable[[], float],
    ) -> None:
        """Begins with nobody aboard.

        Args:
            stepper: see `InFlightBatch`.
            schedule: an empty one.
            ring: wakes the callers of rows that have news; must not block.
            engine: see `InFlightBatch`.
            clock: see `InFlightBatch`.
        """
        self.changed = threading.Condition(threading.RLock())
        """Guards the rows and their schedule; notified when there is more to do."""
        self._stepper = stepper
        self._weigh: Callable[[StateT], float] = _weighing(stepper)
        self._schedule = self._empty = schedule
        self._ring = ring
        self._engine = engine
        self._clock = clock
        self._rows: dict[int, Row[StateT]] = {}
        self._chores: deque[Chore[Any]] = deque()
        self._arrivals = 0
        self._step_seconds = 0.0
        self._average_aboard = MovingAverage(_EXPECTED_SECONDS)
        self._watch = _Watch(clock)
        self._series = metrics.batch_series(engine)
        self._export()

    @property
    def busy(self) -> bool:
        """Whether a round would do something."""
        return bool(self._rows or self._chores)

    def enter(self, state: StateT, work: Work, *, pace: float = 0.0) -> Row[StateT]:
        """Lets a row in; it comes aboard at the next boundary that has a place for it.

        Its caller is woken for news at most every `pace` seconds, less often when many rows are aboard.

        Raises:
            OutOfMemory: it would not fit even alone.
            Overloaded: as many rows wait as may.
        """
        group, cost = self._stepper.group(state), self._cost_of(state)
        with self.changed:
            seat = Seat(self._arrivals, group, cost)
            if self._schedule.full:
                # Those who have left during a long step hold no place against those who come.
                self._dismiss()
            try:
                self._schedule = self._schedule.entered(seat)
            except TooCostly:
                raise self._too_costly(cost) from None
            except Full:
                self._series.rejected.inc()
                raise self._overloaded() from None
            row = self._rows[seat.number] = Row(seat.number, state, work, pace=pace)
            self._arrivals += 1
            self.changed.notify()
        return row

    def add(self, chore: Chore[Any]) -> None:
        """Puts a chore at the end of those that wait."""
        with self.changed:
            self._chores.append(chore)
            self.changed.notify()

    def round(self) -> None:
        """Runs some chores, lets rows leave and join, and takes one step if anyone is aboard. Never waits."""
        self._run_chores()
        turn = self._boundary()
        if turn.seats:
            self._step(turn)

    def end_all(self, fault: ServiceError) -> None:
        """Ends every row with `fault`, and drops every chore."""
        with self.changed:
            self._end_rows(fault)
            while self._chores:
                self._chores.popleft().drop()

    def _run_chores(self) -> None:
        """At least one; more of those that wait by now until they have taken as long as the last step did."""
        spent = 0.0
        for _ in range(len(self._chores)):
            chore = self._next_chore()
            if chore is None:
                break
            begun = self._watch.begin()
            ran = chore.run()
            seconds = self._watch.end() - begun
            if ran:
                self._series.chore_seconds.observe(seconds)
                if chore.lacked_memory:
                    self._reclaim()
                spent += seconds
                if spent >= self._step_seconds:
                    break

    def _next_chore(self) -> Chore[Any] | None:
        with self.changed:
            return self._chores.popleft() if self._chores else None

    def _boundary(self) -> _Turn[StateT]:
        with self.changed:
            self._dismiss()
            now = self._clock()
            for seat in self._schedule.joining:
                self._rows[seat.number].boarded_at = now
            self._schedule = self._schedule.boarded()
            seats = self._schedule.turn()
            return _Turn(seats, tuple(self._rows[seat.number] for seat in seats))

    def _dismiss(self) -> None:
        """Ends the rows that nobody wants any more, aboard and waiting."""
        gone: list[Row[StateT]] = []
        for row in tuple(self._rows.values()):
            stop = row.stopped()
            if stop is not None:
                gone.append(row)
                outcome = "cancelled" if isinstance(stop, Cancelled) else "expired"
                self._end(row, RowUpdate(row.state, last=True, fault=stop), outcome)
        self._schedule = self._schedule.without({row.number for row in gone})
        self._ring(gone)

    def _step(self, turn: _Turn[StateT]) -> None:
        begun = self._watch.begin()
        try:
            states = self._stepper.step([row.state for row in turn.rows])
            if len(states) != len(turn.rows):
                raise RuntimeError(f"a step of {len(turn.rows)} rows gave {len(states)} states")
        # Whatever a step raises, even SystemExit, says something about the step and not about this thread.
        except BaseException as fault:
            self._watch.end()
            self._series.failed_steps.inc()
            self._settle_failure(turn, fault)
            return
        self._step_seconds = self._watch.end() - begun
        self._series.step_seconds.observe(self._step_seconds)
        self._series.step_rows.observe(len(turn.rows))
        tell_of_step([row.work.observer for row in turn.rows], self._step_seconds)
        self._settle(turn, states)

    def _settle(self, turn: _Turn[StateT], states: Sequence[StateT]) -> None:
        onward: dict[int, Hashable] = {}
        with self.changed:
            stretch = min(_MOST_STRETCH, max(1.0, len(self._schedule.aboard) / _UNFELT_ROWS))
            for row, state in zip(turn.rows, states, strict=True):
                # Its caller may have left during the step, or closing may have ended everything.
                if row.number not in self._rows:
                    continue
                row.state = state
                try:
                    finished = self._stepper.finished(state)
                    if not finished:
                        onward[row.number] = self._stepper.group(state)
                except Exception as fault:
                    self._fail(row, fault)
                    continue
                if finished:
                    self._average_aboard.take(self._clock() - row.boarded_at)
                    self._end(row, RowUpdate(state, last=True), "finished")
                else:
                    row.post(RowUpdate(state))
            now = self._clock()
            self._ring([row for row in turn.rows if row.number not in self._rows or row.due(now, stretch)])
            self._schedule = self._schedule.stepped(turn.seats, onward)

    def _settle_failure(self, turn: _Turn[StateT], fault: BaseException) -> None:
        if tell_if_lost(fault):
            # No part of the step would succeed, and no other step ever.
            _log.critical("the device of engine %r is lost; its rows end", self._engine, exc_info=fault)
            with self.changed:
                self._end_rows(as_told(fault))
            return
        lasting = is_out_of_memory(fault)
        seat, *company = turn.seats
        with self.changed:
            if company:
                _log.warning(
                    "a step of %d rows of engine %r failed; taking it in halves",
                    len(turn.seats),
                    self._engine,
                    exc_info=fault,
                )
                self._schedule = self._schedule.narrowed(turn.seats, lasting=lasting)
            else:
                self._schedule = self._schedule.blamed(seat, lasting=lasting)
                if seat.number in self._rows:
                    self._fail(self._rows[seat.number], fault)
                    self._ring(turn.rows)
        if lasting:
            as_told(fault)
            self._reclaim()

    def _reclaim(self) -> None:
        """After work for which there was not enough memory."""
        self._series.out_of_memory.inc()
        if isinstance(self._stepper, Reclaiming):
            try:
                self._stepper.reclaim()
            except Exception as fault:
                _log.warning("engine %r could not let go of memory", self._engine, exc_info=fault)

    def _end_rows(self, fault: ServiceError) -> None:
        rows = tuple(self._rows.values())
        for row in rows:
            self._end(row, RowUpdate(row.state, last=True, fault=fault), "failed")
        self._ring(rows)
        self._schedule = self._empty

    def _fail(self, row: Row[StateT], fault: BaseException) -> None:
        row.context.run(_log.error, "a row of engine %r failed", self._engine, exc_info=fault)
        self._end(row, RowUpdate(row.state, last=True, fault=as_told(fault)), "failed")

    def _end(self, row: Row[StateT], news: RowUpdate[StateT], outcome: str) -> None:
        del self._rows[row.number]
        self._series.ended[outcome].inc()
        row.post(news)

    def _cost_of(self, state: StateT) -> float:
        cost = self._weigh(state)
        if not 0 <= cost < math.inf:
            raise ValueError(f"the cost of a row must be a number of at least 0, not {cost}")
        return cost

    def _too_costly(self, cost: float) -> OutOfMemory:
        most = self._schedule.budget.most
        return OutOfMemory(
            f"this request needs {cost:g} units of memory of the engine, which has {most:g} in all",
            metadata={"cost": f"{cost:g}", "budget": f"{most:g}"},
        )

    def _overloaded(self) -> Overloaded:
        """With the time until a place falls free.

        Rows leave at a rate of their number over their mean time aboard; when all began together, the oldest is the
        first to leave.
        """
        now = self._clock()
        aboard = [self._rows[seat.number].boarded_at for seat in self._schedule.aboard]
        oldest = now - min(aboard, default=now)
        average = self._average_aboard.value
        return Overloaded(
            max(_LEAST_RETRY_SECONDS, average / max(1, len(aboard)), average - oldest),
            f"{len(self._schedule.waiting)} rows are waiting already",
            metadata={"max_waiting": str(self._schedule.max_waiting)},
        )

    def _export(self) -> None:
        """Lets every scrape ask for the present numbers, as long as there is a batch."""
        levels: tuple[tuple[Gauge, Callable[[StepLoop[StateT]], float]], ...] = (
            (self._series.rows, lambda loop: len(loop._schedule.aboard)),
            (self._series.waiting, lambda loop: len(loop._schedule.waiting)),
            (self._series.chores_waiting, lambda loop: len(loop._chores)),
            (self._series.present_step, lambda loop: loop._watch.elapsed()),
            (self._series.budget, lambda loop: loop._schedule.budget.limit),
            (self._series.cost, lambda loop: loop._schedule.load),
        )
        whose = weakref.ref(self)
        for gauge, level in levels:
            gauge.set_function(lambda level=level: 0.0 if (loop := whose()) is None else level(loop))


def _weighing(stepper: Stepper[StateT]) -> Callable[[StateT], float]:
    """How a stepper weighs its rows: all alike where it does not say."""
    return cast(Weighing[StateT], stepper).cost if isinstance(stepper, Weighing) else lambda _: 1.0


class _Watch:
    """Seconds since what runs now began; read by any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun: float | None = None

    def begin(self) -> float:
        """Starts it; the time."""
        self._begun = now = self._clock()
        return now

    def end(self) -> float:
        """Stops it; the time."""
        self._begun = None
        return self._clock()

    def elapsed(self) -> float:
        """Seconds; 0 while nothing runs."""
        begun = self._begun
        return 0.0 if begun is None else self._clock() - begun
