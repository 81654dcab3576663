"""Who joins the batch, who takes the next step and who waits: the rules of `postcards_serving.batching` as a value.

No threads, no clock, no states of rows here: a row is a number, given out in order of arrival, and the group that it
belongs to at present. Standard library only.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

_MOST_PATIENCE = 64
_MOST_WIDTHS = 64


class Seat(NamedTuple):
    """A row as the schedule knows it."""

    number: int
    """Its age: rows are numbered in order of arrival."""
    group: Hashable
    """Rows of equal group may share a step."""


@dataclass(frozen=True)
class Width:
    """How many rows of one group share a step, after a shared step of theirs has failed.

    It halves with each failure, and doubles after a number of full steps that itself doubles with each failure: a
    batch that never fits costs one failed step in `_MOST_PATIENCE`, and a single bad row is found in log2(rows) steps.
    """

    rows: int
    """The most rows of one step, at least 1."""
    patience: int = 1
    """Full steps that must succeed before the width doubles."""
    held: int = 0
    """Full steps that have succeeded at this width."""

    def after_failure(self, rows: int, *, lasting: bool) -> "Width":
        """When a step of `rows` rows, at least 2, has failed; `lasting` when it would fail again, e.g. for memory."""
        return Width(rows // 2, _MOST_PATIENCE if lasting else min(_MOST_PATIENCE, 2 * self.patience))

    def after_success(self, rows: int) -> "Width":
        """When a step of `rows` rows has succeeded."""
        if rows < self.rows:
            return self
        held = self.held + 1
        return replace(self, held=held) if held < self.patience else replace(self, rows=2 * self.rows, held=0)


class Full(Exception):  # noqa: N818  (a word of the domain, as in postcards_serving.errors)
    """As many rows are aboard and wait as may."""


@dataclass(frozen=True)
class Schedule:
    """The rows that wait and the rows aboard. Every method returns a new schedule.

    Fairness rests on one order: `aboard` is sorted by who has waited longest for a step. The first row decides which
    group takes the next step, and whoever has taken a step goes to the end. So a row sees at most as many successful
    steps of others between two of its own as there are rows before it, and with G groups aboard that share their steps
    whole, at most G - 1. Rows come aboard in order of arrival, whatever their group.
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
            Full: there is no place left.
        """
        if self.full:
            raise Full
        return replace(self, waiting=(*self.waiting, seat))

    @property
    def joining(self) -> tuple[Seat, ...]:
        """Who comes aboard at the next boundary: those who have waited longest."""
        return self.waiting[: self.max_rows - len(self.aboard)]

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
        return together if width is None else together[: width.rows]

    def stepped(self, turn: Collection[Seat], groups: Mapping[int, Hashable]) -> "Schedule":
        """After a step of `turn` that succeeded.

        Args:
            turn: who took it.
            groups: the rows of it that go on, each with the group that it belongs to from now on. The others leave.
        """
        group = next(iter(turn)).group
        again = tuple(
            seat if seat.group == groups[seat.number] else Seat(seat.number, groups[seat.number])
            for seat in sorted(turn)
            if seat.number in groups
        )
        width = self.widths.get(group)
        widths = self.widths if width is None else _noted(self.widths, group, width.after_success(len(turn)))
        rest = _others(self.aboard, {seat.number for seat in turn})
        return replace(self, aboard=rest + again, widths=widths)

    def narrowed(self, turn: Collection[Seat], *, lasting: bool) -> "Schedule":
        """After a shared step of `turn` that failed: its rows keep their turn and step in halves.

        Args:
            turn: who took it, at least two.
            lasting: the same number of rows would fail again, e.g. for memory.
        """
        group = next(iter(turn)).group
        width = self.widths.get(group, Width(self.max_rows))
        return replace(self, widths=_noted(self.widths, group, width.after_failure(len(turn), lasting=lasting)))

    def blamed(self, seat: Seat, *, lasting: bool) -> "Schedule":
        """After a row that failed alone has been found guilty: it leaves, and its group widens with the next steps.

        Args:
            seat: who took the step, alone.
            lasting: it failed for want of memory, say: the group stays narrow.
        """
        width = self.widths.get(seat.group)
        widths = self.widths if lasting or width is None else _noted(self.widths, seat.group, Width(width.rows))
        return replace(self, widths=widths).without({seat.number})


def _others(seats: Iterable[Seat], numbers: Collection[int]) -> tuple[Seat, ...]:
    return tuple(seat for seat in seats if seat.number not in numbers)


def _noted(widths: Mapping[Hashable, Width], group: Hashable, width: Width) -> dict[Hashable, Width]:
    """The widths with a new one; the one that has not changed for longest is forgotten when they are too many."""
    noted = {key: value for key, value in widths.items() if key != group} | {group: width}
    return dict(list(noted.items())[-_MOST_WIDTHS:])
