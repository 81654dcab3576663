"""Tries again and again, ever more slowly, until something is loaded. Needs no gRPC."""

import gc
import logging
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from postcards_serving.device.loss import tell_if_lost
from postcards_serving.errors import ModelUnusable
from postcards_serving.retry_pauses import pauses
from postcards_serving.telemetry import metrics

LOAD_THREAD = "load"
"""Name of the threads that load; the process waits for none of them when it ends."""

_LEAVE_SECONDS = 1.0
"""How long a thread that only waits has to end."""

LoadedT = TypeVar("LoadedT")

_log = logging.getLogger(__name__)


class Reloading(Generic[LoadedT]):
    """Loads an engine on a thread of its own, and hands it on once that has succeeded."""

    def __init__(
        self,
        name: str,
        load: Callable[[], LoadedT],
        *,
        first_pause: float,
        hand_on: Callable[[LoadedT], None],
        throw_away: Callable[[LoadedT], None],
    ) -> None:
        """Begins; the first attempt follows after the first pause.

        Args:
            name: the engine, for the log.
            load: builds it, or raises.
            first_pause: seconds; see `pauses`.
            hand_on: gets what was loaded, on the thread.
            throw_away: gets what was loaded when nobody wants it any more.
        """
        self._name: Final = name
        self._load: Final = load
        self._hand_on: Final = hand_on
        self._throw_away: Final = throw_away
        self._stopped: Final = threading.Event()
        self._lock: Final = threading.Lock()
        self._thread: Final = threading.Thread(target=self._try_until_loaded, args=(first_pause,), name=LOAD_THREAD)
        self._thread.daemon = True
        self._thread.start()

    def stop(self) -> None:
        """Ends the attempts. One that is under way is thrown away when it is done, and not waited for."""
        with self._lock:
            self._stopped.set()
        self._thread.join(_LEAVE_SECONDS)

    def _try_until_loaded(self, first_pause: float) -> None:
        for attempt, pause in enumerate(pauses(first_pause), start=2):
            if self._stopped.wait(pause):
                return
            if self._try(attempt):
                return
            # Only now is the half of a model let go that the exception's frames held.
            gc.collect()

    def _try(self, attempt: int) -> bool:
        """Whether there is an end to it."""
        try:
            loaded = self._load()
        except ModelUnusable as fault:
            metrics.LOAD_FAILURES.inc()
            _log.warning("engine %r still cannot be loaded (attempt %d): %s", self._name, attempt, fault.message)
            return False
        except Exception as fault:
            tell_if_lost(fault)
            # A model that is being copied is torn in ways that no loader foresees.
            metrics.LOAD_FAILURES.inc()
            _log.exception("engine %r still cannot be loaded (attempt %d)", self._name, attempt)
            return False
        with self._lock:
            if self._stopped.is_set():
                self._throw_away(loaded)
            else:
                self._hand_on(loaded)
        return True
