"""A small receiver of OTLP over HTTP on loopback, that keeps the spans it is sent."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass(frozen=True)
class Seen:
    """A span as it arrived."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    begun: int
    ended: int
    failed: bool
    attributes: dict[str, object]
    events: tuple[str, ...]
    links: tuple[str, ...]


@dataclass
class Receiver:
    """What has arrived."""

    endpoint: str = ""
    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    status: int = 200
    """What the next senders are answered with."""

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def children(self, span: Seen) -> list[Seen]:
        found = [other for other in self.spans if (other.trace, other.parent) == (span.trace, span.id)]
        return sorted(found, key=lambda other: other.begun)

    def tree(self, span: Seen, depth: int = 0) -> str:
        """A span and what is below it, for people."""
        lines = [f"{'  ' * depth}{span.service} {span.name} {(span.ended - span.begun) / 1e6:.1f} ms"]
        return "\n".join([*lines, *(self.tree(child, depth + 1) for child in self.children(span))])

    def take(self, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as collector

        self.bodies.append(body)
        for part in collector.ExportTraceServiceRequest.FromString(body).resource_spans:
            service = plain(part.resource.attributes)["service.name"]
            self.spans += [seen(service, span) for scope in part.scope_spans for span in scope.spans]


def seen(service: str, span) -> Seen:
    return Seen(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        begun=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        failed=span.status.code == 2,
        attributes=plain(span.attributes),
        events=tuple(event.name for event in span.events),
        links=tuple(link.span_id.hex() for link in span.links),
    )


def plain(attributes) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that listens."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.status == 200 and self.path == "/v1/traces":
                kept.take(body)
            self.send_response(kept.status if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()
