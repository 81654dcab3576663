"""What is shown of a run, in a terminal and elsewhere, by a clock of our own."""

import io
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_image.training.report.progress import Progress


@dataclass
class Moment:
    """A step."""

    loss: float
    fraction: float


class Clock:
    """Seconds that pass when we say so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen(io.StringIO):
    """What a terminal of so many columns shows in the end, row by row."""

    def __init__(self, columns: int = 120) -> None:
        super().__init__()
        self.columns = columns

    def rows(self) -> list[str]:
        rows = [""]
        for part in re.findall(r"\r\x1b\[K|\n|[^\r\n\x1b]+", self.getvalue()):
            if part == "\n":
                rows.append("")
            elif part.startswith("\r"):
                rows[-1] = ""
            else:
                rows[-1] += part
                while len(rows[-1]) > self.columns:
                    rows[-1:] = [rows[-1][: self.columns], rows[-1][self.columns :]]
        return rows


def shown(terminal: bool, columns: int = 120) -> tuple[Progress, Screen, Clock]:
    clock, screen = Clock(), Screen(columns)
    return Progress(screen, terminal=terminal, clock=clock, columns=lambda: columns), screen, clock


def test_elsewhere_a_line_comes_now_and_then():
    progress, stream, clock = shown(terminal=False)
    for step in range(121):
        clock.now = 100.0 + step
        progress.step(Moment(0.5, step / 240), 32 * (step + 1), 180 - step)
    assert stream.getvalue().splitlines() == [
        "  0% · 32 images · loss 0.500 · next sheet in 3 min 00 s",
        " 12% · 992 images · 32 images/s · loss 0.500 · 3 min 30 s left · next sheet in 2 min 30 s",
        " 25% · 1.95 k images · 32 images/s · loss 0.500 · 3 min 00 s left · next sheet in 2 min 00 s",
        " 38% · 2.91 k images · 32 images/s · loss 0.500 · 2 min 30 s left · next sheet in 1 min 30 s",
        " 50% · 3.87 k images · 32 images/s · loss 0.500 · 2 min 00 s left · next sheet in 1 min 00 s",
    ]


def test_in_a_terminal_one_row_is_written_over():
    progress, screen, clock = shown(terminal=True)
    for step in range(41):
        clock.now = 100.0 + step
        progress.step(Moment(0.25, step / 80), 10 * step, 20)
    (row,) = screen.rows()
    assert row == (
        "  " + "━" * 14 + "─" * 14 + "  50% · 400 images · 10 images/s · loss 0.250 · 40 s left · next sheet in 20 s"
    )


def test_a_terminal_is_not_written_to_more_often_than_eyes_follow():
    progress, screen, clock = shown(terminal=True)
    for step in range(1000):
        clock.now = 100.0 + step / 1000
        progress.step(Moment(0.25, step / 2000), step, 20)
    assert screen.getvalue().count("\r") <= 6


@given(columns=st.integers(1, 200), fraction=st.floats(0, 1), seconds=st.floats(0, 1e6), seen=st.integers(0, 10**9))
def test_the_bar_stays_in_one_row_of_any_terminal(columns, fraction, seconds, seen):
    progress, screen, clock = shown(terminal=True, columns=columns)
    for more in (0, seconds):
        clock.now += more
        progress.step(Moment(1.0, fraction * (more > 0)), seen * (more > 0), 30)
    assert len(screen.rows()) == 1
    assert screen.rows()[0].strip()


def test_a_line_of_its_own_comes_above_the_bar():
    progress, screen, clock = shown(terminal=True)
    progress.step(Moment(1, 0), 0, 9)
    progress.say("  drew a sheet")
    clock.now += 0.01
    progress.step(Moment(1, 0.5), 10, 9)
    first, second = screen.rows()
    assert first == "  drew a sheet"
    assert " 50% " in second


def test_reading_is_shown_in_terminals_only():
    progress, screen, _ = shown(terminal=True)
    for done in range(1, 1235):
        progress.reading(done, 1234)
    assert screen.rows() == ["  reading 1,234 of 1,234 pictures"]
    progress.say("  read")
    assert screen.rows() == ["  read", ""]

    progress, stream, _ = shown(terminal=False)
    progress.reading(50, 100)
    assert stream.getvalue() == ""


def test_one_bad_step_does_not_bend_the_loss_that_is_shown():
    progress, stream, clock = shown(terminal=False)
    for step in range(60):
        clock.now += 1
        progress.step(Moment(50.0 if step == 29 else 1.0, step / 60), step, 0)
    shown_losses = [float(value) for value in re.findall(r"loss ([\d.]+)", stream.getvalue())]
    assert shown_losses[0] == 1
    assert all(value < 3 for value in shown_losses)


def test_a_run_that_is_resumed_tells_its_own_speed():
    progress, stream, clock = shown(terminal=False)
    for step in range(41):
        progress.step(Moment(1.0, 0.5 + step / 80), 1_000_000 + step, 0)
        clock.now += 1
    assert "1 images/s · loss 1.000 · 10 s left" in stream.getvalue()


def test_no_terminal_is_found_where_there_is_none():
    stream = io.StringIO()
    Progress(stream).step(Moment(1, 0), 5, 0)
    assert "\x1b" not in stream.getvalue()
    wide = Screen()
    Progress(wide, terminal=True).step(Moment(1, 0), 5, 0)
    assert 0 < len(wide.rows()[0]) < 80


@pytest.mark.parametrize("next_sheet", [-5.0, 0.0])
def test_a_sheet_that_is_due_is_due_now(next_sheet):
    progress, stream, _ = shown(terminal=False)
    progress.step(Moment(1, 0), 5, next_sheet)
    assert stream.getvalue().endswith("next sheet in 0 s\n")
