"""Spans of one command, sent where the environment names an endpoint."""

import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

T = TypeVar("T")

ENDPOINT = "POSTCARDS_TRACES_ENDPOINT"
FLUSH_SECONDS = 1.0
"""How long the end of a command waits for its spans to leave."""

_SCOPE = "postcards_cli"
_SIGNAL_PATH = "/v1/traces"
_UNTRACED = {"up", "doctor", "fetch_models", "load"}
"""Commands that ask no composer for anything, or for so much that each request had better be a trace of its own."""


class CommandTrace:
    """The trace of one command of the command line, where an endpoint for traces is set."""

    def __init__(self, name: str) -> None:
        """Begins nothing yet; `name` is that of the command."""
        self._name = name
        self._provider: TracerProvider | None = None

    async def follow(self, command: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs a command inside a span of it, and tells the id of the trace on standard error."""
        self._provider = None if self._name in _UNTRACED else _provider()
        if self._provider is None:
            return await command()
        from opentelemetry import trace

        with self._provider.get_tracer(_SCOPE, _version()).start_as_current_span(
            f"postcards {self._name}", record_exception=False, set_status_on_exception=False
        ) as span:
            found = span.get_span_context()
            if found.trace_flags.sampled:
                print(f"trace {trace.format_trace_id(found.trace_id)}", file=sys.stderr)
            return await command()

    def close(self, timeout: float = FLUSH_SECONDS) -> None:
        """Sends what is left, for `timeout` seconds at most."""
        if self._provider is not None:
            closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
            closing.start()
            closing.join(timeout)


def _provider() -> "TracerProvider | None":
    """What sends the spans of this process; None where no endpoint is set or OpenTelemetry is missing."""
    url = endpoint()
    if not url:
        return None
    try:
        import logging

        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        print(
            "postcards: nothing is traced: OpenTelemetry is not installed (pip install 'postcards-cli[tracing]')",
            file=sys.stderr,
        )
        return None
    # A receiver that is away is no concern of who waits for a postcard.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    ours = Resource(
        {"service.name": "postcards-client", "service.namespace": "postcards", "service.version": _version()}
    )
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    trace.set_tracer_provider(provider)
    return provider


def endpoint() -> str:
    """Where spans are sent to, by the variables that the services read too; empty: nowhere."""
    own = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    base = os.environ.get(ENDPOINT) or ("" if own else os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""))
    url = base or own
    parts = urlsplit(url)
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or protocol not in (None, "", "http/protobuf")
    if off or parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    if not base or parts.path.endswith(_SIGNAL_PATH):
        return url
    return parts._replace(path=parts.path.rstrip("/") + _SIGNAL_PATH).geturl()


def _version() -> str:
    """The version of this package, empty where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("postcards-cli")
    except PackageNotFoundError:
        return ""
