"""How far a run is, on standard error: a bar in a terminal, a line now and then elsewhere."""

import os
import sys
import time
from collections.abc import Callable
from typing import Final, Protocol, TextIO

from postcards_image.training.report.lettering import amount, duration

_SMOOTHING = 0.03
_SECONDS_BETWEEN_LINES = 30.0
_BAR = 28
_LEAST_BAR = 6
_COLUMNS = 80
_LEAST_SHARE = 1e-9
_REFRESH_SECONDS = 0.2


class Moment(Protocol):
    """What is shown of a step: the fields of `events.Stepped` that are needed here."""

    @property
    def loss(self) -> float:
        """Loss of the step."""
        ...

    @property
    def fraction(self) -> float:
        """Finished share of the run, 0 to 1."""
        ...


class Progress:
    """Shows the steps of one run."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        terminal: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] | None = None,
    ) -> None:
        """Shows on `stream` (default: standard error), as a bar where that is a terminal, `columns` wide."""
        self._stream: Final = stream or sys.stderr
        self._columns: Final = columns or self._terminal_columns
        self._terminal: Final = self._stream.isatty() if terminal is None else terminal
        self._clock: Final = clock
        self._begun = clock()
        self._shown_at = -1e9
        self._first: tuple[float, int, float] | None = None
        self._loss: float | None = None
        self._open = False

    def step(self, moment: Moment, images_seen: int, next_sheet: float) -> None:
        """One more step is done.

        Args:
            moment: the step.
            images_seen: images learned from so far.
            next_sheet: seconds until the next sample sheet.
        """
        self._loss = moment.loss if self._loss is None else self._loss + _SMOOTHING * (moment.loss - self._loss)
        now = self._clock()
        if self._first is None:
            self._first = (now, images_seen, moment.fraction)
        if now - self._shown_at < (_REFRESH_SECONDS if self._terminal else _SECONDS_BETWEEN_LINES):
            return
        self._shown_at = now
        text = self._text(self._first, moment.fraction, images_seen, now, next_sheet)
        if self._terminal:
            self._stream.write("\r\x1b[K" + _fitted(text, moment.fraction, self._columns()))
            self._open = True
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        if self._open:
            self._stream.write("\r\x1b[K")
            self._open = False
        self._stream.write(line + "\n")
        self._stream.flush()
        self._shown_at = -1e9 if self._terminal else self._shown_at

    def reading(self, done: int, count: int) -> None:
        """Photographs are being read."""
        if self._terminal and (done == count or done % 50 == 0):
            self._stream.write(f"\r\x1b[K  reading {done:,} of {count:,} pictures")
            self._stream.flush()
            self._open = True

    def _text(
        self, first: tuple[float, int, float], fraction: float, images_seen: int, now: float, next_sheet: float
    ) -> str:
        begun, before, share = first
        seconds = now - begun
        parts = [f"{100 * fraction:3.0f}%", f"{amount(images_seen)} images"]
        if seconds > 0:
            parts.append(f"{(images_seen - before) / seconds:.0f} images/s")
        parts.append(f"loss {self._loss:.3f}")
        if fraction - share > _LEAST_SHARE and seconds > 1:
            parts.append(f"{duration(seconds / (fraction - share) * (1 - fraction))} left")
        parts.append(f"next sheet in {duration(max(0.0, next_sheet))}")
        return " · ".join(parts)

    def _terminal_columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            return _COLUMNS


def _fitted(text: str, fraction: float, columns: int) -> str:
    """The bar and its text in one row of a terminal: a row that breaks could not be written over."""
    room = max(1, columns - 1)
    bar = min(_BAR, room - len(text) - 3)
    if bar < _LEAST_BAR:
        return text if len(text) <= room else text[: room - 1] + "…"
    filled = round(bar * fraction)
    return f"  {'━' * filled}{'─' * (bar - filled)} {text}"
