"""Trying a part until it is there, its service stays away too long, or the time is over."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from postcards_client.backoff import backoff
from postcards_client.errors import DataLost
from postcards_composer.parts.failures import Failure, PartFailed, failure_of
from postcards_composer.parts.services import Outcome, PartService, Report
from postcards_composer.postcards.manifest import Manifest, PartError
from postcards_serving.engine.work import Preview, Progress
from postcards_serving.errors import ServiceError
from postcards_serving.telemetry import tracing

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
_MOST_BROKEN_OFF = 3
"""How many tries may break off after they had begun: work that brings its server down must not do so for ever."""


@dataclass(frozen=True)
class FinishedPart:
    """A part, and what it took."""

    outcome: Outcome
    """The part."""
    retries: int
    """Tries after the first."""


async def make_part(
    service: PartService,
    manifest: Manifest,
    *,
    remaining: Callable[[], float],
    patience: float,
    report: Report,
    count_retry: Callable[[], None],
) -> FinishedPart:
    """Has a part made, trying again while its service is away or full.

    Args:
        service: makes the part.
        manifest: the postcard that it is for.
        remaining: seconds left for the whole postcard, now.
        patience: seconds for which a service may show no sign of life. One that says when to come back does show life,
            so that only the time for the postcard limits the waiting for it.
        report: takes progress, waiting included.
        count_retry: called before every try after the first.

    Raises:
        PartFailed: it could not be made.
    """
    retries = 0
    broken_off = 0
    begun = False
    last_sign = time.monotonic()
    failure: Failure | None = None

    def listen(event: Progress | Preview) -> None:
        nonlocal begun, last_sign
        begun = True
        last_sign = time.monotonic()
        report(event)

    while True:
        if remaining() <= 0:
            # What kept it from being made says more than that the time is over.
            raise PartFailed(failure.error if failure else _too_late(service), retries)
        try:
            return FinishedPart(await _attempt(service, manifest, remaining(), listen, retries), retries)
        except (grpc.aio.AioRpcError, DataLost, ServiceError) as problem:
            failure = failure_of(service.kind, problem)
        broken_off += begun
        begun = False
        pause = _pause(failure, retries)
        silent = failure.retry_after is None and time.monotonic() + pause - last_sign > patience
        if not failure.transient or silent or broken_off >= _MOST_BROKEN_OFF or pause >= remaining():
            raise PartFailed(failure.error, retries)
        report(Progress("waiting", predicted_wait=pause))
        tracing.current().event("retry", {"postcards.reason": failure.error.reason, "postcards.pause_seconds": pause})
        await asyncio.sleep(pause)
        retries += 1
        count_retry()


async def _attempt(service: PartService, manifest: Manifest, timeout: float, report: Report, retries: int) -> Outcome:
    """One try, as a span of the call that it makes."""
    attributes = {"rpc.system.name": "grpc", "rpc.method": service.method, "postcards.retries": retries}
    with tracing.inside(service.method, attributes, kind=tracing.Kind.CLIENT) as span:
        try:
            outcome = await service.make(manifest, timeout, report)
        except grpc.aio.AioRpcError as problem:
            span.set({"rpc.response.status_code": problem.code().name})
            raise
        span.set({"rpc.response.status_code": "OK"})
        return outcome


def _pause(failure: Failure, retries: int) -> float:
    """Seconds until the next try: what the service said, or a growing and jittered pause."""
    if failure.retry_after is not None:
        return failure.retry_after * random.uniform(1.0, 1.5)  # noqa: S311 - jitter is no secret
    return backoff(retries + 1, _FIRST_PAUSE, _LONGEST_PAUSE)


def _too_late(service: PartService) -> PartError:
    return PartError("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", f"no time was left for the {service.kind.value} part")
