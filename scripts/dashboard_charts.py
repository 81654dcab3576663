"""What a drawn graph is made of: values in words, stacks, round numbers for an axis, and lines and areas as SVG."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

STEPS = 240
"""Points of a line."""


@dataclass(frozen=True)
class Span:
    """The time that is shown, in seconds since 1970."""

    begin: float
    end: float

    @property
    def step(self) -> float:
        """Time between two points."""
        return (self.end - self.begin) / STEPS

    @property
    def times(self) -> list[float]:
        """The points."""
        return [self.begin + i * self.step for i in range(STEPS + 1)]


@dataclass(frozen=True)
class Series:
    """One line: a value for each point of time, None where there is none."""

    name: str
    color: str
    values: list[float | None]
    dashed: bool = False

    def calc(self, name: str) -> float | None:
        """What a column of the legend says of it."""
        there = [value for value in self.values if value is not None]
        if not there:
            return None
        found = {"mean": sum(there) / len(there), "max": max(there), "min": min(there), "lastNotNull": there[-1]}
        return found[name]


def worded(value: float | None, unit: str, decimals: int | None = None) -> str:
    """A value with its unit, as short as Grafana writes it."""
    if value is None:
        return "-"
    match unit:
        case "percentunit":
            return f"{_short(value * 100, decimals, 3)}%"
        case "bytes":
            power = min(int(math.log(max(abs(value), 1), 1024)), 4)
            return f"{_short(value / 1024**power, decimals, 3)} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"
        case "s":
            for size, name in ((86400, "days"), (3600, "hours"), (60, "min")):
                if abs(value) >= size:
                    return f"{_short(value / size, decimals, 3)} {name}"
            return (
                f"{_short(value * 1000, decimals, 3)} ms" if 0 < abs(value) < 1 else f"{_short(value, decimals, 3)} s"
            )
        case "currencyUSD":
            return f"${_short(value, decimals, 3)}"
        case "reqps":
            return f"{_short(value, decimals, 3)} req/s"
        case _ if unit.startswith("suffix:"):
            return f"{_short(value, decimals, 3)}{unit.removeprefix('suffix:')}"
        case _:
            return _short(value, decimals, 3)


def _short(value: float, decimals: int | None, digits: int) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0) if value else 0
    return f"{value:.{min(places, 4)}f}".rstrip("0").rstrip(".") if places else f"{value:.0f}"


def stacked(series: Sequence[Series]) -> list[tuple[list[float], list[float]]]:
    """The lower and upper edge of each series' area."""
    floor = [0.0] * (STEPS + 1)
    edges: list[tuple[list[float], list[float]]] = []
    for one in series:
        top = [low + (value or 0.0) for low, value in zip(floor, one.values, strict=True)]
        edges.append((floor, top))
        floor = top
    return edges


def ticks(low: float, high: float, unit: str) -> list[float]:
    """Three to six round numbers that reach from `low` to `high` or beyond; times are round in minutes and hours."""
    if unit == "bytes" and high >= 1024:
        size = 1024 ** int(math.log(high, 1024))
        return [size * tick for tick in ticks(low / size, high / size, "short")]
    rough = (high - low) / 4 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [power * factor for factor in (1, 2, 2.5, 5, 10)]
    if unit == "s" and rough > 10:
        steps = [15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, *steps]
    step = next(step for step in steps if step >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    return [step * i for i in range(first, math.ceil(high / step - 1e-9) + 1)]


@dataclass(frozen=True)
class Plane:
    """From times and values to pixels."""

    span: Span
    low: float
    high: float
    left: float
    top: float
    width: float
    height: float

    def x(self, moment: float) -> float:
        """Pixel of a time."""
        return self.left + self.width * (moment - self.span.begin) / (self.span.end - self.span.begin)

    def y(self, value: float) -> float:
        """Pixel of a value."""
        return self.top + self.height * (1 - (value - self.low) / ((self.high - self.low) or 1))

    def line(self, values: Sequence[float | None]) -> str:
        """An SVG path; it is broken where there is no value."""
        pen = "M"
        parts: list[str] = []
        for moment, value in zip(self.span.times, values, strict=True):
            if value is None:
                pen = "M"
                continue
            parts.append(f"{pen}{self.x(moment):.1f} {self.y(value):.1f}")
            pen = "L"
        return "".join(parts)

    def area(self, lower: Sequence[float], upper: Sequence[float | None]) -> Iterator[str]:
        """SVG paths, one for each stretch that has values."""
        edge: list[tuple[float, float, float]] = []
        for moment, low, high in [*zip(self.span.times, lower, upper, strict=True), (0.0, 0.0, None)]:
            if high is not None:
                edge.append((self.x(moment), self.y(low), self.y(high)))
            elif edge:
                there = "L".join(f"{x:.1f} {top:.1f}" for x, _, top in edge)
                back = "L".join(f"{x:.1f} {floor:.1f}" for x, floor, _ in reversed(edge))
                yield f"M{there}L{back}Z"
                edge = []


def axes(plane: Plane, scale: Sequence[float], unit: str) -> str:
    """The lines of the grid as SVG, with values at the left and times of the day (UTC) below."""
    parts: list[str] = []
    for value in scale:
        y = plane.y(value)
        parts.append(f'<line x1="{plane.left}" x2="{plane.left + plane.width}" y1="{y}" y2="{y}" stroke="#26282f"/>')
        parts.append(f'<text x="{plane.left - 8}" y="{y + 4}" text-anchor="end">{worded(value, unit)}</text>')
    minutes = (plane.span.end - plane.span.begin) / 60
    wide = next(
        step for step in (1, 2, 5, 10, 15, 30, 60, 120, 360, 1440, math.inf) if minutes / step <= plane.width / 55
    )
    moment = math.ceil(plane.span.begin / (wide * 60)) * wide * 60
    while moment < plane.span.end:
        x, foot = plane.x(moment), plane.top + plane.height
        label = time.strftime("%H:%M", time.gmtime(moment))
        parts.append(f'<line x1="{x}" x2="{x}" y1="{plane.top}" y2="{foot}" stroke="#202228"/>')
        parts.append(f'<text x="{x}" y="{foot + 18}" text-anchor="middle">{label}</text>')
        moment += wide * 60
    return "".join(parts)
