"""The postcards that this process makes at present."""

import asyncio
import contextlib
import logging
from collections.abc import Generator, Mapping
from datetime import timedelta
from functools import partial

from postcards_composer.making.events import EventStream
from postcards_composer.making.job import Job, JobSettings
from postcards_composer.making.lease import Lease
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.parts.services import PartService
from postcards_composer.postcards import clock
from postcards_composer.postcards.manifest import LeaseRecord, PartKind, PartState
from postcards_composer.store.manifests import Archive, StoredManifest
from postcards_serving.errors import Overloaded, Unavailable
from postcards_serving.moving_average import MovingAverage
from postcards_serving.telemetry import tracing
from postcards_serving.telemetry.logging import REQUEST_ID

_log = logging.getLogger(__name__)

_FIRST_GUESS_SECONDS = 5.0
_UNFINISHED = (PartState.PENDING, PartState.RUNNING)


class RunningJobs:
    """A bounded number of jobs, each a task of its own."""

    def __init__(
        self,
        archive: Archive,
        services: Mapping[PartKind, PartService],
        metrics: ComposerMetrics,
        settings: JobSettings,
        *,
        holder: str,
        places: int,
    ) -> None:
        """Makes at most `places` postcards at once, holding their leases as `holder`."""
        self.holder = holder
        self._archive = archive
        self._services = services
        self._metrics = metrics
        self._settings = settings
        self._places = places
        self._reserved = 0
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.closing = False
        self._average = MovingAverage(_FIRST_GUESS_SECONDS)
        metrics.capacity.set(places)
        metrics.in_flight.set(0)
        for kind in PartKind:
            # Asked anew by every scrape: a service that was scaled to nothing is woken by this alone.
            metrics.parts_wanted.labels(kind.value).set_function(partial(self._wanted, kind))

    def reserve(self) -> contextlib.AbstractContextManager[None]:
        """Holds a place from before a postcard is promised until its job has begun.

        Raises:
            Overloaded: every place is taken.
            Unavailable: the process is going down.
        """
        if self.closing:
            raise Unavailable("the composer is shutting down", reason="SHUTTING_DOWN")
        if not self.has_room:
            self._metrics.refused.inc()
            raise Overloaded(
                max(0.5, self._average.value / self._places),
                f"{self._places} postcards are being made already",
                metadata={"max_in_flight": str(self._places)},
            )
        return self._reservation()

    @property
    def has_room(self) -> bool:
        """Whether another postcard may be begun."""
        return not self.closing and len(self._jobs) + self._reserved < self._places

    def new_lease(self) -> LeaseRecord:
        """A lease of this process, from now."""
        return LeaseRecord(self.holder, clock.now() + timedelta(seconds=self._settings.lease_seconds))

    def begin(self, kept: StoredManifest) -> None:
        """Begins to make a postcard whose lease this process holds."""
        manifest = kept.manifest
        feed = EventStream(manifest)
        lease = Lease(
            self._archive,
            kept,
            holder=self.holder,
            lease_seconds=self._settings.lease_seconds,
            published=feed.publish,
        )
        job = Job(self._archive, lease, feed, self._services, self._metrics, self._settings)
        self._jobs[manifest.id] = job
        self._tasks[manifest.id] = asyncio.create_task(self._run(job), name=f"postcard {manifest.id}")
        self._metrics.in_flight.set(len(self._jobs))

    def is_making(self, postcard_id: str) -> bool:
        """Whether this process makes that postcard at present."""
        return postcard_id in self._jobs

    def feed(self, postcard_id: str) -> EventStream | None:
        """The events of a postcard; None when this process does not make it."""
        job = self._jobs.get(postcard_id)
        return None if job is None else job.feed

    async def stop(self, postcard_id: str) -> None:
        """Ends the making of a postcard, if this process makes it, and returns when it has ended."""
        task = self._tasks.get(postcard_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self, grace: float) -> None:
        """Begins nothing more, lets jobs end for `grace` seconds, and leaves the others to another process."""
        self.closing = True
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)

    def _wanted(self, kind: PartKind) -> int:
        """How many postcards still lack this part. Called on the thread of a scrape."""
        return sum(job.manifest.part(kind).state in _UNFINISHED for job in tuple(self._jobs.values()))

    async def _run(self, job: Job) -> None:
        postcard_id = job.manifest.id
        REQUEST_ID.set(postcard_id)
        begun = asyncio.get_running_loop().time()
        try:
            await _traced(job)
        except Exception:
            # Its lease will lapse, and some process take it up.
            _log.exception("the making of a postcard broke off")
        finally:
            # A repair may have begun another job of this postcard while this one came to its end.
            if self._jobs.get(postcard_id) is job:
                del self._jobs[postcard_id], self._tasks[postcard_id]
            self._metrics.in_flight.set(len(self._jobs))
            self._average.take(asyncio.get_running_loop().time() - begun)

    @contextlib.contextmanager
    def _reservation(self) -> Generator[None]:
        self._reserved += 1
        try:
            yield
        finally:
            self._reserved -= 1


async def _traced(job: Job) -> None:
    """Runs a job inside the trace of the request that it began with, whichever process took that."""
    manifest = job.manifest
    attributes = {
        "postcards.id": manifest.id,
        "postcards.round": manifest.round,
        "postcards.takeovers": manifest.takeovers,
    }
    with tracing.resumed("postcard", attributes, manifest.traceparent) as span:
        await job.run()
        span.set({"postcards.state": job.manifest.state.value})
