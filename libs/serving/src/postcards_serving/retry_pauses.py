"""How long to wait before trying again: ever longer, with jitter."""

import random
from collections.abc import Iterator

_LONGEST_PAUSE = 300.0


_JITTER = 0.1
"""Replicas that failed together must not all come again together."""


def pauses(first: float) -> Iterator[float]:
    """Seconds before each further attempt: about `first`, each later one twice as long, 5 minutes at most."""
    pause = first
    while True:
        yield pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
        pause = min(2 * pause, max(first, _LONGEST_PAUSE))
