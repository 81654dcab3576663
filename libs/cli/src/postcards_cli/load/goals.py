"""Service level objectives of a run: what must hold for it to be a success. Pure."""

import re
from dataclasses import dataclass

from postcards_cli.load.measurements import Tally
from postcards_cli.load.plan import PlanError, parse_seconds

_LIMIT = re.compile(r"(p(?P<percent>\d{1,2}(?:\.\d+)?)|max|mean)=(?P<limit>.+)", re.ASCII)


@dataclass(frozen=True)
class LatencyGoal:
    """A limit on the latency."""

    measure: str
    """"p95", "max" or "mean"."""
    seconds: float
    """What it must not be above."""


@dataclass(frozen=True)
class Goals:
    """Everything that must hold."""

    latencies: tuple[LatencyGoal, ...] = ()
    """Limits on latencies, of all counted stages together. A percentile is one of all that came: where no goal says how
    many may be refused, what was refused or not sent is taken as later than any limit."""
    error_ratio: float = 0.0
    """Greatest share of requests that may fail or take too long. 0 to 1."""
    refused_ratio: float = 1.0
    """Greatest share of requests that may be refused or not be sent. 0 to 1; 1 is no goal."""


@dataclass(frozen=True)
class Verdict:
    """What became of one goal."""

    goal: str
    """The goal in words, e.g. "p95 <= 10 s"."""
    measured: float | None
    """Seconds or a share; None when nothing could be measured."""
    met: bool
    """Whether it holds."""


def parse_latency_goals(text: str) -> tuple[LatencyGoal, ...]:
    """The goals of "p95=10s,max=1m". Raises `PlanError` when they cannot be read."""
    return tuple(_latency_goal(entry.strip()) for entry in text.split(",") if entry.strip())


def _latency_goal(entry: str) -> LatencyGoal:
    match = _LIMIT.fullmatch(entry.lower())
    if match is None:
        raise PlanError(f"{entry!r} is no limit: write e.g. p95=10s, p99.9=30s, mean=2s or max=1m")
    return LatencyGoal(match[1], parse_seconds(match["limit"]))


def judge(goals: Goals, total: Tally) -> tuple[Verdict, ...]:
    """What became of every goal. A run in which nothing succeeded meets no limit on latency or errors."""
    away = total.refused + total.unsent
    forgiven = goals.refused_ratio < 1.0
    verdicts = [_judge_latency(goal, total, 0 if forgiven else away) for goal in goals.latencies]
    errors = share(total.errors, total.ended)
    errors_met = total.ok > 0 and errors <= goals.error_ratio
    verdicts.append(Verdict(f"errors <= {goals.error_ratio * 100:g}%", errors, errors_met))
    if forgiven:
        refused = share(away, total.ended + total.unsent)
        refused_met = refused <= goals.refused_ratio
        verdicts.append(Verdict(f"refused <= {goals.refused_ratio * 100:g}%", refused, refused_met))
    return tuple(verdicts)


def _judge_latency(goal: LatencyGoal, total: Tally, away: int) -> Verdict:
    measured = _measure_of_all(goal.measure, total, away)
    return Verdict(
        f"{goal.measure} <= {goal.seconds:g} s",
        measured,
        total.ok > 0 and measured is not None and measured <= goal.seconds,
    )


def measure(name: str, tally: Tally) -> float | None:
    """A latency by its name, in seconds."""
    match name:
        case "max":
            return tally.latency.most
        case "mean":
            return tally.latency.mean
        case _:
            return tally.latency.percentile(float(name.removeprefix("p")))


def _measure_of_all(name: str, tally: Tally, away: int) -> float | None:
    """A latency of those measured and of `away` endless ones; None where the endless ones decide."""
    if not away:
        return measure(name, tally)
    if name in ("max", "mean") or not tally.latency.count:
        return None
    percent = float(name.removeprefix("p")) * (tally.latency.count + away) / tally.latency.count
    return tally.latency.percentile(percent) if percent <= 100 else None


def share(part: int, whole: int) -> float:
    """`part` of `whole`; 0 when there is nothing."""
    return part / whole if whole else 0.0
