"""Taking up what other processes have left.

Every postcard with unfinished work has a note in the store, so that nothing needs to be searched. A lease counts as
lapsed when it was given back, or when this process has seen the very same manifest for as long as a lease lasts. No
two clocks are ever compared: one that is ten minutes ahead would take every living postcard from who makes it.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from postcards_composer.making.running_jobs import RunningJobs
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.postcards import clock, transitions
from postcards_composer.postcards.manifest import PartError, PostcardState
from postcards_composer.postcards.manifest_json import ManifestError
from postcards_composer.store import NotFound, PreconditionFailed, StoreError, keys
from postcards_composer.store.keys import PendingEntry
from postcards_composer.store.manifests import Archive, StoredManifest
from postcards_serving.telemetry.logging import fields

_log = logging.getLogger(__name__)

MAX_TAKEOVERS = 12
"""How many processes may fall silent over one making: a postcard that kills who makes it must not go on for ever."""
ORPHAN_SECONDS = 120.0
"""How long a note may stand without a postcard: longer than any write that is under way."""
_PAGE = 1000
"""Notes of one list."""
_AT_ONCE = 16
"""Postcards that are looked at beside each other: as many as the store has threads."""


@dataclass(frozen=True)
class _LeaseObservation:
    """What was seen of a postcard, and since when."""

    version: str
    since: float


class Recovery:
    """Looks through the notes of unfinished work, again and again."""

    def __init__(
        self,
        archive: Archive,
        jobs: RunningJobs,
        metrics: ComposerMetrics,
        *,
        lease_seconds: float,
        interval: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes up postcards of `archive` in `jobs`, looking every `interval` seconds; 0: never."""
        self._archive = archive
        self._jobs = jobs
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        self._interval = interval
        self._monotonic = monotonic
        self._sightings: dict[PendingEntry, _LeaseObservation] = {}
        self._looked = monotonic()
        # Who never looks has no age to be alarmed about.
        metrics.look_age.set_function(lambda: self._monotonic() - self._looked if interval else math.nan)

    async def run(self) -> None:
        """Looks until it is cancelled; the first time at once."""
        while True:
            try:
                await self.look()
            except StoreError as problem:
                # A lease that could not be renewed while the store was away has not lapsed by that.
                self._sightings.clear()
                _log.warning("cannot look for unfinished postcards: %s", problem)
            await asyncio.sleep(self._interval)

    async def look(self) -> None:
        """Goes through all notes once. Raises the store's errors."""
        present = [entry async for entry in self._entries()]
        self._sightings = {entry: self._sightings[entry] for entry in present if entry in self._sightings}
        foreign = [entry for entry in present if not self._jobs.is_making(entry.id)]
        for first in range(0, len(foreign), _AT_ONCE):
            await asyncio.gather(*(self._consider_safely(entry) for entry in foreign[first : first + _AT_ONCE]))
        self._metrics.unfinished.set(len(present))
        self._looked = self._monotonic()

    async def _entries(self) -> AsyncIterator[PendingEntry]:
        """All notes, however many pages of a list they take."""
        last = ""
        while found := await self._archive.store.list(keys.PENDING, start_after=last, limit=_PAGE):
            for entry in map(keys.parse_pending, found):
                if entry is not None:
                    yield entry
            last = found[-1]

    async def _consider_safely(self, entry: PendingEntry) -> None:
        """Goes on to the next postcard whatever is wrong with this one, unless the store itself is."""
        try:
            await self._consider(entry)
        except StoreError:
            raise
        except Exception:
            _log.exception("cannot take up a postcard", extra=fields(postcard=entry.id))

    async def _consider(self, entry: PendingEntry) -> None:
        try:
            kept = await self._archive.load(entry.id)
        except NotFound:
            if self._unchanged_for(entry, "") > ORPHAN_SECONDS:
                await self._archive.forget_orphan(entry)
            return
        except ManifestError as problem:
            self._metrics.unreadable.inc()
            _log.error("cannot take up postcard %s: %s", entry.id, problem)
            return
        unchanged = self._unchanged_for(entry, kept.etag)
        manifest = kept.manifest
        if manifest.finished or manifest.round > entry.round:
            # A note may be ahead of its postcard for a moment: a repair writes it first.
            if manifest.round >= entry.round or unchanged > ORPHAN_SECONDS:
                await self._archive.store.delete(keys.pending(entry))
        elif self._lapsed(kept, unchanged):
            await self._take_up(kept)

    def _unchanged_for(self, entry: PendingEntry, version: str) -> float:
        """Seconds for which this process has seen the postcard in this version."""
        seen = self._sightings.get(entry)
        if seen is None or seen.version != version:
            seen = self._sightings[entry] = _LeaseObservation(version, self._monotonic())
        return self._monotonic() - seen.since

    def _lapsed(self, kept: StoredManifest, unchanged: float) -> bool:
        return kept.manifest.lease is None or unchanged > self._lease_seconds

    async def _take_up(self, kept: StoredManifest) -> None:
        manifest = kept.manifest
        if manifest.state is PostcardState.DELETING:
            _log.info("ending the deletion of a postcard", extra=fields(postcard=manifest.id))
            await self._archive.erase(manifest)
            return
        if manifest.takeovers >= MAX_TAKEOVERS:
            await self._give_up(kept)
            return
        if not self._jobs.has_room:
            return
        with self._jobs.reserve():
            taken = transitions.take_over(manifest, clock.now(), self._jobs.new_lease())
            with contextlib.suppress(PreconditionFailed, NotFound):
                self._jobs.begin(await self._archive.replace(kept, taken))
                self._metrics.takeovers.inc()
                _log.info("took over a postcard", extra=fields(postcard=manifest.id, revision=taken.revision))

    async def _give_up(self, kept: StoredManifest) -> None:
        error = PartError("INTERNAL", "GAVE_UP", f"{MAX_TAKEOVERS} processes in turn have not finished this postcard")
        with contextlib.suppress(PreconditionFailed, NotFound):
            given_up = await self._archive.replace(kept, transitions.give_up(kept.manifest, clock.now(), error))
            self._metrics.created.labels(given_up.manifest.state.value).inc()
            await self._archive.forget_work(given_up.manifest)
            _log.error("gave up a postcard", extra=fields(postcard=kept.manifest.id))
