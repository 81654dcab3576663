"""The moment before which an API is not asked, since it told one of us so: it means all who use the same key."""

import threading
import time
from collections.abc import Callable

_LONGEST_HOLD = 300.0
"""Seconds after which a call is tried whatever an API said: its clock may be wrong, and limits are lifted."""


class RateLimit:
    """Holds all calls of an engine back for as long as the API asked one of them to stay away. Safe in any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins with nothing held back; `clock` gives seconds that never go back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._until = clock()

    def hold(self, seconds: float) -> None:
        """The API wants to be left alone for `seconds` from now (of which five minutes count)."""
        with self._lock:
            self._until = max(self._until, self._clock() + min(seconds, _LONGEST_HOLD))

    @property
    def until(self) -> float:
        """When calls may be made again, by the clock; past where they may be made now."""
        return self._until
