"""Traces: spans where tracing is on; where it is off, a comparison with None and nothing more.

Nothing of OpenTelemetry is imported before `configure` was told where to send spans. A span is begun inside another one
only, so that what runs in the background makes no traces of its own; a call from outside and the making of a postcard
are what may begin one. Standard library only.
"""

import contextlib
import logging
import os
from collections.abc import Generator, Iterable, Mapping
from importlib.util import find_spec
from urllib.parse import urlsplit

from postcards_serving.telemetry.spans import NOTHING, Attributes, Kind, Span, Tracing

Metadata = tuple[tuple[str, str], ...]

ENDPOINT = "POSTCARDS_TRACES_ENDPOINT"
FLUSH_SECONDS = 1.5
"""How long the end of a process waits for its last spans to leave."""
TRACEPARENT = "traceparent"
"""Metadata that carries a trace from caller to server, as W3C Trace Context spells it."""

_SIGNAL_PATH = "/v1/traces"

_log = logging.getLogger(__name__)


_NO_SPAN = contextlib.nullcontext(NOTHING)


_tracing: Tracing | None = None


def configure(service: str, endpoint: str, sample_ratio: float | None) -> None:
    """Turns tracing on where an endpoint is set: `endpoint`, or else one of OpenTelemetry's own variables.

    Whatever stands in the way is logged in one line; the process goes on without traces.

    Args:
        service: name of the service, e.g. "image".
        endpoint: base URL of an OTLP/HTTP receiver, e.g. "http://collector:4318"; empty: see above.
        sample_ratio: share of the traces begun here that are recorded, 0 to 1; None: as OTEL_TRACES_SAMPLER says.
    """
    url, trouble = resolve(endpoint, os.environ)
    if url and find_spec("opentelemetry") is None:
        trouble = "OpenTelemetry is not installed (pip install 'postcards-serving[tracing]')"
    if trouble:
        _log.warning("nothing is traced: %s", trouble)
        return
    if not url:
        return
    try:
        from postcards_serving.telemetry.otel import Otel
    except ImportError as missing:
        _log.warning(
            "nothing is traced: a part of OpenTelemetry is missing (pip install 'postcards-serving[tracing]'): %s",
            missing,
        )
        return
    use(Otel.exporting(service, url, sample_ratio))
    _log.info("tracing to %s", _shown(url))


def resolve(endpoint: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """The URL that spans are sent to, or why there is none though an endpoint is set. Both empty: tracing is off.

    Args:
        endpoint: what the settings say; a base URL gets the path of the signal, as OTEL_EXPORTER_OTLP_ENDPOINT does.
        environment: where the variables of OpenTelemetry are.
    """
    own = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    base = endpoint or ("" if own else environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""))
    url = base or own
    if not url or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "", ""
    variable = ENDPOINT if endpoint else "OTEL_EXPORTER_OTLP_ENDPOINT" if base else "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "", f"{variable} must be a URL such as http://collector:4318"
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol and protocol != "http/protobuf":
        return "", f"spans leave as http/protobuf, mostly to port 4318, not as {protocol} (OTEL_EXPORTER_OTLP_PROTOCOL)"
    if base and not parts.path.endswith(_SIGNAL_PATH):
        url = parts._replace(path=parts.path.rstrip("/") + _SIGNAL_PATH).geturl()
    return url, ""


def use(tracing: Tracing | None) -> None:
    """Makes spans of everything from now on; None turns tracing off."""
    global _tracing
    _tracing = tracing


def shut_down(timeout: float = FLUSH_SECONDS) -> None:
    """Sends the last spans, for `timeout` seconds at most, and turns tracing off."""
    tracing = _tracing
    use(None)
    if tracing is not None:
        tracing.close(timeout)


def enabled() -> bool:
    """Whether tracing is on."""
    return _tracing is not None


def current() -> Span:
    """The span that the present task or thread works in."""
    return NOTHING if _tracing is None else _tracing.current()


def trace_id() -> str:
    """Id of the present trace, 32 hex digits; empty when nothing is recorded."""
    return "" if _tracing is None else _tracing.trace_id()


def traceparent() -> str:
    """The present span as W3C Trace Context spells it; empty without one."""
    return "" if _tracing is None else _tracing.carrier().get(TRACEPARENT, "")


def outgoing() -> Metadata | None:
    """Metadata of a call that goes on with the present trace in another process; None without one."""
    return None if _tracing is None else tuple(_tracing.carrier().items()) or None


def begin(
    name: str,
    attributes: Attributes,
    *,
    parent: Span | None = None,
    links: Iterable[Span] = (),
    at: int | None = None,
) -> Span:
    """A span to be ended by hand, inside `parent` or the present one.

    Args:
        name: one of few.
        attributes: says more.
        parent: what it is a piece of. Default: the present span.
        links: spans that it has to do with.
        at: when it began, in nanoseconds since 1970. Default: now.
    """
    if _tracing is None or parent is NOTHING:
        return NOTHING
    return _tracing.begin(name, Kind.INTERNAL, attributes, parent=parent, links=links, at=at)


def serve(name: str, attributes: Attributes, metadata: Mapping[str, str]) -> Span:
    """The span of a call that came from outside, present for the rest of this task; to be ended by hand."""
    if _tracing is None:
        return NOTHING
    span = _tracing.adopt(name, Kind.SERVER, attributes, metadata)
    # Never restored: the task ends with its call, and a generator may be closed in another context.
    _tracing.present(span)
    return span


@contextlib.contextmanager
def apart() -> Generator[None]:
    """Around a block of code that works in no span: what is done again and again would fill a trace."""
    tracing = _tracing
    if tracing is None:
        yield
        return
    token = tracing.present(NOTHING)
    try:
        yield
    finally:
        tracing.restore(token)


def inside(
    name: str,
    attributes: Attributes,
    *,
    kind: Kind = Kind.INTERNAL,
    expected: tuple[type[BaseException], ...] = (),
) -> contextlib.AbstractContextManager[Span]:
    """A span inside the present one, around a block of code; it fails with what the block raises.

    Args:
        name: one of few.
        attributes: says more.
        kind: what it stands for.
        expected: exceptions that are no failure.
    """
    tracing = _tracing
    span = NOTHING if tracing is None else tracing.begin(name, kind, attributes)
    return _NO_SPAN if tracing is None or span is NOTHING else _around(tracing, span, expected)


def resumed(name: str, attributes: Attributes, traceparent: str) -> contextlib.AbstractContextManager[Span]:
    """A span around a block of code that goes on with a trace kept elsewhere; without one it begins a trace."""
    tracing = _tracing
    if tracing is None:
        return _NO_SPAN
    carrier = {TRACEPARENT: traceparent} if traceparent else {}
    return _around(tracing, tracing.adopt(name, Kind.INTERNAL, attributes, carrier), ())


@contextlib.contextmanager
def _around(tracing: Tracing, span: Span, expected: tuple[type[BaseException], ...]) -> Generator[Span]:
    token = tracing.present(span)
    try:
        yield span
    except expected as outcome:
        span.set({"postcards.outcome": type(outcome).__name__})
        raise
    except Exception as fault:
        span.fail(type(fault).__name__)
        raise
    except BaseException:
        span.set({"postcards.outcome": "cancelled"})
        raise
    finally:
        tracing.restore(token)
        span.end()


def _shown(url: str) -> str:
    """A URL without what may be secret in it."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"
