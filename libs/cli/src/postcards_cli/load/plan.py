"""What a load run asks, and how much of it when: stages, targets and their shares. Pure."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

TARGETS = ("composer", "image", "audio", "language")
"""What may be asked: whole postcards, or one of the parts directly."""

DEFAULT_SECONDS = 30.0
"""Length of a stage where neither a length nor a count was given."""

MOST_CALLERS = 1024
MOST_RATE = 10_000.0

Spacing = Literal["poisson", "constant"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|min|h|)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Callers:
    """A closed loop: callers who each wait for their answer before they ask again."""

    first: int
    """How many there are at the beginning. 1 to 1024."""
    last: int
    """How many there are at the end; they come in evenly over the stage. Not below `first`."""

    def __str__(self) -> str:
        if self.first != self.last:
            return f"{self.first} to {self.last} callers"
        return "1 caller" if self.first == 1 else f"{self.first} callers"


@dataclass(frozen=True)
class Rate:
    """An open loop: requests that come at their own pace, whatever became of those before."""

    first: float
    """Requests a second at the beginning. Above 0, at most 10000."""
    last: float
    """Requests a second at the end; the rate moves evenly over the stage."""
    spacing: Spacing = "poisson"
    """Whether they come by chance, as many strangers do, or evenly."""

    def __str__(self) -> str:
        return f"{self.first:g}/s" if self.first == self.last else f"{self.first:g} to {self.last:g}/s"


Pressure = Callers | Rate


@dataclass(frozen=True)
class Stage:
    """A time in which one pressure is kept up. Ends after `seconds` or `count` requests, whichever comes first."""

    pressure: Pressure
    seconds: float | None
    """How long requests are begun; None: until there are `count`."""
    count: int | None
    """How many requests are begun; None: as many as there is time for."""
    counted: bool = True
    """Whether it takes part in totals and goals; a warm-up does not."""

    @property
    def name(self) -> str:
        """What a table calls it."""
        return str(self.pressure) if self.counted else "warm-up"


@dataclass(frozen=True)
class Plan:
    """Everything that decides about a run: its stages, and what is asked of whom."""

    stages: tuple[Stage, ...]
    """One after the other; each begins when every request of the one before has ended."""
    mix: Mapping[str, float]
    """Share of each target, above 0; they need not sum to 1."""
    seed: int
    """Decides about arrivals, targets, themes and the seeds of what is made."""
    deadline: float
    """Seconds that a request may take."""
    themes: tuple[str, ...] = ()
    """Each request has one of them."""
    outstanding: int = 1000
    """No more requests of an open loop are under way at once; those that come then are not sent, and counted."""
    retry: bool = False
    """Whether requests that were refused or cut come again, as the server says, until their deadline."""
    settings: Mapping[str, float] = field(default_factory=dict[str, float])
    """What is asked of the parts: any of `width`, `height`, `image_steps`, `seconds`."""


class PlanError(ValueError):
    """What was given cannot be planned. The message is one line for people."""


def parse_seconds(text: str) -> float:
    """Seconds of "30", "30s", "250ms", "2m", "1h". Raises `PlanError` when it is none, or not above 0."""
    match = _DURATION.fullmatch(text.strip().lower())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds < math.inf:
        raise PlanError(f"{text!r} is no length of time: write e.g. 30s, 2m or 250ms")
    return seconds


def parse_rate(text: str) -> float:
    """Requests a second of "5", "5/s", "30/min". Raises `PlanError` when it is none, or out of range."""
    number, slash, unit = text.strip().lower().partition("/")
    per = _UNITS.get(unit.strip(), 0.0) if slash else 1.0
    rate = _number(number) / per if per else 0.0
    if not 0 < rate <= MOST_RATE:
        raise PlanError(f"{text!r} is no rate: write e.g. 5/s or 30/min, at most {MOST_RATE:g}/s")
    return rate


def parse_mix(text: str) -> dict[str, float]:
    """Shares of "image=3,language=1"; a name alone has share 1. Raises `PlanError` when it cannot be read."""
    mix: dict[str, float] = {}
    for entry in text.split(","):
        name, equals, share_text = entry.partition("=")
        name = name.strip().lower()
        share = _number(share_text) if equals else 1.0
        if name not in TARGETS:
            raise PlanError(f"{name!r} is not one of {', '.join(TARGETS)}")
        if name in mix:
            raise PlanError(f"{name} comes twice")
        if not 0 < share < math.inf:
            raise PlanError(f"the share of {name} must be above 0")
        mix[name] = share
    return mix


def parse_ramp(text: str, spacing: Spacing = "poisson") -> tuple[Pressure, ...]:
    """The pressures of a ramp.

    "1,2,4,8" are stages of so many callers, "1-8" is one stage in which they come in one after the other; with "/s" or
    "/min" at the end the numbers are rates: "1,2,4/s", "0.5-4/s". Raises `PlanError` when it cannot be read.
    """
    numbers, slash, unit = text.partition("/")
    steps = [entry.strip() for entry in numbers.split(",")]
    return tuple(_pressure(step, slash + unit, spacing) for step in steps)


def callers(first: int, last: int | None = None) -> Callers:
    """So many callers. Raises `PlanError` where that is not possible."""
    last = first if last is None else last
    if not 1 <= first <= MOST_CALLERS or not 1 <= last <= MOST_CALLERS:
        raise PlanError(f"there can be 1 to {MOST_CALLERS} callers")
    if last < first:
        raise PlanError("callers can come, not go: write e.g. 1-8")
    return Callers(first, last)


def stages(
    pressures: Sequence[Pressure], *, seconds: float | None, count: int | None, warm_up: int = 0
) -> tuple[Stage, ...]:
    """A stage for every pressure, each of `seconds` and at most `count` requests; before them `warm_up` requests.

    Raises `PlanError` where a stage that changes its pressure has no length.
    """
    if seconds is None and count is None:
        seconds = DEFAULT_SECONDS
    for pressure in pressures:
        if seconds is None and pressure.first != pressure.last:
            raise PlanError(f"how long the ramp of {pressure} takes must be said")
    counted = tuple(Stage(pressure, seconds, count) for pressure in pressures)
    if not warm_up:
        return counted
    return (Stage(Callers(1, 1), None, warm_up, counted=False), *counted)


def _pressure(step: str, unit: str, spacing: Spacing) -> Pressure:
    first, dash, last = step.partition("-")
    if not dash:
        last = first
    if unit:
        return Rate(parse_rate(first + unit), parse_rate(last + unit), spacing)
    try:
        return callers(int(first), int(last))
    except PlanError:
        raise
    except ValueError:
        raise PlanError(f"{step!r} is no number of callers: write e.g. 1,2,4,8 or 1-8, or 1,2,4/s for rates") from None


def _number(text: str) -> float:
    """A plain number, or 0."""
    try:
        return float(text)
    except ValueError:
        return 0.0
