"""Who joins the batch, who takes the next step and who waits: the rules of the in-flight batch as a value.

No threads, no clock, no states of rows here: a row is a number, given out in order of arrival, and the group that it
belongs to at present. Standard library only.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from postcards_serving.batching.memory_budget import PATIENCE_WITH_INNOCENTS, ROUNDING, Budget, Width

_MOST_WIDTHS = 64


class Seat(NamedTuple):
    """A row as the schedule knows it."""

    number: int
    """Its age: rows are numbered in order of arrival."""
    group: Hashable
    """Rows of equal group may share a step."""
    cost: float = 1.0
    """What it takes of the budget while it is aboard, at least 0."""


class Full(Exception):  # noqa: N818  (a word of the domain, as in postcards_serving.errors)
    """As many rows are aboard and wait as may."""


class TooCostly(Exception):  # noqa: N818
    """The row would not fit even if it were alone."""


@dataclass(frozen=True)
class Schedule:
    """The rows that wait and the rows aboard. Every method returns a new schedule.

    Fairness rests on one order: `aboard` is sorted by who has waited longest for a step. The first row decides which
    group takes the next step, and whoever has taken a step goes to the end. So a row sees at most as many successful
    steps of others between two of its own as there are rows before it, and with G groups aboard that share their steps
    whole, at most G - 1. Rows come aboard in order of arrival, whatever their group and cost: nobody overtakes a row
    that waits until the budget has room for it, so that it waits no longer than for those aboard to leave.
    """

    max_rows: int
    """Rows aboard at once, of all groups together; at least 1."""
    max_waiting: int
    """Rows that may wait for a place aboard; at least 0."""
    waiting: tuple[Seat, ...] = ()
    """In order of arrival."""
    aboard: tuple[Seat, ...] = ()
    """In order of turn."""
    widths: Mapping[Hashable, Width] = field(default_factory=dict[Hashable, Width])
    """Of the groups that have failed together."""
    budget: Budget = field(default_factory=Budget)
    """What the rows aboard may cost together."""

    def __post_init__(self) -> None:
        """Refuses limits that make no sense.

        Raises:
            ValueError: `max_rows` is less than 1 or `max_waiting` less than 0.
        """
        if self.max_rows < 1:
            raise ValueError(f"max_rows must be at least 1, not {self.max_rows}")
        if self.max_waiting < 0:
            raise ValueError(f"max_waiting must be at least 0, not {self.max_waiting}")

    @property
    def full(self) -> bool:
        """Whether neither aboard nor in the queue is a place left."""
        return len(self.aboard) + len(self.waiting) >= self.max_rows + self.max_waiting

    def entered(self, seat: Seat) -> "Schedule":
        """With one more row at the end of those that wait; its number is higher than any before.

        Raises:
            TooCostly: it will never fit.
            Full: there is no place left.
        """
        if seat.cost > self.budget.most * ROUNDING:
            raise TooCostly
        if self.full:
            raise Full
        return replace(self, waiting=(*self.waiting, seat))

    @property
    def joining(self) -> tuple[Seat, ...]:
        """Who comes aboard at the next boundary: those who have waited longest, as far as places and budget go.

        Onto an empty board a row always comes: the budget may have fallen below what it costs.
        """
        candidates = self.waiting[: self.max_rows - len(self.aboard)]
        if not candidates:
            return ()
        load = self.load
        for count, seat in enumerate(candidates):
            if (count or self.aboard) and not self.budget.admits(seat.cost, load):
                return candidates[:count]
            load += seat.cost
        return candidates

    @property
    def load(self) -> float:
        """What the rows aboard cost together."""
        return _cost(self.aboard)

    def boarded(self) -> "Schedule":
        """With everybody aboard for whom there is a place."""
        joining = self.joining
        if not joining:
            return self
        return replace(self, waiting=self.waiting[len(joining) :], aboard=self.aboard + joining)

    def without(self, numbers: Collection[int]) -> "Schedule":
        """Without these rows, wherever they are."""
        if not numbers:
            return self
        return replace(self, waiting=_others(self.waiting, numbers), aboard=_others(self.aboard, numbers))

    def turn(self) -> tuple[Seat, ...]:
        """Who takes the next step; empty when nobody is aboard."""
        if not self.aboard:
            return ()
        group = self.aboard[0].group
        together = tuple(seat for seat in self.aboard if seat.group == group)
        width = self.widths.get(group)
        fitting = together if width is None else together[: width.rows]
        # Only where the budget has fallen while they were aboard do they cost more than it.
        return fitting if self.budget.limit >= self.budget.most else self._affordable(fitting)

    def stepped(self, turn: Collection[Seat], groups: Mapping[int, Hashable]) -> "Schedule":
        """After a step of `turn` that succeeded.

        Args:
            turn: who took it.
            groups: the rows of it that go on, each with the group that it belongs to from now on. The others leave.
        """
        group = next(iter(turn)).group
        again = tuple(
            seat if seat.group == groups[seat.number] else seat._replace(group=groups[seat.number])
            for seat in sorted(turn)
            if seat.number in groups
        )
        width = self.widths.get(group)
        widths = self.widths if width is None else _noted(self.widths, group, width.after_success(len(turn)))
        rest = _others(self.aboard, {seat.number for seat in turn})
        fallen = self.budget.limit < self.budget.most
        budget = self.budget.after_success(self.load) if fallen else self.budget
        return replace(self, aboard=rest + again, widths=widths, budget=budget)

    def narrowed(self, turn: Collection[Seat], *, lasting: bool) -> "Schedule":
        """After a shared step of `turn` that failed: its rows keep their turn and step in halves.

        Args:
            turn: who took it, at least two.
            lasting: the same number of rows would fail again, e.g. for memory.
        """
        group = next(iter(turn)).group
        width = self.widths.get(group, Width(self.max_rows))
        return replace(
            self,
            widths=_noted(self.widths, group, width.after_failure(len(turn), lasting=lasting)),
            budget=self.budget.after_failure(_cost(turn)) if lasting else self.budget,
        )

    def blamed(self, seat: Seat, *, lasting: bool) -> "Schedule":
        """After a row that failed alone has been found guilty: it leaves, and its group widens with the next steps.

        Args:
            seat: who took the step, alone.
            lasting: it failed for want of memory, say: its group stays narrow for a few steps more.
        """
        width = self.widths.get(seat.group)
        widths = self.widths
        if width is not None:
            patience = PATIENCE_WITH_INNOCENTS if lasting else 1
            widths = _noted(self.widths, seat.group, Width(width.rows, patience))
        budget = self.budget.after_failure_alone(seat.cost) if lasting else self.budget
        return replace(self, widths=widths, budget=budget).without({seat.number})

    def _affordable(self, seats: tuple[Seat, ...]) -> tuple[Seat, ...]:
        """The first seats, at least one, as far as the budget goes."""
        spent = seats[0].cost
        for count, seat in enumerate(seats[1:], 1):
            if not self.budget.admits(seat.cost, spent):
                return seats[:count]
            spent += seat.cost
        return seats


def _cost(seats: Iterable[Seat]) -> float:
    return sum(seat.cost for seat in seats)


def _others(seats: Iterable[Seat], numbers: Collection[int]) -> tuple[Seat, ...]:
    return tuple(seat for seat in seats if seat.number not in numbers)


def _noted(widths: Mapping[Hashable, Width], group: Hashable, width: Width) -> dict[Hashable, Width]:
    """The widths with a new one; the one that has not changed for longest is forgotten when they are too many."""
    noted = {key: value for key, value in widths.items() if key != group} | {group: width}
    return dict(list(noted.items())[-_MOST_WIDTHS:])
