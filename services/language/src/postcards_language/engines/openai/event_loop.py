"""An event loop in a thread of its own, for calls that can be given up at any moment: a task can, a read cannot."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

_ResultT = TypeVar("_ResultT")
_Running = tuple[threading.Thread, asyncio.AbstractEventLoop, asyncio.Event]
_CLOSING_SECONDS = 5.0
"""How long it is waited for tasks that were given up."""


class EventLoop:
    """Runs coroutines for threads that wait for them. Safe to use from any thread; its thread begins with the first."""

    def __init__(self, at_end: Callable[[], Awaitable[None]]) -> None:
        """Starts nothing yet; `at_end` runs on the loop when it is closed, if it was ever needed."""
        self._at_end = at_end
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._closed = False

    def submit(self, work: Coroutine[Any, Any, _ResultT]) -> "Future[_ResultT]":
        """Begins `work` in the context of the caller; cancelling what is returned cancels it wherever it is.

        Raises:
            RuntimeError: it is closed.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self._begin())
        except BaseException:
            work.close()
            raise

    def close(self) -> None:
        """Cancels what still runs, and ends the thread."""
        with self._lock:
            running, self._running, self._closed = self._running, None, True
        if running is not None:
            thread, loop, over = running
            loop.call_soon_threadsafe(over.set)
            thread.join(_CLOSING_SECONDS)

    def _begin(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine is closed")
            if self._running is None:
                self._running = _start(self._at_end)
            return self._running[1]


def _start(at_end: Callable[[], Awaitable[None]]) -> _Running:
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        over = asyncio.Event()
        ready.set_result((asyncio.get_running_loop(), over))
        await over.wait()
        await at_end()

    # When `live` ends, the runner cancels every other task, and waits until each has closed its connection.
    thread = threading.Thread(target=lambda: asyncio.run(live()), name="language-api", daemon=True)
    thread.start()
    return (thread, *ready.result())
