"""Panels that several pages show, each of something else."""

from boards.model import GREEN, RED, YELLOW, Graph, Stat, Threshold
from boards.queries import quantiles, taken

SHARE: tuple[Threshold, ...] = ((None, GREEN), (0.8, YELLOW), (1, RED))
"""Colours of a share of the room there is."""


def places_taken(description: str, gauge: str, matchers: str) -> Stat:
    """How much of the room there is is in use; see `taken`."""
    return Stat(
        "Places taken",
        description,
        [taken(gauge, matchers)],
        unit="percentunit",
        decimals=0,
        maximum=1,
        thresholds=SHARE,
    )


def durations(
    title: str, description: str, histogram: str, matchers: str, by: str = "", *, width: int = 6, empty: str = ""
) -> Graph:
    """How long something takes: percentiles of a histogram of seconds; see `quantiles`."""
    return Graph(
        title,
        description,
        quantiles(histogram, matchers, by),
        unit="s",
        width=width,
        calcs=("lastNotNull", "max"),
        empty=empty,
    )
