"""A synchronous engine behind the event loop: events in order, cancel, deadline, crashes, slow consumers."""

import asyncio
import contextlib
import threading

import pytest
from prometheus_client import REGISTRY

from postcards_serving.engine import executor as execution
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Item, Preview, Progress, Work
from postcards_serving.errors import Cancelled, DeadlineExceeded, EngineFailed, OutOfMemory, Overloaded
from postcards_serving.telemetry.logging import REQUEST_ID
from postcards_serving.testing import eventually


async def collected(events):
    return [event async for event in events]


class Engine:
    """Works until it is told to go on; remembers how each call ended."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.started = 0
        self.ended: list[str] = []

    def __call__(self, work: Work) -> str:
        self.started += 1
        work.report(Progress("draw", 0, 1))
        try:
            while not self.gate.wait(0.005):
                work.check()
        except (Cancelled, DeadlineExceeded) as stop:
            self.ended.append(type(stop).__name__)
            raise
        self.ended.append("done")
        return "picture"


@pytest.fixture
def engine():
    made = Engine()
    yield made
    made.gate.set()


async def test_events_come_in_order_and_the_result_last():
    def draw(work: Work) -> int:
        work.report(Progress("skeleton", 0, 2))
        work.report(Preview("skeleton", "image/webp", b"x"))
        work.report(Progress("skin", 1, 2, 0.5))
        work.report(Item("half"))
        return 7

    events = await collected(Executor().run(draw))
    assert events == [
        Progress("skeleton", 0, 2),
        Preview("skeleton", "image/webp", b"x"),
        Progress("skin", 1, 2, 0.5),
        Item("half"),
        Finished(7),
    ]


async def test_the_engine_never_runs_on_the_event_loop():
    loop_thread = threading.get_ident()
    events = await collected(Executor().run(lambda _: threading.get_ident()))
    assert events[-1].result != loop_thread


async def test_the_loop_stays_free_while_the_engine_works(engine):
    events = Executor().run(engine)
    assert await anext(events) == Progress("draw", 0, 1)
    ticks = [await asyncio.sleep(0, result=tick) for tick in range(100)]
    assert len(ticks) == 100
    assert not engine.ended
    engine.gate.set()
    assert [event async for event in events] == [Finished("picture")]


async def test_the_request_id_reaches_the_engine():
    token = REQUEST_ID.set("r-7")
    events = await collected(Executor().run(lambda _: REQUEST_ID.get()))
    REQUEST_ID.reset(token)
    assert events == [Finished("r-7")]


async def test_waiting_requests_hear_their_position(engine):
    executor = Executor(1, Admission(2, expected_seconds=4.0))
    first = executor.run(engine)
    await anext(first)
    second, third = executor.run(engine), executor.run(engine)
    assert (await anext(second)).queue_position == 0
    waiting = await anext(third)
    assert (waiting.stage, waiting.queue_position) == ("queued", 1)
    assert 4.0 < waiting.predicted_wait <= 8.0
    with pytest.raises(Overloaded):
        await anext(executor.run(engine))
    moved = asyncio.ensure_future(anext(third))
    engine.gate.set()
    assert (await collected(first))[-1] == Finished("picture")
    assert (await moved).queue_position == 0
    assert (await collected(second))[-1] == Finished("picture")
    assert (await collected(third))[-1] == Finished("picture")


async def test_closing_the_stream_cancels_the_work_and_frees_the_place(engine):
    executor = Executor(1, Admission(0))
    async with contextlib.aclosing(executor.run(engine)) as events:
        await anext(events)
    await eventually(lambda: engine.ended == ["Cancelled"])
    engine.gate.set()
    await eventually(lambda: executor.drain(0))
    assert (await collected(executor.run(engine)))[-1] == Finished("picture")


async def test_a_cancelled_task_cancels_the_work(engine):
    async def call():
        async with contextlib.aclosing(Executor().run(engine)) as events:
            return [event async for event in events]

    task = asyncio.ensure_future(call())
    await eventually(lambda: engine.started)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: engine.ended == ["Cancelled"])


async def test_the_place_is_held_until_the_engine_lets_go():
    release = threading.Event()

    def stubborn(_: Work) -> None:
        release.wait(30)

    admission = Admission(0)
    executor = Executor(1, admission)
    running = asyncio.ensure_future(collected(executor.run(stubborn)))
    await eventually(lambda: admission.in_flight)
    running.cancel()
    await asyncio.wait({running})
    assert admission.in_flight == 1
    assert not await executor.drain(0)
    release.set()
    await eventually(lambda: not admission.in_flight)
    assert await executor.drain(0)


async def test_leaving_the_queue_makes_room(engine):
    admission = Admission(1)
    executor = Executor(1, admission)
    first = executor.run(engine)
    await anext(first)
    second = executor.run(engine)
    await anext(second)
    assert admission.depth == 1
    await second.aclose()
    assert admission.depth == 0
    engine.gate.set()
    await collected(first)
    assert engine.started == 1


async def test_a_deadline_ends_the_stream_and_the_work(engine):
    with pytest.raises(DeadlineExceeded):
        await collected(Executor().run(engine, timeout=0.05))
    # Whether the engine sees the deadline first or the stream does: it stops.
    await eventually(lambda: engine.ended in (["DeadlineExceeded"], ["Cancelled"]))


async def test_a_deadline_counts_in_the_queue_too(engine):
    admission = Admission(1)
    executor = Executor(1, admission)
    first = executor.run(engine)
    await anext(first)
    with pytest.raises(DeadlineExceeded, match="queue"):
        await collected(executor.run(engine, timeout=0.05))
    assert (admission.depth, engine.started) == (0, 1)
    engine.gate.set()
    await collected(first)


async def test_a_deadline_that_has_passed_already_ends_at_once():
    with pytest.raises(DeadlineExceeded):
        await collected(Executor().run(lambda work: work.check(), timeout=0.0))


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (EngineFailed("no ink"), EngineFailed),
        (ValueError("odd"), ValueError),
        (StopIteration(), RuntimeError),
        (SystemExit(3), RuntimeError),
        (KeyboardInterrupt(), RuntimeError),
        (MemoryError(), OutOfMemory),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), OutOfMemory),
    ],
)
async def test_a_crash_is_raised_here_and_harms_no_one_else(raised, seen):
    executor = Executor(1, Admission(0))

    def crash(work: Work) -> None:
        work.report(Progress("draw"))
        raise raised

    events = executor.run(crash)
    assert await anext(events) == Progress("draw")
    with pytest.raises(seen):
        await anext(events)
    assert await collected(executor.run(lambda _: 1)) == [Finished(1)]


async def test_a_slow_consumer_loses_previews_but_no_piece_and_no_result():
    count = 10 * execution._MAX_BACKLOG

    read_on, reported = threading.Event(), threading.Event()

    def hurry(work: Work) -> str:
        work.report(Progress("begin"))
        read_on.wait(30)
        for step in range(count):
            work.report(Progress("draw", step, count))
            work.report(Preview("draw", "image/webp", b"%d" % step))
            if step % 100 == 0:
                work.report(Item(step))
        reported.set()
        return "done"

    events = Executor().run(hurry)
    assert await anext(events) == Progress("begin")
    read_on.set()
    # The consumer stops the whole loop, as a slow one would: nothing is read meanwhile.
    assert reported.wait(30)
    rest = await collected(events)
    assert [event.value for event in rest if isinstance(event, Item)] == list(range(0, count, 100))
    assert rest[-1] == Finished("done")
    assert len(rest) <= execution._MAX_BACKLOG + 2
    steps = [event.step for event in rest if isinstance(event, Progress)]
    assert steps == sorted(steps)
    assert Preview("draw", "image/webp", b"%d" % (count - 1)) in rest


async def test_calls_run_side_by_side_up_to_the_limit(engine):
    executor = Executor(3, Admission(3))
    tasks = [asyncio.ensure_future(collected(executor.run(engine))) for _ in range(5)]
    await eventually(lambda: engine.started == 3)
    engine.gate.set()
    results = await asyncio.gather(*tasks)
    assert [events[-1] for events in results] == [Finished("picture")] * 5


async def test_more_calls_run_side_by_side_from_the_moment_that_they_may(engine):
    executor = Executor(1, Admission(4), engine="growing")
    tasks = [asyncio.ensure_future(collected(executor.run(engine))) for _ in range(3)]
    await eventually(lambda: engine.started == 1)
    executor.resize(4)
    tasks.append(asyncio.ensure_future(collected(executor.run(engine))))
    await eventually(lambda: engine.started == 4)
    engine.gate.set()
    results = await asyncio.gather(*tasks)
    assert [events[-1] for events in results] == [Finished("picture")] * 4
    # The thread of before has ended, nobody holds it any more.
    await eventually(lambda: sum(thread.name.startswith("engine-growing") for thread in threading.enumerate()) == 3)
    with pytest.raises(ValueError, match="at least 1"):
        executor.resize(0)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def steps_of(stage: str) -> float:
    return sample("postcards_step_duration_seconds_count", engine="metered", stage=stage)


def parts_that(outcome: str) -> float:
    return sample("postcards_part_duration_seconds_count", engine="metered", outcome=outcome)


async def test_steps_and_parts_are_measured():
    executor = Executor(engine="metered", stages=("skeleton", "never"))
    never = {"engine": "metered", "stage": "never"}
    assert REGISTRY.get_sample_value("postcards_step_duration_seconds_count", never) == 0

    def draw(work: Work) -> None:
        work.report(Progress("skeleton"))
        work.report(Progress("skeleton"))
        work.report(Progress("skin"))

    await collected(executor.run(draw))
    assert (steps_of("skeleton"), steps_of("skin")) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        await collected(executor.run(lambda _: 1 // 0))
    with pytest.raises(DeadlineExceeded):
        await collected(executor.run(lambda work: work.check(), timeout=0.0))
    await eventually(lambda: parts_that("cancelled") == 1)
    assert (parts_that("done"), parts_that("failed")) == (1, 1)


async def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Executor(0)
