"""The spans of an engine call: its wait, its stages, and its steps in company."""

import asyncio
import itertools
import threading
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.call_observer import UNOBSERVED, tell_of_step
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Progress, Work
from postcards_serving.errors import EngineFailed
from postcards_serving.fallback.pair import WorkOfMain
from postcards_serving.telemetry import metrics, tracing
from postcards_serving.telemetry.engine_spans import EngineTrace, trace_engine
from postcards_serving.testing import eventually

pytest.importorskip("opentelemetry.sdk.trace", reason="no OpenTelemetry here: pip install 'postcards-serving[tracing]'")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from postcards_serving.telemetry.otel import Otel


class Recorder:
    """Finished spans by name."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        tracing.use(Otel(provider))

    def named(self, name: str):
        found = [span for span in self.exporter.get_finished_spans() if span.name == name]
        return sorted(found, key=lambda span: span.start_time)

    def parent(self, span):
        (found,) = [
            other
            for other in self.exporter.get_finished_spans()
            if span.parent and other.context.span_id == span.parent.span_id
        ]
        return found


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    yield Recorder()
    tracing.use(None)


def begun(name: str = "ddpm") -> EngineTrace:
    trace = trace_engine(name)
    assert isinstance(trace, EngineTrace)
    trace.begin(waited=False)
    return trace


def test_steps_in_unchanged_company_are_one_span_with_links(recorder):
    with tracing.resumed("call", {}, ""):
        first, second = begun(), begun()
        first.turn_to("denoise")
        second.turn_to("denoise")
        both, alone = [first, UNOBSERVED, second], [first]
        for company in (alone, alone, both, both, both, alone):
            tell_of_step(company, 0.0)
        first.end("done")
        second.end("done")
    spans = recorder.named("steps")
    told = [(span.attributes["postcards.steps"], span.attributes["postcards.batch.rows"]) for span in spans]
    assert sorted(told) == [(1, 1), (2, 1), (3, 3), (3, 3)]
    shared = [span for span in spans if span.links]
    assert len(shared) == 2
    engines = {span.context.span_id for span in recorder.named("engine ddpm")}
    assert {link.context.span_id for span in shared for link in span.links} == engines


def test_steps_belong_to_the_stage_that_was_on(recorder):
    with tracing.resumed("call", {}, ""):
        trace = begun()
        for stage in ("bones", "denoise", "denoise", "denoise", "print"):
            trace.turn_to(stage)
            if stage == "denoise":
                tell_of_step([trace], 0.0)
        trace.turn_to(None)
        trace.end("done")
    (steps,) = recorder.named("steps")
    assert recorder.parent(steps).name == "stage denoise"
    assert steps.attributes["postcards.steps"] == recorder.parent(steps).attributes["postcards.stage.reports"] == 3
    assert [recorder.parent(span).name for name in ("bones", "print") for span in recorder.named(f"stage {name}")] == [
        "engine ddpm",
        "engine ddpm",
    ]


@settings(max_examples=50)
@given(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=200))
def test_every_step_is_told_of_once_however_company_changes(sizes):
    recorder = Recorder()
    try:
        with tracing.resumed("call", {}, ""):
            trace = begun()
            others = [UNOBSERVED, UNOBSERVED]
            for size in sizes:
                tell_of_step([trace, *others[: size - 1]], 0.0)
            trace.end("done")
        spans = recorder.named("steps")
        assert sum(span.attributes["postcards.steps"] for span in spans) == len(sizes)
        assert len(spans) <= 64
        changes = sum(1 for before, after in itertools.pairwise(sizes) if before != after)
        assert len(spans) == min(64, changes + 1)
    finally:
        tracing.use(None)


@pytest.mark.usefixtures("recorder")
def test_work_behind_a_fallback_keeps_its_trace():
    with tracing.resumed("call", {}, ""):
        trace = begun()
        assert WorkOfMain(Work(observer=trace)).observer is trace
        trace.end("done")


def test_outside_of_a_recorded_call_nothing_is_kept(recorder):
    assert trace_engine("ddpm") is UNOBSERVED
    tell_of_step([UNOBSERVED, UNOBSERVED], 0.1)
    assert not recorder.exporter.get_finished_spans()


async def collected(executor: Executor, call) -> list:
    return [event async for event in executor.run(call)]


def draw(work: Work) -> int:
    for stage in ("skeleton", "skin", "skin"):
        work.report(Progress(stage))
    return 7


async def test_the_executor_tells_of_stages(recorder):
    executor = Executor(1, Admission(4), engine="creature", observe=trace_engine)
    with tracing.resumed("call", {}, ""):
        events = await collected(executor, draw)
    assert isinstance(events[-1], Finished)
    assert await executor.drain(5)
    (engine,) = recorder.named("engine creature")
    assert engine.attributes["postcards.outcome"] == "done"
    assert [len(recorder.named(f"stage {stage}")) for stage in ("skeleton", "skin")] == [1, 1]
    assert not recorder.named("queue")


async def test_the_wait_for_a_place_is_a_span(recorder):
    executor = Executor(1, Admission(4), engine="creature", observe=trace_engine)
    with tracing.resumed("call", {}, ""):
        gate = threading.Event()
        first = asyncio.create_task(collected(executor, lambda _: gate.wait(30)))
        second = asyncio.create_task(collected(executor, draw))
        await eventually(lambda: metrics.QUEUE_DEPTH._value.get() == 1)
        gate.set()
        assert await first
        assert (await second)[0].stage == "queued"
    assert await executor.drain(5)
    (queue,) = recorder.named("queue")
    assert queue.attributes["postcards.engine"] == "creature"
    assert recorder.parent(queue).name == "call"


async def test_a_failure_of_the_engine_is_named(recorder):
    def fail(work: Work) -> None:
        work.report(Progress("skin"))
        raise EngineFailed("the password is swordfish")

    executor = Executor(1, Admission(4), engine="creature", observe=trace_engine)
    with tracing.resumed("call", {}, ""), pytest.raises(EngineFailed):
        await collected(executor, fail)
    assert await executor.drain(5)
    (engine,) = recorder.named("engine creature")
    assert engine.attributes["error.type"] == "EngineFailed"
    assert engine.attributes["postcards.outcome"] == "failed"
    assert "swordfish" not in engine.to_json()
    assert recorder.named("stage skin")


class Gated:
    """Steps of numbers that wait until they may."""

    def __init__(self) -> None:
        self.entered, self.gate = threading.Event(), threading.Event()

    def group(self, state: int) -> int:
        del state
        return 0

    def finished(self, state: int) -> bool:
        return state == 4

    def step(self, states: Sequence[int]) -> list[int]:
        self.entered.set()
        self.gate.wait(30)
        return [state + 1 for state in states]


async def test_rows_of_a_real_batch_name_those_they_share_steps_with(recorder):
    stepper = Gated()
    batch = InFlightBatch(stepper, max_rows=4, max_waiting=4, engine="traced")
    executor = Executor(2, Admission(4), engine="traced", observe=trace_engine)

    def call(work: Work) -> int:
        work.report(Progress("denoise"))
        return list(batch.follow(0, work))[-1]

    async def called(name: str) -> None:
        with tracing.resumed(name, {}, ""):
            assert (await collected(executor, call))[-1].result == 4

    try:
        first = asyncio.create_task(called("first"))
        await eventually(stepper.entered.is_set)
        second = asyncio.create_task(called("second"))
        await eventually(lambda: REGISTRY.get_sample_value("postcards_batch_rows_waiting", {"engine": "traced"}) == 1)
        stepper.gate.set()
        await asyncio.gather(first, second)
        assert await executor.drain(5)
    finally:
        stepper.gate.set()
        await asyncio.to_thread(batch.close)
    engines = {recorder.parent(span).name: span.context.span_id for span in recorder.named("engine traced")}
    told = [
        (
            recorder.parent(recorder.parent(recorder.parent(span))).name,
            span.attributes["postcards.steps"],
            [link.context.span_id for link in span.links],
        )
        for span in recorder.named("steps")
    ]
    assert sorted(told) == [
        ("first", 1, []),
        ("first", 3, [engines["second"]]),
        ("second", 1, []),
        ("second", 3, [engines["first"]]),
    ]
