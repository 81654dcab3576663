"""The numbers that every service exports, under names that dashboards know.

RPC metrics bear the names of go-grpc-prometheus; our own begin with `postcards_`. They live in the default registry of
the process, and each is exported as zero from the start: an autoscaler reads a missing series as nothing at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIServer

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram

from postcards_serving.errors import Code

# Engines count too, and they run where protobuf is not installed.
if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

prometheus_client.disable_created_metrics()

_PACKAGE = "postcards-serving"
"""Package whose version is told: all of ours bear the same."""

_RPC_LABELS = ("grpc_type", "grpc_service", "grpc_method")
_RPC_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_WORK_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_STEP_BUCKETS = (0.001, 0.0025, 0.005, *_WORK_BUCKETS[:-2])
_ROW_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128)

RPC_STARTED = Counter("grpc_server_started", "RPCs started on the server.", _RPC_LABELS)
RPC_HANDLED = Counter("grpc_server_handled", "RPCs completed on the server, by code.", (*_RPC_LABELS, "grpc_code"))
RPC_SECONDS = Histogram(
    "grpc_server_handling_seconds", "Time from start to end of an RPC.", _RPC_LABELS, buckets=_RPC_BUCKETS
)
RPC_RECEIVED = Counter("grpc_server_msg_received", "Stream messages received by the server.", _RPC_LABELS)
RPC_SENT = Counter("grpc_server_msg_sent", "Stream messages sent by the server.", _RPC_LABELS)

BUILD_INFO = Gauge("postcards_build_info", "1, with the version that runs.", ("version",))
SERVING = Gauge("postcards_serving", "1 while the health service says SERVING, else 0.")
START_SECONDS = Gauge(
    "postcards_start_duration_seconds", "Time from opening the port to SERVING, loading included; 0 before that."
)

QUEUE_DEPTH = Gauge("postcards_queue_depth", "Requests that wait for a place.")
QUEUE_LIMIT = Gauge("postcards_queue_limit", "Requests that may wait.")
QUEUE_OLDEST = Gauge(
    "postcards_queue_oldest_wait_seconds", "How long the first request in the queue has waited; 0 if there is none."
)
QUEUE_WAIT = Gauge(
    "postcards_queue_predicted_wait_seconds", "Expected wait of a request that came now, from recent durations."
)
IN_FLIGHT = Gauge("postcards_in_flight_rows", "Requests being worked on.")
IN_FLIGHT_LIMIT = Gauge("postcards_in_flight_rows_limit", "Requests that are worked on at once at most.")
REJECTED = Counter("postcards_queue_rejected", "Requests turned away because the queue was full.")
STEP_SECONDS = Histogram(
    "postcards_step_duration_seconds", "Time of one step of a stage.", ("engine", "stage"), buckets=_WORK_BUCKETS
)
PART_SECONDS = Histogram(
    "postcards_part_duration_seconds",
    "Time from begin to end of one part, without its time in the queue, by outcome.",
    ("engine", "outcome"),
    buckets=_WORK_BUCKETS,
)

LOAD_FAILURES = Counter("postcards_load_failures", "Attempts to load what is to be served that failed.")
FALLBACKS = Counter(
    "postcards_fallbacks",
    "Parts that another engine made because the main one failed.",
    ("engine", "fallback", "reason"),
)

BATCH_ROWS = Gauge("postcards_batch_rows_in_flight", "Rows that take part in the steps of a batch.", ("engine",))
BATCH_WAITING = Gauge("postcards_batch_rows_waiting", "Rows that wait for a place in a batch.", ("engine",))
BATCH_BUDGET = Gauge(
    "postcards_batch_budget",
    "What the rows of a batch may cost together at present, in the engine's own unit; lower while memory is short.",
    ("engine",),
)
BATCH_COST = Gauge("postcards_batch_cost_in_flight", "What the rows aboard cost together, in that unit.", ("engine",))
BATCH_CHORES_WAITING = Gauge(
    "postcards_batch_chores_waiting", "Chores (text encoding, decoding) that wait for their turn.", ("engine",)
)
BATCH_PRESENT_STEP = Gauge(
    "postcards_batch_present_step_seconds",
    "Seconds since the step or chore that runs now began, 0 between them. It keeps growing when one is stuck.",
    ("engine",),
)
BATCH_STEP_ROWS = Histogram("postcards_batch_step_rows", "Rows that shared a step.", ("engine",), buckets=_ROW_BUCKETS)
BATCH_STEP_SECONDS = Histogram(
    "postcards_batch_step_duration_seconds", "Time of one shared step.", ("engine",), buckets=_STEP_BUCKETS
)
BATCH_CHORE_SECONDS = Histogram(
    "postcards_batch_chore_duration_seconds", "Time of one chore between steps.", ("engine",), buckets=_STEP_BUCKETS
)
BATCH_FAILED_STEPS = Counter(
    "postcards_batch_failed_steps", "Steps that failed; those that were shared are taken again in halves.", ("engine",)
)
BATCH_OUT_OF_MEMORY = Counter(
    "postcards_batch_out_of_memory", "Steps and chores for which there was not enough memory.", ("engine",)
)
BATCH_REJECTED = Counter(
    "postcards_batch_rows_rejected", "Rows turned away because as many were waiting as may.", ("engine",)
)
BATCH_ENDED = Counter("postcards_batch_rows_ended", "Rows that left a batch, by outcome.", ("engine", "outcome"))

BATCH_OUTCOMES = ("finished", "failed", "cancelled", "expired")
"""How the way of a row through a batch may end."""

PART_OUTCOMES = ("done", "failed", "cancelled")
"""How the making of a part may end."""

_CODE_NAMES = {
    code: "".join(word.capitalize() for word in code.value.split("_")) for code in Code if code is not Code.CANCELLED
} | {Code.CANCELLED: "Canceled"}


def code_label(code: Code | None) -> str:
    """The value of the label `grpc_code`: Go's spelling of a code, e.g. "NotFound"; None is "OK"."""
    return "OK" if code is None else _CODE_NAMES[code]


def method_type(method: "MethodDescriptor") -> str:
    """The value of the label `grpc_type`."""
    return rpc_type(method.client_streaming, method.server_streaming)


def rpc_type(request_streaming: bool, response_streaming: bool) -> str:
    """The value of the label `grpc_type`."""
    if request_streaming:
        return "bidi_stream" if response_streaming else "client_stream"
    return "server_stream" if response_streaming else "unary"


def export_zeros_of_services(services: "Iterable[ServiceDescriptor]") -> None:
    """Makes every RPC series of the services appear with zero."""
    for service in services:
        for method in service.methods:
            labels = (method_type(method), service.full_name, method.name)
            for metric in (RPC_STARTED, RPC_SECONDS, RPC_RECEIVED, RPC_SENT):
                metric.labels(*labels)
            for code in (None, *Code):
                RPC_HANDLED.labels(*labels, code_label(code))


def export_zeros_of_engine(engine: str, stages: Iterable[str]) -> None:
    """Makes every step and part series of an engine appear with zero."""
    for stage in stages:
        STEP_SECONDS.labels(engine, stage)
    for outcome in PART_OUTCOMES:
        PART_SECONDS.labels(engine, outcome)


def export_zeros_of_fallback(engine: str, fallback: str, reasons: Iterable[str]) -> None:
    """Makes every series of an engine that another stands behind appear with zero."""
    for reason in reasons:
        FALLBACKS.labels(engine, fallback, reason)


@dataclass(frozen=True)
class BatchSeries:
    """The series of one engine's batch."""

    rows: Gauge
    waiting: Gauge
    budget: Gauge
    cost: Gauge
    chores_waiting: Gauge
    present_step: Gauge
    step_rows: Histogram
    step_seconds: Histogram
    chore_seconds: Histogram
    failed_steps: Counter
    out_of_memory: Counter
    rejected: Counter
    ended: Mapping[str, Counter]
    """By outcome."""


def batch_series(engine: str) -> BatchSeries:
    """The series of an engine's batch, each of which appears with zero."""
    return BatchSeries(
        BATCH_ROWS.labels(engine),
        BATCH_WAITING.labels(engine),
        BATCH_BUDGET.labels(engine),
        BATCH_COST.labels(engine),
        BATCH_CHORES_WAITING.labels(engine),
        BATCH_PRESENT_STEP.labels(engine),
        BATCH_STEP_ROWS.labels(engine),
        BATCH_STEP_SECONDS.labels(engine),
        BATCH_CHORE_SECONDS.labels(engine),
        BATCH_FAILED_STEPS.labels(engine),
        BATCH_OUT_OF_MEMORY.labels(engine),
        BATCH_REJECTED.labels(engine),
        {outcome: BATCH_ENDED.labels(engine, outcome) for outcome in BATCH_OUTCOMES},
    )


def serve_metrics(address: str, port: int) -> WSGIServer:
    """Serves the registry over HTTP on a thread of its own; port 0 lets the system choose (see `server_port`).

    Raises:
        OSError: the address cannot be listened on.
    """
    BUILD_INFO.labels(version(_PACKAGE)).set(1)
    server, _ = prometheus_client.start_http_server(port, address)
    return server
