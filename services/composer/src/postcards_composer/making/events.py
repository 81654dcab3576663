"""What a postcard's making tells those who watch it.

Every event has a sequence number: the postcard's revision in the high bits, and in the low 20 bits a count of the
progress since that revision, 0 for the revision itself. So numbers grow over processes, restarts and repairs without
anything being kept but the revision.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from postcards_composer.postcards.manifest import Manifest, PartKind, PartState
from postcards_serving.engine.work import Preview, Progress

_PROGRESS_BITS = 20
_UNFINISHED = (PartState.PENDING, PartState.RUNNING)
MAX_WAITING = 64


@dataclass(frozen=True)
class PartReport:
    """A part has advanced, or shows itself."""

    kind: PartKind
    """Which part."""
    report: Progress | Preview
    """What it reports."""


@dataclass(frozen=True)
class Event:
    """One event in the life of a postcard."""

    sequence: int
    """Grows with every event."""
    value: Manifest | PartReport
    """The postcard as it has become, or what a part reports."""


def sequence_of(revision: int, progress: int = 0) -> int:
    """The sequence number of a revision, or of the `progress`-th report since it."""
    return revision << _PROGRESS_BITS | min(progress, 2**_PROGRESS_BITS - 1)


def revision_of(sequence: int) -> int:
    """The revision in which an event with this sequence number came."""
    return sequence >> _PROGRESS_BITS


class EventStream:
    """The events of a postcard that this process makes."""

    def __init__(self, manifest: Manifest) -> None:
        """Begins with the postcard as it is."""
        self._manifest = manifest
        self._count = 0
        self._latest: dict[tuple[PartKind, type], tuple[int, PartReport]] = {}
        self._followers: set[_Subscriber] = set()
        self._closed = False

    def publish(self, manifest: Manifest) -> None:
        """The postcard has changed."""
        self._manifest = manifest
        self._count = 0
        # Who joins late wants to know that a part waits, whatever has become of the others meanwhile.
        self._latest = {
            key: (self._next(), report)
            for key, (_, report) in self._latest.items()
            if manifest.part(report.kind).state in _UNFINISHED
        }
        self._tell(Event(sequence_of(manifest.revision), manifest))

    def report(self, kind: PartKind, report: Progress | Preview) -> None:
        """A part has advanced."""
        sequence, value = self._next(), PartReport(kind, report)
        self._latest[kind, type(report)] = (sequence, value)
        self._tell(Event(sequence, value))

    def close(self) -> None:
        """Nothing more will come from this process."""
        self._closed = True
        for follower in self._followers:
            follower.end()

    async def follow(self, after: int) -> AsyncGenerator[Event]:
        """The postcard as it is and everything that follows, as far as it comes after sequence number `after`.

        Ends when the feed is closed. Who is too slow misses reports, never a change of the postcard.
        """
        if self._closed:
            return
        follower = _Subscriber()
        self._followers.add(follower)
        try:
            present = Event(sequence_of(self._manifest.revision), self._manifest)
            latest = sorted((Event(*numbered) for numbered in self._latest.values()), key=lambda e: e.sequence)
            for event in (present, *latest):
                if event.sequence > after:
                    yield event
            async for event in follower.events():
                if event.sequence > after:
                    yield event
        finally:
            self._followers.discard(follower)

    def _next(self) -> int:
        self._count += 1
        return sequence_of(self._manifest.revision, self._count)

    def _tell(self, event: Event) -> None:
        for follower in self._followers:
            follower.take(event)


class _Subscriber:
    """The events that one watcher has yet to take."""

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()
        self._ended = False

    def take(self, event: Event) -> None:
        """Another event waits; the oldest report makes room for it where too many wait."""
        self._waiting.append(event)
        if len(self._waiting) > MAX_WAITING:
            oldest = next((i for i, e in enumerate(self._waiting) if isinstance(e.value, PartReport)), None)
            if oldest is not None:
                del self._waiting[oldest]
        self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._news.set()

    async def events(self) -> AsyncGenerator[Event]:
        """The waiting events, then those to come."""
        while self._waiting or not self._ended:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
                continue
            yield self._waiting.popleft()
