"""When requests begin and what each of them is: follows from the plan and its seed alone. Pure."""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from postcards_cli.load.plan import Plan, Rate, Stage


@dataclass(frozen=True)
class Job:
    """One request of the run: whom it goes to, and what it asks for."""

    index: int
    """Its number in the run, from 0."""
    target: str
    """Who is asked."""
    seed: int
    """Seed of what is made, 64 bits."""
    theme: str
    """Theme of what is made; may be empty."""


def job(plan: Plan, index: int) -> Job:
    """Request number `index` of a plan: always the same for the same seed."""
    chance = random.Random(f"{plan.seed}/job/{index}")  # noqa: S311 - load is no secret
    (target,) = chance.choices(tuple(plan.mix), tuple(plan.mix.values()))
    return Job(index, target, chance.getrandbits(64), chance.choice(plan.themes) if plan.themes else "")


def arrivals(rate: Rate, seconds: float | None, count: int | None, seed: int) -> Iterator[float]:
    """Seconds after the start of a stage at which its requests come, in order.

    A rate that moves is followed exactly: each stretch of time holds as many arrivals as the area below the rate, on
    average (poisson) or evenly spaced (constant). `seconds` must be given where the rate moves.
    """
    units = _units(rate, seed)
    for number in itertools.count() if count is None else range(count):
        time = _time_of(next(units), rate, seconds)
        if time is None or (seconds is not None and time >= seconds):
            return
        del number
        yield time


def caller_starts(stage: Stage, first: int, last: int) -> tuple[float, ...]:
    """Seconds after the start of a stage at which each caller comes in; the last comes before its end."""
    added = last - first
    step = (stage.seconds or 0.0) / (added + 1)
    return (0.0,) * first + tuple(step * (number + 1) for number in range(added))


def _units(rate: Rate, seed: int) -> Iterator[float]:
    """Arrivals of a rate of one in a unit of time."""
    if rate.spacing == "constant":
        yield from map(float, itertools.count())
        return
    chance = random.Random(f"{seed}/arrivals")  # noqa: S311 - load is no secret
    yield from itertools.accumulate(chance.expovariate(1.0) for _ in itertools.count())


def _time_of(arrivals_before: float, rate: Rate, seconds: float | None) -> float | None:
    """When so many requests have come: the inverse of the area below the rate; None when they never will."""
    slope = (rate.last - rate.first) / seconds if seconds else 0.0
    # Half the slope times t squared, plus the first rate times t, is the area; this form of the root keeps its digits.
    under_root = rate.first**2 + 2.0 * slope * arrivals_before
    return None if under_root < 0 else 2.0 * arrivals_before / (rate.first + math.sqrt(under_root))
