"""The loop under the calls of an API: what is asked of it always ends, also while it is closed."""

import asyncio
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import pytest

from postcards_language.engines.openai.api.event_loop import EventLoop
from postcards_serving.errors import Stopping

PATIENCE = 60.0


async def nothing() -> None:
    """Nothing is to be done at the end."""


async def for_ever(begun: threading.Event) -> None:
    begun.set()
    await asyncio.Event().wait()


async def seven() -> int:
    return 7


def test_it_runs_what_it_is_given_and_ends_what_is_left() -> None:
    ended: list[str] = []

    async def at_end() -> None:
        ended.append("at end")

    loop, begun = EventLoop(at_end), threading.Event()
    assert loop.submit(seven()).result(PATIENCE) == 7
    reading = loop.submit(for_ever(begun))
    assert begun.wait(PATIENCE)
    loop.close()
    with pytest.raises(CancelledError):
        reading.result(PATIENCE)
    assert ended == ["at end"]


def test_a_loop_that_was_closed_takes_nothing_and_is_closed_once() -> None:
    loop = EventLoop(nothing)
    loop.close()
    loop.close()
    with pytest.raises(Stopping):
        loop.submit(seven())


@pytest.mark.filterwarnings("error")
def test_a_thread_that_cannot_make_its_loop_says_so(monkeypatch) -> None:
    def none_left() -> asyncio.AbstractEventLoop:
        raise OSError("too many open files")

    loop = EventLoop(nothing)
    with monkeypatch.context() as patched:
        patched.setattr(asyncio.events, "new_event_loop", none_left)
        with pytest.raises(OSError, match="too many open files"):
            loop.submit(seven())
    assert loop.submit(seven()).result(PATIENCE) == 7
    loop.close()


def test_what_is_asked_before_the_closing_ends_with_it(monkeypatch) -> None:
    loop = EventLoop(nothing)
    assert loop.submit(seven()).result(PATIENCE) == 7
    hand_over, closing = asyncio.run_coroutine_threadsafe, threading.Thread(target=loop.close)

    def while_it_closes(work, running):
        closing.start()
        # Long enough for a closing that nothing holds back; one that waits for the asking waits on.
        closing.join(1)
        return hand_over(work, running)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", while_it_closes)
    reading = loop.submit(for_ever(threading.Event()))
    with pytest.raises(CancelledError):
        reading.result(PATIENCE)
    closing.join(PATIENCE)


@pytest.mark.parametrize("_", range(10))
def test_whatever_comes_while_it_is_closed_ends(_) -> None:
    loop, start = EventLoop(nothing), threading.Barrier(5)
    loop.submit(seven()).result(PATIENCE)

    def ask() -> "Future[None] | None":
        start.wait(PATIENCE)
        try:
            return loop.submit(for_ever(threading.Event()))
        except Stopping:
            return None

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        start.wait(PATIENCE)
        loop.close()
        for reading in [asked.result(PATIENCE) for asked in asking]:
            if reading is not None:
                with pytest.raises(CancelledError):
                    reading.result(PATIENCE)
