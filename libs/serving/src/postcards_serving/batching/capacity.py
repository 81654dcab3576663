"""How many rows of a batch the memory of a device holds: measured once, when an engine is loaded."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from postcards_serving.device.choice import Device
from postcards_serving.device.loss import is_device_lost
from postcards_serving.device.memory import free_memory, give_back_cached, is_out_of_memory, watch_peak
from postcards_serving.telemetry.logging import fields

USUAL_ROWS: Final = 4
"""Rows that share a step where neither a person nor a measurement says how many."""

_SPARED = 0.15
"""Share of the free memory that is kept for its fragments, and for what else takes some meanwhile."""
_MOST_HELD = 64
"""Rows beyond which nobody asks what the memory holds."""
_MIB = 2**20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchCapacity:
    """How many rows of the usual size go together."""

    rows: int
    """Rows that share a step, at least 1."""
    held: int
    """Rows that the memory holds, at least `rows`: the budget of the batch, in rows of the usual size."""


@dataclass(frozen=True)
class Peaks:
    """The most memory that pieces of work took at once, in bytes."""

    one: int
    """A step of one row."""
    two: int
    """A step of two rows."""
    between: int
    """The largest piece of work between two steps; 0 where it does not fit even without rows."""


def rows_that_fit(free: int, peaks: Peaks) -> int:
    """Rows, at least 1, whose step should fit into `free` bytes while what lies between steps keeps its place.

    Each row beyond the first takes what the second took; what is left of the first is taken once, whatever the rows.
    """
    each = max(1, peaks.two - peaks.one)
    once = max(0, peaks.one - each)
    return max(1, (int(free * (1 - _SPARED)) - once - peaks.between) // each)


def find_capacity(
    device: Device,
    asked: int,
    *,
    engine: str,
    most: int,
    step: Callable[[int], object],
    between: Callable[[], object],
) -> BatchCapacity:
    """How many rows share a step: as many as a person says; on CUDA as many as fit; elsewhere the usual number.

    What was measured is tried before it is told, so that a step which takes more than the first two promised is found
    here and not by requests. Takes some steps; call it when everything else of the engine has its place on the device.

    Args:
        device: where the steps are taken.
        asked: rows that a person asks for; 0: nobody does.
        engine: its name, for the log.
        most: rows beyond which a step takes longer by as much as it does more.
        step: takes one step of so many rows of the usual size, for nothing.
        between: does the largest piece of work between two steps, for nothing.
    """
    if asked:
        return BatchCapacity(asked, asked)
    if device.kind != "cuda":
        return BatchCapacity(USUAL_ROWS, USUAL_ROWS)
    peaks = _measured(engine, device, step, between)
    give_back_cached(device)
    if peaks is None:
        return _row_by_row(engine, f"{device.description} has no memory for two at once")
    free = free_memory(device)
    if free is None:
        return _row_by_row(engine, f"{device.description} does not say how much of its memory is free")
    held = min(_MOST_HELD, rows_that_fit(free, peaks))
    while held > 1 and not _fits(device, step, held, needed=held <= most):
        # What is held above `most` is never aboard: half of it may be less than a step that is taken, and works.
        held = max(held // 2, most) if held > most else held // 2
    give_back_cached(device)
    return _told(engine, device, BatchCapacity(min(most, held), held), free, peaks)


def _measured(
    engine: str, device: Device, step: Callable[[int], object], between: Callable[[], object]
) -> Peaks | None:
    """None where there is not even memory enough for two rows."""
    try:
        # What libraries take at the first step, they keep: it is no part of the others.
        step(1)
        one, two = _peak(device, lambda: step(1)), _peak(device, lambda: step(2))
    except Exception as fault:
        if not is_out_of_memory(fault):
            raise
        return None
    return Peaks(one, two, _peak_if_it_fits(engine, device, between))


def _peak_if_it_fits(engine: str, device: Device, work: Callable[[], object]) -> int:
    """0 where it does not fit even without rows: room kept for it would be kept for nothing."""
    try:
        return _peak(device, work)
    except Exception as fault:
        if not is_out_of_memory(fault):
            raise
        _log.warning(
            "%s has no memory for what engine %r does between steps, unless in pieces", device.description, engine
        )
        return 0


def _peak(device: Device, work: Callable[[], object]) -> int:
    with watch_peak(device) as peak:
        work()
    return peak.bytes or 0


def _fits(device: Device, step: Callable[[int], object], rows: int, *, needed: bool) -> bool:
    """Whether a step of so many rows can be taken; only one that is `needed` must not fail for other reasons."""
    try:
        step(rows)
    except Exception as fault:
        if not is_out_of_memory(fault) and (needed or is_device_lost(fault)):
            raise
        short = True
    else:
        short = False
    if short:
        # Only now has the fault let go of what did fit.
        give_back_cached(device)
    return not short


def _row_by_row(engine: str, reason: str) -> BatchCapacity:
    """The least room, once the log has why."""
    _log.warning("engine %r steps row by row: %s", engine, reason)
    return BatchCapacity(1, 1)


def _told(engine: str, device: Device, room: BatchCapacity, free: int, peaks: Peaks) -> BatchCapacity:
    """The room, once the log has it."""
    _log.info(
        "up to %d rows of engine %r share a step: the memory holds %d",
        room.rows,
        engine,
        room.held,
        extra=fields(
            device=device.description,
            free_mib=free // _MIB,
            mib_of_one_row=peaks.one // _MIB,
            mib_of_two_rows=peaks.two // _MIB,
            mib_between_steps=peaks.between // _MIB,
        ),
    )
    return room
