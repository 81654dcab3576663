"""An event loop in a thread of its own, for calls that can be given up at any moment: a task can, a read cannot."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from postcards_serving.errors import Stopping

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

        What is returned always ends: it is cancelled when this is closed meanwhile.

        Raises:
            Stopping: it is closed.
        """
        try:
            # Closing waits for the lock, so that its word to the loop comes after the work, which it then ends.
            with self._lock:
                return asyncio.run_coroutine_threadsafe(work, self._begun())
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

    def _begun(self) -> asyncio.AbstractEventLoop:
        """The loop; called with the lock."""
        if self._closed:
            raise Stopping
        if self._running is None:
            self._running = _start(self._at_end)
        return self._running[1]


def _start(at_end: Callable[[], Awaitable[None]]) -> _Running:
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        over = asyncio.Event()
        ready.set_result((asyncio.get_running_loop(), over))
        await over.wait()
        await _end_the_others()
        await at_end()

    def run() -> None:
        try:
            # The runner is entered before the coroutine is made, which would else be left behind if no loop can be had.
            with asyncio.Runner() as runner:
                runner.run(live())
        except BaseException as fault:
            if ready.done():
                raise
            ready.set_exception(fault)

    thread = threading.Thread(target=run, name="language-api", daemon=True)
    thread.start()
    return (thread, *ready.result())


async def _end_the_others() -> None:
    """Cancels every other task and waits for it: each then closes its own connection, and none finds it cut."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
