"""The making of one postcard, from its manifest to its card.

The picture is made beside the phrase and then the call, which says the phrase. When the phrase cannot be made, the call
is made all the same and the animal calls in sounds of its own: half a postcard is better than a third. A later repair
then makes the phrase, and the call again, so that in the end the call says the phrase.
"""

import asyncio
import io
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import soundfile  # pyright: ignore[reportMissingTypeStubs]

from postcards_composer.card import render_preview
from postcards_composer.card.assembly import card_content, render_card
from postcards_composer.making.events import EventStream
from postcards_composer.making.lease import Lease, LeaseLost, patiently
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.parts.failures import PartFailed
from postcards_composer.parts.retries import FinishedPart, make_part
from postcards_composer.parts.services import Outcome, PartService
from postcards_composer.postcards import transitions
from postcards_composer.postcards.ids import new_token
from postcards_composer.postcards.manifest import File, Manifest, PartError, PartKind, PartState, PostcardState
from postcards_composer.store import StoreError, StoreFull
from postcards_composer.store.manifests import Archive
from postcards_composer.store.part_files import PARTS_FILES, read_files
from postcards_serving.engine.work import Blob
from postcards_serving.telemetry import tracing
from postcards_serving.telemetry.spans import Span

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobSettings:
    """What a job is allowed."""

    lease_seconds: float
    """How long a lease lasts without renewal."""
    patience: float
    """Seconds for which a part service may show no sign of life."""


class Job:
    """Makes what is missing of one postcard."""

    def __init__(
        self,
        archive: Archive,
        lease: Lease,
        feed: EventStream,
        services: Mapping[PartKind, PartService],
        metrics: ComposerMetrics,
        settings: JobSettings,
    ) -> None:
        """Works on the postcard of `lease`, and tells `feed` what happens."""
        self._archive = archive
        self._lease = lease
        self.feed = feed
        self._services = services
        self._metrics = metrics
        self._settings = settings
        self._data: dict[str, bytes] = {}

    @property
    def manifest(self) -> Manifest:
        """The postcard as last written."""
        return self._lease.manifest

    async def run(self) -> None:
        """Makes the postcard. When cancelled, gives the lease back for another process to go on.

        Ends early when another process has cancelled or taken the postcard; removes what is left of a deleted one.
        """
        try:
            await self._make_under_lease()
        except LeaseLost as lost:
            await self._give_up(lost.manifest)
        except StoreError as problem:
            _log.error("stopped, to be taken up again: %s", problem)
            await self._release()
        except asyncio.CancelledError:
            await self._release()
            raise
        finally:
            self.feed.close()

    async def _make_under_lease(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._keep_lease())
                await self._make()
                renewing.cancel()
        except ExceptionGroup as problems:
            raise _decisive(problems) from None

    async def _release(self) -> None:
        with suppress(LeaseLost, StoreError):
            await self._lease.release()

    async def _keep_lease(self) -> None:
        with tracing.apart():
            while True:
                await asyncio.sleep(self._settings.lease_seconds / 3)
                await self._lease.renew()

    async def _make(self) -> None:
        before = self.manifest
        if before.round or before.takeovers or before.files:
            await patiently(lambda: self._archive.remove_strays(before), lambda: self._lease.remaining)
        await self._check_what_is_there()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._part(PartKind.IMAGE))
            group.create_task(self._phrase_and_call())
        card, card_error = await self._card()
        manifest = await self._lease.change(
            lambda old, now: transitions.finish(old, now, files=card, card_error=card_error),
            before_published=self._archive.show,
        )
        self._metrics.created.labels(manifest.state.value).inc()
        with suppress(StoreError):
            await self._archive.remove_superseded(before, manifest)
            await self._archive.forget_work(manifest)

    async def _check_what_is_there(self) -> None:
        """Reads what earlier makings have left; a part whose files are not whole is made again."""
        for part in self.manifest.parts:
            if part.state is not PartState.DONE:
                continue
            kind = part.kind
            found = await patiently(
                lambda kind=kind: read_files(self._archive, self.manifest, PARTS_FILES[kind]),
                lambda: self._lease.remaining,
            )
            if found is None:
                await self._lease.change(lambda old, now, kind=kind: transitions.reset_part(old, now, kind))
            else:
                self._data.update(found)

    async def _phrase_and_call(self) -> None:
        await self._part(PartKind.LANGUAGE)
        await self._part(PartKind.AUDIO)

    async def _part(self, kind: PartKind) -> None:
        if self.manifest.part(kind).state is not PartState.PENDING:
            return
        with tracing.inside(f"part {kind.value}", {"postcards.part": kind.value}) as span:
            await self._make_part(kind, span)

    async def _make_part(self, kind: PartKind, span: Span) -> None:
        manifest = await self._lease.change(lambda old, now: transitions.begin_part(old, now, kind))
        begun = time.monotonic()
        retries = 0
        try:
            made = await self._made(kind, manifest)
            retries = made.retries
            files = await self._stored(kind, made.outcome)
        except PartFailed as failed:
            error, retries = failed.error, failed.retries or retries
        except StoreFull:
            error = PartError("RESOURCE_EXHAUSTED", "STORE_FULL", f"the store has no room for the {kind.value} part")
        except (LeaseLost, StoreError):
            raise
        except Exception:
            # A fault of ours must not leave a postcard behind that every process takes up and none can finish.
            _log.exception("the %s part could not be handled", kind.value)
            error = PartError("INTERNAL", "COMPOSER_FAILED", f"the composer could not handle the {kind.value} part")
        else:
            await self._completed(kind, made, files, time.monotonic() - begun)
            return
        duration = time.monotonic() - begun
        span.fail(error.reason)
        self._metrics.part_seconds.labels(kind.value, "failed").observe(duration)
        _log.warning("the %s part failed: %s %s: %s", kind.value, error.code, error.reason, error.message)
        await self._lease.change(
            lambda old, now: transitions.fail_part(old, now, kind, error=error, duration=duration, retries=retries)
        )

    async def _made(self, kind: PartKind, manifest: Manifest) -> FinishedPart:
        return await make_part(
            self._services[kind],
            manifest,
            remaining=lambda: self._lease.remaining,
            patience=self._settings.patience,
            report=lambda event: self.feed.report(kind, event),
            count_retry=self._metrics.part_retries.labels(kind.value).inc,
        )

    async def _stored(self, kind: PartKind, outcome: Outcome) -> tuple[File, ...]:
        """Puts the files of a part into the store."""
        try:
            blobs = await asyncio.to_thread(_blobs_of, kind, outcome)
        except (OSError, ValueError, soundfile.LibsndfileError):
            raise PartFailed(
                PartError("INTERNAL", "BAD_RESULT", f"the {kind.value} service sent a file that cannot be read"), 0
            ) from None
        files = await self._put(blobs)
        self._data.update({blob.name: blob.data for blob in blobs})
        return files

    async def _put(self, blobs: Sequence[Blob]) -> tuple[File, ...]:
        """Writes files to a place of their own."""
        attempt = new_token()

        async def put(blob: Blob) -> File:
            return await patiently(
                lambda: self._archive.put_file(self.manifest.id, attempt, blob),
                lambda: min(self._lease.remaining, self._settings.patience),
            )

        return tuple([await put(blob) for blob in blobs])

    async def _completed(self, kind: PartKind, made: FinishedPart, files: tuple[File, ...], duration: float) -> None:
        said = self.manifest.phrase is not None

        def step(old: Manifest, now: datetime) -> Manifest:
            done = transitions.complete_part(
                old,
                now,
                kind,
                files=files,
                provenance=made.outcome.provenance,
                duration=duration,
                retries=made.retries,
            )
            return _with_outcome(done, kind, made.outcome, says_phrase=said)

        self._metrics.part_seconds.labels(kind.value, "done").observe(duration)
        await self._lease.change(step)

    async def _card(self) -> tuple[tuple[File, ...], PartError | None]:
        """Renders and stores the card of a postcard that has at least one part."""
        manifest = self.manifest
        if all(part.state is not PartState.DONE for part in manifest.parts):
            return (), None
        begun = time.monotonic()
        try:
            with tracing.inside("card", {}):
                blobs = await asyncio.to_thread(lambda: render_card(card_content(manifest, self._data)))
        except Exception:
            _log.exception("the card could not be rendered")
            self._metrics.card_failures.inc()
            return (), PartError("INTERNAL", "CARD_FAILED", "the card could not be rendered")
        self._metrics.assembly_seconds.observe(time.monotonic() - begun)
        try:
            return await self._put(blobs), None
        except StoreFull:
            return (), PartError("RESOURCE_EXHAUSTED", "STORE_FULL", "the store has no room for the card")

    async def _give_up(self, manifest: Manifest | None) -> None:
        self._metrics.leases_lost.inc()
        if manifest is None or manifest.generation != self.manifest.generation:
            return
        _log.info("stopped: the postcard is %s", manifest.state.value)
        self.feed.publish(manifest)
        if manifest.state is PostcardState.DELETING:
            with suppress(StoreError):
                await self._archive.erase(manifest)


def _decisive(group: ExceptionGroup[Exception]) -> Exception:
    """The exception of a group that decides what is to be done: a lost lease before anything else."""
    lost, _ = group.split(LeaseLost)
    problem: Exception = lost or group
    while isinstance(problem, ExceptionGroup):
        problem = cast("ExceptionGroup[Exception]", problem).exceptions[0]
    return problem


def _blobs_of(kind: PartKind, outcome: Outcome) -> tuple[Blob, ...]:
    """The files of a part: those that came, seen to be what they should be, and those that are made from them."""
    if kind is PartKind.IMAGE:
        return (*outcome.blobs, Blob("preview.webp", "image/webp", render_preview(outcome.blobs[0].data)))
    if kind is PartKind.AUDIO:
        for blob in outcome.blobs:
            soundfile.info(io.BytesIO(blob.data))
    return outcome.blobs


def _with_outcome(manifest: Manifest, kind: PartKind, outcome: Outcome, *, says_phrase: bool) -> Manifest:
    """With what a part says beside its files."""
    if kind is PartKind.IMAGE:
        return replace(manifest, alt_text=outcome.alt_text, safety=outcome.safety)
    if kind is PartKind.LANGUAGE:
        return replace(manifest, phrase=outcome.phrase)
    return replace(manifest, call_seconds=outcome.seconds, timings=outcome.timings, says_phrase=says_phrase)
