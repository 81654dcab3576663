"""Spans: where they go, what is above them, and that nothing happens where tracing is off."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_serving.telemetry import tracing
from postcards_serving.telemetry.spans import NOTHING, Kind
from postcards_serving.telemetry.tracing import ENDPOINT

pytest.importorskip("opentelemetry.sdk.trace", reason="no OpenTelemetry here: pip install 'postcards-serving[tracing]'")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from postcards_serving.telemetry.otel import Otel, Outbox, resource_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
NOT_SAMPLED = f"00-{TRACE}-{PARENT}-00"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What was recorded while tracing is on."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracing.use(Otel(provider))
    yield kept
    tracing.use(None)


def apart(work):
    """Runs something in a context of its own, as a task does."""
    return contextvars.Context().run(work)


def parent_of(span: ReadableSpan) -> str:
    return f"{span.parent.span_id:016x}" if span.parent else ""


@pytest.mark.parametrize(
    ("endpoint", "environment", "url"),
    [
        ("", {}, ""),
        ("http://c:4318", {}, "http://c:4318/v1/traces"),
        ("http://c:4318/", {}, "http://c:4318/v1/traces"),
        ("https://c/otlp/v1/traces", {}, "https://c/otlp/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://o:4318/otlp"}, "http://o:4318/otlp/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://o/own"}, "http://o/own"),
        (
            "",
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://o/own", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://b"},
            "http://o/own",
        ),
        ("http://ours", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://o/own"}, "http://ours/v1/traces"),
        ("http://ours", {"OTEL_SDK_DISABLED": "true"}, ""),
        ("http://ours", {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http://ours/v1/traces"),
    ],
)
def test_where_spans_go(endpoint, environment, url):
    assert tracing.resolve(endpoint, environment) == (url, "")


@pytest.mark.parametrize(
    ("endpoint", "environment", "named"),
    [
        ("collector:4318", {}, ENDPOINT),
        ("http://", {}, ENDPOINT),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://c:4317"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "c"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ("http://c:4317", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
    ],
)
def test_why_they_go_nowhere(endpoint, environment, named):
    url, trouble = tracing.resolve(endpoint, environment)
    assert not url
    assert named in trouble


def test_one_line_says_that_the_package_is_missing(monkeypatch, caplog):
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    tracing.configure("image", "http://user:secret@collector:4318", 1.0)
    (record,) = caplog.records
    assert "pip install 'postcards-serving[tracing]'" in record.getMessage()
    assert not tracing.enabled()


def test_one_line_says_that_a_part_of_it_is_missing(monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "postcards_serving.telemetry.otel", None)
    tracing.configure("image", "http://collector:4318", 1.0)
    (record,) = caplog.records
    assert "a part of OpenTelemetry is missing" in record.getMessage()
    assert not tracing.enabled()


def test_the_log_shows_where_spans_go_and_no_password(caplog):
    caplog.set_level(logging.INFO)
    try:
        tracing.configure("image", "http://user:secret@127.0.0.1:1", 1.0)
        assert tracing.enabled()
        assert [record.getMessage() for record in caplog.records] == ["tracing to http://127.0.0.1:1/v1/traces"]
    finally:
        tracing.shut_down()


def test_nothing_happens_where_tracing_is_off():
    assert tracing.serve("call", {}, {"traceparent": SAMPLED}) is NOTHING
    with tracing.inside("work", {}) as span, tracing.resumed("postcard", {}, SAMPLED) as other:
        assert span is other is tracing.current() is NOTHING
        assert tracing.outgoing() is None
    assert tracing.traceparent() == tracing.trace_id() == ""
    with tracing.apart():
        assert tracing.current() is NOTHING
    tracing.shut_down()


def test_a_call_goes_on_with_the_trace_of_its_caller(spans):
    def call():
        span = tracing.serve("call", {"rpc.system.name": "grpc"}, {"traceparent": SAMPLED, "tracestate": "vendor=1"})
        with tracing.inside("work", {"number": 3}):
            sent = dict(tracing.outgoing())
            assert tracing.trace_id() == TRACE
        span.end()
        return sent

    sent = apart(call)
    work, served = spans.get_finished_spans()
    assert f"{served.context.trace_id:032x}" == f"{work.context.trace_id:032x}" == TRACE
    assert parent_of(served) == PARENT
    assert served.kind.name == "SERVER"
    assert parent_of(work) == f"{served.context.span_id:016x}"
    assert work.attributes == {"number": 3}
    assert sent == {"traceparent": f"00-{TRACE}-{work.context.span_id:016x}-01", "tracestate": "vendor=1"}


def test_what_the_caller_does_not_record_nobody_records_and_everybody_is_told(spans):
    def call():
        tracing.serve("call", {}, {"traceparent": NOT_SAMPLED}).end()
        with tracing.inside("work", {}) as span:
            assert span is NOTHING
            assert tracing.trace_id() == ""
            return dict(tracing.outgoing())

    assert apart(call)["traceparent"].endswith("-00")
    assert not spans.get_finished_spans()


@settings(max_examples=50)
@given(st.text(max_size=80) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.?", fullmatch=True))
def test_whatever_a_caller_sends_a_span_is_made(traceparent):
    tracing.use(Otel(TracerProvider(shutdown_on_exit=False)))
    try:

        def call():
            tracing.serve("call", {}, {"traceparent": traceparent}).end()
            return tracing.traceparent()

        assert len(apart(call)) == len(SAMPLED)
    finally:
        tracing.use(None)


def test_what_runs_in_the_background_makes_no_trace(spans):
    def background():
        with tracing.inside("store list", {}) as span:
            assert span is NOTHING
        assert tracing.begin("work", {}) is NOTHING

    apart(background)
    assert not spans.get_finished_spans()


def test_what_is_done_again_and_again_stays_apart(spans):
    async def main():
        async def renewing():
            with tracing.apart(), tracing.inside("store put", {}) as span:
                assert span is NOTHING
                assert tracing.traceparent() == ""

        with tracing.resumed("postcard", {}, ""):
            await asyncio.create_task(renewing())
            await renewing()
            with tracing.inside("card", {}) as span:
                assert span is not NOTHING

    asyncio.run(main())
    assert [span.name for span in spans.get_finished_spans()] == ["card", "postcard"]


def test_a_trace_that_was_kept_goes_on(spans):
    def make():
        with tracing.resumed("postcard", {}, SAMPLED):
            assert tracing.traceparent().startswith(f"00-{TRACE}-")

    apart(make)
    (span,) = spans.get_finished_spans()
    assert parent_of(span) == PARENT


def test_a_failure_is_named_and_not_quoted(spans):
    def fail():
        with tracing.resumed("postcard", {}, ""), tracing.inside("work", {}, kind=Kind.CLIENT):
            raise ValueError("the password is swordfish")

    with pytest.raises(ValueError, match="swordfish"):
        apart(fail)
    work, postcard = spans.get_finished_spans()
    assert work.attributes["error.type"] == postcard.attributes["error.type"] == "ValueError"
    assert not work.status.is_ok
    assert "swordfish" not in work.to_json() + postcard.to_json()


def test_what_was_expected_and_what_was_cancelled_is_no_failure(spans):
    def expect():
        with tracing.resumed("postcard", {}, ""), tracing.inside("store get", {}, expected=(KeyError,)):
            raise KeyError

    def cancel():
        with tracing.resumed("postcard", {}, ""):
            raise asyncio.CancelledError

    with pytest.raises(KeyError):
        apart(expect)
    with pytest.raises(asyncio.CancelledError):
        apart(cancel)
    get, _, cancelled = spans.get_finished_spans()
    assert get.attributes == {"postcards.outcome": "KeyError"}
    assert cancelled.attributes == {"postcards.outcome": "cancelled"}
    assert get.status.status_code is cancelled.status.status_code
    assert get.status.status_code.name == "UNSET"


class Unreliable(SpanExporter):
    """Does as the list says."""

    def __init__(self, *outcomes: SpanExportResult | Exception) -> None:
        self._outcomes = list(outcomes)

    def export(self, spans):
        del spans
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_lost_spans_are_told_of_once(caplog):
    caplog.set_level(logging.INFO)
    lost, sent = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    outcomes = [sent, lost, OSError("gone"), lost, sent, sent, lost]
    outbox = Outbox(Unreliable(*outcomes))
    for _ in outcomes:
        outbox.export([])
    said = ["lost" if "lost" in record.getMessage() else "again" for record in caplog.records]
    assert said == ["lost", "again", "lost"]


def test_the_end_waits_for_no_receiver():
    hanging, let_go = threading.Event(), threading.Event()

    class Hanging(SpanExporter):
        def export(self, spans):
            del spans
            return SpanExportResult.SUCCESS

        def shutdown(self):
            hanging.set()
            let_go.wait(60)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Hanging()))
    Otel(provider).close(0.05)
    assert hanging.wait(10)
    assert [thread.name for thread in threading.enumerate() if thread.name == "traces"] == ["traces"]
    let_go.set()


def test_names_of_the_surroundings_come_first(monkeypatch):
    assert resource_of("image").attributes["service.name"] == "postcards-image"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=zoo,deployment.environment.name=test")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "pictures")
    found = resource_of("image").attributes
    assert (found["service.name"], found["service.namespace"]) == ("pictures", "zoo")
    assert found["deployment.environment.name"] == "test"
