"""Traces: a program that uses OpenTelemetry sees the calls of its client.

Without it nothing of OpenTelemetry is imported, and a call costs one look into a table more.
"""

import contextlib
import sys
from collections.abc import Generator
from dataclasses import dataclass

import grpc.aio

Metadata = tuple[tuple[str, str], ...]

SCOPE = "postcards_client"


@dataclass(frozen=True)
class Outgoing:
    """What a traced call sends along."""

    metadata: Metadata | None = None
    """Metadata that carries the trace; None where there is none."""


@contextlib.contextmanager
def calling(method: str) -> Generator[Outgoing]:
    """Around one call of a server: a span of it, where the program that runs here has OpenTelemetry in use.

    Args:
        method: full name, e.g. "postcards.composer.v1.PostcardService/GetPostcard".
    """
    if "opentelemetry.trace" not in sys.modules:
        yield Outgoing()
        return
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    attributes = {"rpc.system.name": "grpc", "rpc.method": method}
    tracer = trace.get_tracer(SCOPE, client_version())
    # Not made the present span: a stream is an iterator, and may be left in another context than it was begun in.
    span = tracer.start_span(method, kind=trace.SpanKind.CLIENT, attributes=attributes)
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(span))
    code = "OK"
    try:
        yield Outgoing(tuple(carrier.items()) or None)
    except grpc.aio.AioRpcError as error:
        code = error.code().name
        span.set_attribute("error.type", code)
        span.set_status(trace.StatusCode.ERROR)
        raise
    except BaseException:
        code = "CANCELLED"
        raise
    finally:
        span.set_attribute("rpc.response.status_code", code)
        span.end()


def client_version() -> str:
    """The version of this package, empty where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("postcards-client")
    except PackageNotFoundError:
        return ""
