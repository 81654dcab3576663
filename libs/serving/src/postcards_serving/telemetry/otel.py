"""Spans by OpenTelemetry's SDK, sent in the background as OTLP over HTTP.

Imported by `postcards_serving.telemetry.tracing.configure`, and only where tracing is on.
"""

import contextlib
import contextvars
import logging
import os
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Self, cast

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import INVALID_SPAN, Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from postcards_serving.telemetry.spans import NOTHING, Attributes, Kind, Span, Tracing

_KINDS = {Kind.INTERNAL: SpanKind.INTERNAL, Kind.SERVER: SpanKind.SERVER, Kind.CLIENT: SpanKind.CLIENT}
_PROPAGATOR = TraceContextTextMapPropagator()

_log = logging.getLogger(__name__)


class OtelSpan(Span):
    """A span of OpenTelemetry as the rest of the code sees it."""

    __slots__ = ("span",)

    def __init__(self, span: trace.Span) -> None:
        """Speaks for `span`, which may be one that is not recorded."""
        self.span = span

    @override
    def set(self, attributes: Attributes) -> None:
        self.span.set_attributes(attributes)

    @override
    def event(self, name: str, attributes: Attributes) -> None:
        self.span.add_event(name, attributes)

    @override
    def fail(self, kind: str) -> None:
        self.span.set_attribute("error.type", kind)
        self.span.set_status(Status(StatusCode.ERROR))

    @override
    def end(self, at: int | None = None) -> None:
        self.span.end(at)


class Otel(Tracing):
    """Makes spans of one process. See `postcards_serving.telemetry.spans.Tracing`."""

    def __init__(self, provider: TracerProvider) -> None:
        """Makes spans with `provider`, which it closes at the end."""
        self._provider = provider
        self._tracer = provider.get_tracer("postcards", _version())

    @classmethod
    def exporting(cls, service: str, url: str, sample_ratio: float | None) -> Self:
        """Sends the spans of `service` to `url` in batches; see `tracing.configure`."""
        if not _log.isEnabledFor(logging.DEBUG):
            # They would tell of each batch that is lost; `Outbox` tells of the first.
            logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        provider = TracerProvider(
            sampler=None if sample_ratio is None else ParentBasedTraceIdRatio(sample_ratio),
            resource=resource_of(service),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(BatchSpanProcessor(Outbox(OTLPSpanExporter(endpoint=url))))
        return cls(provider)

    @override
    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        *,
        parent: Span | None = None,
        links: Iterable[Span] = (),
        at: int | None = None,
    ) -> Span:
        above = parent.span if isinstance(parent, OtelSpan) else trace.get_current_span()
        if not above.get_span_context().trace_flags.sampled:
            return NOTHING
        return OtelSpan(
            self._tracer.start_span(
                name,
                trace.set_span_in_context(above, Context()),
                _KINDS[kind],
                attributes,
                [Link(other.span.get_span_context()) for other in links if isinstance(other, OtelSpan)],
                at,
            )
        )

    @override
    def adopt(self, name: str, kind: Kind, attributes: Attributes, carrier: Mapping[str, str]) -> Span:
        # A span that is not sampled is made all the same: it tells those below it so.
        return OtelSpan(
            self._tracer.start_span(name, _PROPAGATOR.extract(carrier, Context()), _KINDS[kind], attributes)
        )

    @override
    def present(self, span: Span) -> "contextvars.Token[object]":
        inner = span.span if isinstance(span, OtelSpan) else INVALID_SPAN
        return cast("contextvars.Token[object]", context.attach(trace.set_span_in_context(inner)))

    @override
    def restore(self, token: "contextvars.Token[object]") -> None:
        context.detach(cast("contextvars.Token[Context]", token))

    @override
    def current(self) -> Span:
        span = trace.get_current_span()
        return OtelSpan(span) if span.is_recording() else NOTHING

    @override
    def carrier(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier

    @override
    def trace_id(self) -> str:
        found = trace.get_current_span().get_span_context()
        return trace.format_trace_id(found.trace_id) if found.trace_flags.sampled else ""

    @override
    def close(self, timeout: float) -> None:
        # On a thread of its own: the SDK would wait for a dead receiver for half a minute.
        closing = threading.Thread(target=self._close, name="traces", daemon=True)
        closing.start()
        closing.join(timeout)

    def _close(self) -> None:
        with contextlib.suppress(Exception):
            self._provider.shutdown()


class Outbox(SpanExporter):
    """Sends through another exporter; says once that spans are lost, and once that they leave again."""

    def __init__(self, exporter: SpanExporter) -> None:
        """Begins in good faith."""
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends spans; never raises."""
        try:
            result = self._exporter.export(spans)
        except Exception as fault:
            _log.debug("spans were not sent", exc_info=fault)
            result = SpanExportResult.FAILURE
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            _log.warning("traces are lost: their receiver does not take them; said once until it does")
        elif self._failing and not failing:
            _log.info("traces are received again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        """Lets go of the connection."""
        self._exporter.shutdown()


def resource_of(service: str) -> Resource:
    """Who sends the spans: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before our own names."""
    ours = Resource(
        {
            "service.name": f"postcards-{service}",
            "service.namespace": "postcards",
            "service.version": _version(),
            "service.instance.id": uuid.uuid4().hex,
            "process.pid": os.getpid(),
        }
    )
    return ours.merge(OTELResourceDetector().detect())


def _version() -> str:
    try:
        return version("postcards-serving")
    except PackageNotFoundError:
        return ""
