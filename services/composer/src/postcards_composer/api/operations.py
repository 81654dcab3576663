"""What may be done with postcards. Raises errors of the service only."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace

from postcards_composer.making.events import Event
from postcards_composer.making.running_jobs import RunningJobs
from postcards_composer.making.watching import watch
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.postcards import clock, transitions
from postcards_composer.postcards.acceptance import accepted, content_fingerprint
from postcards_composer.postcards.create_request import CreateRequest
from postcards_composer.postcards.ids import postcard_id
from postcards_composer.postcards.manifest import Manifest, PartState, PostcardState
from postcards_composer.store import NotFound as NoSuchObject
from postcards_composer.store import PreconditionFailed
from postcards_composer.store.caller_errors import store_errors_for_caller
from postcards_composer.store.listing import Page, list_page
from postcards_composer.store.manifests import Archive, StoredManifest
from postcards_composer.store.part_files import PARTS_FILES, read_files
from postcards_serving.errors import AlreadyExists, FailedPrecondition, NotFound, Unavailable
from postcards_serving.telemetry import tracing

_RACES = 20


@dataclass(frozen=True)
class PostcardOperations:
    """Takes orders for postcards."""

    archive: Archive
    """Where they are kept."""
    jobs: RunningJobs
    """Where they are made."""
    metrics: ComposerMetrics
    """What is counted."""
    watch_interval: float
    """Seconds between looks at a postcard that another process makes."""

    async def create(self, request: CreateRequest) -> Manifest:
        """Accepts a postcard, durably, and begins to make it; a repetition finds the postcard of the first time."""
        with store_errors_for_caller():
            if request.request_id is not None:
                with contextlib.suppress(NoSuchObject):
                    return await self._first(request, postcard_id(request.request_id))
            with self.jobs.reserve():
                manifest = _traced(await asyncio.to_thread(accepted, request, self.jobs.new_lease()))
                try:
                    kept = await self.archive.reserve(manifest)
                except (PreconditionFailed, NoSuchObject):
                    try:
                        return await self._first(request, manifest.id)
                    except NoSuchObject:
                        raise _being_deleted() from None
                self.metrics.accepted.inc()
                self.jobs.begin(kept)
                return manifest

    async def get(self, postcard_id: str) -> Manifest:
        """The manifest of a postcard, as it is in the store.

        Raises:
            ServiceError: it does not exist, is being deleted, or the store failed.
        """
        with store_errors_for_caller():
            return await self._load(postcard_id)

    async def list_page(self, size: int, token: str) -> Page:
        """A page of postcards."""
        with store_errors_for_caller():
            return await list_page(self.archive, self.metrics, size, token)

    async def watch(self, postcard_id: str, after: int) -> AsyncGenerator[Event]:
        """What happens to a postcard."""
        self.metrics.watchers.inc()
        try:
            with store_errors_for_caller():
                events = watch(lambda: self._look(postcard_id), self.jobs, after, self.watch_interval)
                async with contextlib.aclosing(events):
                    async for event in events:
                        yield event
        finally:
            self.metrics.watchers.dec()

    async def cancel(self, postcard_id: str) -> Manifest:
        """Stops the making of a postcard."""

        def step(old: Manifest) -> Manifest:
            if old.state is not PostcardState.CREATING:
                raise FailedPrecondition(
                    f"the postcard is {old.state.name}, not CREATING",
                    reason="POSTCARD_NOT_CREATING",
                    metadata={"state": old.state.name},
                )
            return transitions.cancel(old, clock.now())

        with store_errors_for_caller():
            kept = await self._change(postcard_id, step)
            self.metrics.created.labels(kept.manifest.state.value).inc()
            await self.jobs.stop(postcard_id)
            await self.archive.forget_work(kept.manifest)
            return kept.manifest

    async def repair(self, postcard_id: str) -> Manifest:
        """Begins to make what is missing of a postcard."""
        with store_errors_for_caller():
            kept = await self._kept(postcard_id)
            if not kept.manifest.finished:
                raise FailedPrecondition("the postcard is being made", reason="POSTCARD_CREATING")
            if transitions.is_whole(kept.manifest) and await self._files_are_whole(kept.manifest):
                raise FailedPrecondition("nothing of the postcard is missing", reason="NOTHING_TO_REPAIR")
            with self.jobs.reserve():
                manifest = _traced(transitions.repair(kept.manifest, clock.now(), self.jobs.new_lease()))
                await self.archive.note_work(manifest)
                try:
                    kept = await self.archive.replace(kept, manifest)
                except (PreconditionFailed, NoSuchObject):
                    raise FailedPrecondition("the postcard was changed meanwhile", reason="POSTCARD_CHANGED") from None
                self.jobs.begin(kept)
                return manifest

    async def delete(self, postcard_id: str) -> None:
        """Deletes a postcard. What another process is making is gone for callers at once, its files a little later."""
        with store_errors_for_caller():
            kept = await self._change(postcard_id, lambda old: transitions.delete(old, clock.now()), noted=True)
            lease = kept.manifest.lease
            await self.jobs.stop(postcard_id)
            if lease is None or lease.holder == self.jobs.holder:
                await self.archive.erase(kept.manifest)

    async def _first(self, request: CreateRequest, postcard_id: str) -> Manifest:
        """The postcard that an earlier request with this id has brought forth."""
        return _same(request, (await self.archive.load(postcard_id)).manifest)

    async def _look(self, postcard_id: str) -> Manifest:
        """Loads a postcard for those who watch it, which they may do every second."""
        with tracing.apart():
            return await self._load(postcard_id)

    async def _load(self, postcard_id: str) -> Manifest:
        return (await self._kept(postcard_id)).manifest

    async def _kept(self, postcard_id: str) -> StoredManifest:
        try:
            kept = await self.archive.load(postcard_id)
        except NoSuchObject:
            raise _no_postcard(postcard_id) from None
        if kept.manifest.state is PostcardState.DELETING:
            raise _no_postcard(postcard_id)
        return kept

    async def _change(
        self, postcard_id: str, step: Callable[[Manifest], Manifest], *, noted: bool = False
    ) -> StoredManifest:
        """Changes a postcard that others may be changing too; `noted` when the change brings work to note first."""
        for _ in range(_RACES):
            kept = await self._kept(postcard_id)
            changed = step(kept.manifest)
            if noted:
                await self.archive.note_work(changed)
            with contextlib.suppress(PreconditionFailed, NoSuchObject):
                return await self.archive.replace(kept, changed)
        raise Unavailable("the postcard changes too fast", reason="POSTCARD_BUSY")

    async def _files_are_whole(self, manifest: Manifest) -> bool:
        names = [name for part in manifest.parts if part.state is PartState.DONE for name in PARTS_FILES[part.kind]]
        return await read_files(self.archive, manifest, (*names, "card.html", "card.png")) is not None


def _traced(manifest: Manifest) -> Manifest:
    """With the trace of the present call, for whoever makes the postcard."""
    return replace(manifest, traceparent=tracing.traceparent())


def _same(request: CreateRequest, manifest: Manifest) -> Manifest:
    """The postcard of an earlier request with the same id, if it asked for the same."""
    if manifest.state is PostcardState.DELETING:
        raise _being_deleted()
    if manifest.fingerprint != content_fingerprint(request):
        raise AlreadyExists(
            f"request_id {manifest.request_id} was used before with other content",
            reason="REQUEST_ID_REUSED",
            metadata={"id": manifest.id, "field": "request_id"},
        )
    return manifest


def _being_deleted() -> Unavailable:
    return Unavailable("the postcard of this request_id is being deleted", reason="POSTCARD_DELETING")


def _no_postcard(postcard_id: str) -> NotFound:
    return NotFound(f"no postcard {postcard_id}", reason="POSTCARD_NOT_FOUND", metadata={"id": postcard_id})
