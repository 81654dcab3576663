"""A circuit breaker: a server that keeps failing is left alone for a while, then tried with a single call."""

import threading
import time
from collections.abc import Callable

from postcards_serving.errors import Unavailable


def _unheard(_: bool) -> None:
    """Who is not told."""


class CircuitBreaker:
    """Holds calls back after failures in a row. Safe to use from any thread."""

    def __init__(
        self,
        *,
        failures: int = 8,
        rest_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[bool], None] = _unheard,
    ) -> None:
        """Begins closed: calls go through.

        Args:
            failures: how many in a row open it, at least 1.
            rest_seconds: how long it stays open before one call is let through as a probe.
            clock: seconds that never go back.
            tell: hears of each opening (True) and closing (False).
        """
        self._failures = failures
        self._rest = rest_seconds
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened: float | None = None
        self._probing = False

    def enter(self) -> bool:
        """Asks to call; every call that was let in ends with `succeeded`, `failed` or `withdrew`.

        Returns:
            Whether the call is the probe, which `failed` and `withdrew` must be told.

        Raises:
            Unavailable: calls are held back at present.
        """
        with self._lock:
            if self._opened is None:
                return False
            left = self._opened + self._rest - self._clock()
            if left > 0 or self._probing:
                raise Unavailable(
                    f"the language model API failed {self._in_a_row} times in a row; it is left alone for a while",
                    reason="CIRCUIT_OPEN",
                    retry_after=max(1.0, left),
                )
            self._probing = True
            return True

    def succeeded(self) -> None:
        """The server answered: calls go through from now on."""
        with self._lock:
            closing = self._opened is not None
            self._in_a_row, self._opened, self._probing = 0, None, False
        if closing:
            self._tell(False)

    def failed(self, *, probe: bool = False) -> None:
        """The server did not do its part. A call that had entered before the circuit opened is no probe."""
        with self._lock:
            self._in_a_row += 1
            opening = self._opened is None and self._in_a_row >= self._failures
            if opening or probe:
                self._opened = self._clock()
            self._probing &= not probe
        if opening:
            self._tell(True)

    def withdrew(self, *, probe: bool = False) -> None:
        """The call ended in a way that says nothing about the server: its caller left."""
        with self._lock:
            self._probing &= not probe
