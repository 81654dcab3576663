"""Watching a postcard, whichever process makes it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from postcards_composer.making.events import Event, revision_of, sequence_of
from postcards_composer.making.running_jobs import RunningJobs
from postcards_composer.postcards.manifest import Manifest, PostcardState
from postcards_serving.errors import InvalidField, NotFound, Unavailable


async def watch(
    load: Callable[[], Awaitable[Manifest]], jobs: RunningJobs, after: int, interval: float
) -> AsyncGenerator[Event]:
    """The events of a postcard after sequence number `after`, until it is finished.

    Where this process makes the postcard they come as they happen; else the store is looked at every `interval`
    seconds, and only changes of the postcard are seen. A watch lives through the postcard's moving between processes.

    Args:
        load: reads the postcard; raises `NotFound` when there is none.
        jobs: knows what this process makes.
        after: the last sequence number seen.
        interval: seconds between looks at the store.

    Raises:
        InvalidField: `after` is ahead of the postcard.
        NotFound: there is no such postcard, or it has been deleted.
        Unavailable: this process is going down.
    """
    manifest = await load()
    if revision_of(after) > manifest.revision:
        raise InvalidField("after_sequence", f"must be at most {sequence_of(manifest.revision + 1) - 1}, not {after}")
    while True:
        feed = jobs.feed(manifest.id)
        if feed is not None:
            async with aclosing(feed.follow(after)) as events:
                async for event in events:
                    if isinstance(event.value, Manifest) and event.value.state is PostcardState.DELETING:
                        raise NotFound("the postcard has been deleted", reason="POSTCARD_DELETED")
                    after = event.sequence
                    yield event
            manifest = await load()
        if sequence_of(manifest.revision) > after:
            after = sequence_of(manifest.revision)
            yield Event(after, manifest)
        if manifest.finished:
            return
        if jobs.closing:
            raise Unavailable("the composer is shutting down; watch again", reason="SHUTTING_DOWN")
        if jobs.feed(manifest.id) is None:
            await asyncio.sleep(interval)
            manifest = await load()
