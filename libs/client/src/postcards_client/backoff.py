"""How long to wait before trying again: twice as long each time, with jitter."""

import random

_MOST_DOUBLINGS = 32


def backoff(attempt: int, first: float, longest: float) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1): doubling, less up to half of it by chance.

    Callers that failed together do not all come again together.

    Args:
        attempt: how many attempts have failed, at least 1.
        first: the longest wait after the first one, in seconds.
        longest: no wait is longer, in seconds.
    """
    full = min(longest, first * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
