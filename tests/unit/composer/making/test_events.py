"""Events and their sequence numbers."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from postcards_composer.making.events import MAX_WAITING, Event, EventStream, PartReport, revision_of, sequence_of
from postcards_composer.postcards.acceptance import accepted
from postcards_composer.postcards.create_request import CreateRequest
from postcards_composer.postcards.manifest import LeaseRecord, Manifest, PartKind, PartState
from postcards_serving.engine.work import Preview, Progress

MANIFEST = accepted(CreateRequest(seed=1), LeaseRecord("one", datetime(2026, 11, 22, tzinfo=UTC)))


def revision(number: int) -> Manifest:
    return replace(MANIFEST, revision=number)


async def collect(feed: EventStream, after: int = 0) -> list[Event]:
    return [event async for event in feed.follow(after)]


@given(st.integers(1, 2**40), st.integers(0, 2**30))
def test_numbers_grow_with_progress_and_more_with_revisions(number: int, progress: int):
    sequence = sequence_of(number, progress)

    assert revision_of(sequence) == number
    assert sequence >= sequence_of(number)
    assert sequence < sequence_of(number + 1)


async def test_a_follower_sees_what_is_and_what_comes():
    feed = EventStream(revision(1))
    following = asyncio.create_task(collect(feed))
    await asyncio.sleep(0)
    feed.report(PartKind.IMAGE, Progress("skin"))
    feed.publish(revision(2))
    feed.close()

    events = await following

    assert [event.sequence for event in events] == [sequence_of(1), sequence_of(1, 1), sequence_of(2)]
    assert events[1].value == PartReport(PartKind.IMAGE, Progress("skin"))


async def test_a_late_follower_sees_the_latest_of_each_kind():
    feed = EventStream(revision(1))
    for step in range(5):
        feed.report(PartKind.IMAGE, Progress("skin", step))
    feed.report(PartKind.IMAGE, Preview("skin", "image/webp", b"1"))
    feed.report(PartKind.AUDIO, Progress("voice"))
    following = asyncio.create_task(collect(feed))
    await asyncio.sleep(0)
    feed.close()

    events = await following

    assert [event.sequence for event in events] == [sequence_of(1)] + [sequence_of(1, n) for n in (5, 6, 7)]


async def test_what_was_seen_is_not_told_again():
    feed = EventStream(revision(3))
    feed.report(PartKind.IMAGE, Progress("skin"))
    following = asyncio.create_task(collect(feed, after=sequence_of(3)))
    await asyncio.sleep(0)
    feed.close()

    assert [event.sequence for event in await following] == [sequence_of(3, 1)]


async def test_who_is_too_slow_misses_reports_but_no_change():
    feed = EventStream(revision(1))
    events = feed.follow(0)
    await anext(events)
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    for number in range(2, 200):
        feed.publish(revision(number))
        for step in range(20):
            feed.report(PartKind.IMAGE, Progress("skin", step))
    feed.close()

    seen = [await waiting, *[event async for event in events]]

    revisions = [event.value.revision for event in seen if isinstance(event.value, Manifest)]
    assert revisions == list(range(2, 200))
    assert len(seen) - len(revisions) <= MAX_WAITING
    sequences = [event.sequence for event in seen]
    assert sequences == sorted(set(sequences))


async def test_a_closed_feed_tells_nothing():
    feed = EventStream(revision(1))
    feed.close()

    assert await collect(feed) == []


async def test_a_late_follower_sees_that_a_part_waits_though_another_was_finished_meanwhile():
    feed = EventStream(revision(1))
    feed.report(PartKind.IMAGE, Progress("waiting", predicted_wait=30.0))
    feed.report(PartKind.LANGUAGE, Progress("words"))
    done = [replace(part, state=PartState.DONE) if part.kind is PartKind.LANGUAGE else part for part in MANIFEST.parts]
    feed.publish(replace(revision(2), parts=tuple(done)))
    following = asyncio.create_task(collect(feed))
    await asyncio.sleep(0)
    feed.close()

    events = await following

    assert [event.sequence for event in events] == [sequence_of(2), sequence_of(2, 1)]
    assert events[1].value == PartReport(PartKind.IMAGE, Progress("waiting", predicted_wait=30.0))
