"""The manifest of one postcard in the hands of the process that makes it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from postcards_client.backoff import backoff
from postcards_composer.postcards import clock, transitions
from postcards_composer.postcards.manifest import LeaseRecord, Manifest
from postcards_composer.postcards.manifest_json import ManifestError
from postcards_composer.store import NotFound, PreconditionFailed, StoreFull, StoreUnavailable
from postcards_composer.store.manifests import Archive, StoredManifest

T = TypeVar("T")

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0


async def patiently(call: Callable[[], Awaitable[T]], remaining: Callable[[], float]) -> T:
    """Does something with the store, again and again while the store is away or full and time remains.

    Raises what the store raises, at last also `StoreUnavailable` and `StoreFull`.
    """
    failed = 0
    while True:
        try:
            return await call()
        except (StoreUnavailable, StoreFull) as problem:
            failed += 1
            pause = backoff(failed, _PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
            if remaining() <= pause:
                raise
            _log.warning("waiting for the store: %s", problem)
        await asyncio.sleep(pause)


class LeaseLost(Exception):  # noqa: N818 - named for what happened
    """Another process has changed the postcard: it was cancelled, deleted or taken over."""

    def __init__(self, manifest: Manifest | None) -> None:
        """Carries the postcard as it is now; None when it is gone or cannot be read."""
        super().__init__("another process has changed the postcard")
        self.manifest = manifest


class Lease:
    """Writes every change of a postcard under its lease.

    Each write demands the version of the write before, so the first change by anybody else ends this lease: nothing is
    decided by comparing clocks. While the store is away, a write is tried again until it is back.
    """

    def __init__(
        self,
        archive: Archive,
        kept: StoredManifest,
        *,
        holder: str,
        lease_seconds: float,
        published: Callable[[Manifest], None],
    ) -> None:
        """Takes `kept`, whose lease this process holds, into its hands.

        Args:
            archive: where the postcard is kept.
            kept: the postcard in its present version.
            holder: names this process.
            lease_seconds: how long the lease lasts without renewal.
            published: called with the postcard after each change that others may see.
        """
        self._archive = archive
        self._kept = kept
        self._holder = holder
        self._lease_seconds = lease_seconds
        self._published = published
        self._lock = asyncio.Lock()
        self._begun = time.monotonic()
        self._spent_before = kept.manifest.spent
        self._writes: set[asyncio.Task[Manifest]] = set()

    @property
    def manifest(self) -> Manifest:
        """The postcard as last written."""
        return self._kept.manifest

    @property
    def spent(self) -> float:
        """Seconds that this making has taken, those of earlier holders included."""
        return self._spent_before + time.monotonic() - self._begun

    @property
    def remaining(self) -> float:
        """Seconds left for this making; negative when the time is over."""
        return self._kept.manifest.timeout - self.spent

    async def change(
        self,
        step: Callable[[Manifest, datetime], Manifest],
        *,
        before_published: Callable[[Manifest], Awaitable[None]] | None = None,
    ) -> Manifest:
        """Writes what `step` makes of the postcard and the present moment, renews the lease, and publishes it.

        What is done `before_published` is done when watchers hear of the change.

        Raises:
            LeaseLost: another process has changed the postcard.
        """
        manifest = await self._write(lambda old: self._renewed(step(old, clock.now())))
        if before_published is not None:
            await before_published(manifest)
        self._published(manifest)
        return manifest

    async def renew(self) -> None:
        """Makes the lease last again, and so makes sure that it is still ours. Raises `LeaseLost`."""
        await self._write(self._renewed)

    async def release(self) -> None:
        """Gives the lease back, so that another process may go on at once. Raises `LeaseLost`."""
        await self._write(lambda old: transitions.hold(old, None, self.spent), patient=False)

    def _renewed(self, manifest: Manifest) -> Manifest:
        if manifest.finished:
            return transitions.hold(manifest, None, self.spent)
        expires_at = clock.now() + timedelta(seconds=self._lease_seconds)
        return transitions.hold(manifest, LeaseRecord(self._holder, expires_at), self.spent)

    async def _write(self, make: Callable[[Manifest], Manifest], *, patient: bool = True) -> Manifest:
        # A write goes on when its caller is cancelled: the version that the store then has must be known.
        task = asyncio.create_task(self._write_in_turn(make, patient=patient))
        self._writes.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    async def _write_in_turn(self, make: Callable[[Manifest], Manifest], *, patient: bool) -> Manifest:
        async with self._lock:
            value = make(self._kept.manifest)
            try:
                self._kept = await patiently(
                    lambda: self._archive.replace(self._kept, value), lambda: self.remaining if patient else 0.0
                )
            except (PreconditionFailed, NotFound):
                raise LeaseLost(await self._present()) from None
            return value

    def _written(self, task: asyncio.Task[Manifest]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            # Marks it as seen: a caller that was cancelled does not ask for it any more.
            task.exception()

    async def _present(self) -> Manifest | None:
        try:
            return (await self._archive.load(self.manifest.id)).manifest
        except (NotFound, ManifestError, StoreUnavailable):
            return None
