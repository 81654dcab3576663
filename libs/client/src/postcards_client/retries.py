"""When a failed call is tried again, and after how long."""

from dataclasses import dataclass

from postcards_client.backoff import backoff
from postcards_client.errors import Overloaded, PostcardsError, Unavailable


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter; a delay that the server asks for is always kept."""

    attempts: int = 5
    """How often an unreachable server is tried, the first time included. At least 1."""
    first_delay: float = 0.1
    """Seconds before the second attempt."""
    longest_delay: float = 5.0
    """No delay of our own choice is longer, in seconds."""
    patience: float = 60.0
    """How long a broken watch is taken up again before it is given up, in seconds."""

    def delay(self, attempt: int, error: PostcardsError) -> float | None:
        """Seconds to wait after failed attempt number `attempt` (from 1), or None when trying again is of no use.

        UNAVAILABLE is tried `attempts` times. RESOURCE_EXHAUSTED is tried as long as the server says when to come
        back: the caller's deadline ends it.
        """
        if isinstance(error, Overloaded):
            return None if error.retry_after is None else error.retry_after + self.backoff(1)
        if isinstance(error, Unavailable) and attempt < self.attempts:
            return max(self.backoff(attempt), error.retry_after or 0.0)
        return None

    def backoff(self, attempt: int) -> float:
        """A delay in seconds that doubles with `attempt` (from 1), less up to half of it by chance."""
        return backoff(attempt, self.first_delay, self.longest_delay)
