"""Watching a postcard: in order, resumable, over replicas."""

import asyncio

import grpc
import pytest
from postcards.composer.v1 import composer_pb2

from postcards_composer.making.events import sequence_of
from postcards_serving.testing import eventually

DONE = composer_pb2.PART_STATE_DONE


def kinds(events: list[composer_pb2.WatchPostcardResponse]) -> list[str]:
    return [event.WhichOneof("event") for event in events]


async def test_events_grow_begin_and_end_with_the_postcard(replica, parts):
    gate = parts.hold("image")
    postcard = await replica.create()
    watching = asyncio.create_task(replica.events(postcard.id))
    await gate.reached.wait()
    gate.opened.set()

    events = await watching

    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert kinds(events)[0] == kinds(events)[-1] == "postcard"
    assert {"progress", "preview"} <= set(kinds(events))
    assert events[-1].postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert {event.progress.kind for event in events if event.HasField("progress")} == {1, 2, 3}
    assert next(e.preview.data for e in events if e.HasField("preview")) == b"webp"
    revisions = [event.postcard.revision for event in events if event.HasField("postcard")]
    assert revisions == list(range(revisions[0], events[-1].postcard.revision + 1))


async def test_a_broken_watch_goes_on_where_it_was(replica, parts):
    gate = parts.hold("image")
    postcard = await replica.create()
    call = replica.stub.WatchPostcard(composer_pb2.WatchPostcardRequest(id=postcard.id))
    seen = []
    async for event in call:
        seen.append(event)
        if event.HasField("progress"):
            break
    call.cancel()
    gate.opened.set()

    rest = await replica.events(postcard.id, after=seen[-1].sequence)

    sequences = [event.sequence for event in seen + rest]
    assert sequences == sorted(set(sequences))
    assert rest[-1].postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert (await replica.get(postcard.id)).state == composer_pb2.POSTCARD_STATE_ACTIVE


async def test_dropping_a_watch_cancels_nothing(replica):
    postcard = await replica.create()
    call = replica.stub.WatchPostcard(composer_pb2.WatchPostcardRequest(id=postcard.id))
    await call.read()
    call.cancel()

    assert (await replica.finished(postcard.id)).state == composer_pb2.POSTCARD_STATE_ACTIVE
    await eventually(lambda: replica.count("postcards_watchers") == 0)


async def test_a_finished_postcard_is_told_once_and_then_not_again(replica):
    postcard = await replica.made()

    events = await replica.events(postcard.id)

    assert kinds(events) == ["postcard"]
    assert events[0].sequence == sequence_of(postcard.revision)
    assert await replica.events(postcard.id, after=events[0].sequence) == []


async def test_a_sequence_ahead_of_the_postcard_is_refused(replica, refused):
    postcard = await replica.made()

    async with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD") as problem:
        await replica.events(postcard.id, after=sequence_of(postcard.revision + 1))

    assert "after_sequence" in problem.value.details()


async def test_another_replica_tells_the_changes(open_replica, parts):
    maker, other = await open_replica(lease_seconds=30), await open_replica(lease_seconds=30)
    gate = parts.hold("image")
    postcard = await maker.create()
    watching = asyncio.create_task(other.events(postcard.id))
    await gate.reached.wait()
    gate.opened.set()

    events = await watching

    assert set(kinds(events)) == {"postcard"}
    assert events[-1].postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert await maker.events(postcard.id, after=events[-1].sequence) == []


async def test_a_watch_goes_on_when_another_replica_takes_over(open_replica, parts):
    first = await open_replica()
    left = parts.hold("image")
    postcard = await first.create()
    await left.reached.wait()

    async def only_the_picture_is_missing() -> bool:
        states = [part.state for part in (await first.get(postcard.id)).parts]
        return states.count(DONE) == len(states) - 1

    await eventually(only_the_picture_is_missing)
    taken_over = parts.hold("image")
    second = await open_replica()
    events: list[composer_pb2.WatchPostcardResponse] = []

    async def watch() -> None:
        request = composer_pb2.WatchPostcardRequest(id=postcard.id)
        async for event in second.stub.WatchPostcard(request, timeout=60):
            events.append(event)  # noqa: PERF401 - the test looks at them as they come

    watching = asyncio.create_task(watch())
    await eventually(lambda: "postcard" in kinds(events))

    await first.composer.drain()
    await eventually(lambda: "progress" in kinds(events))
    taken_over.opened.set()
    await watching

    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert events[-1].postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert second.count("postcards_lease_takeovers_total") == 1


async def test_on_shutdown_a_watch_is_sent_elsewhere(open_replica, parts, refused):
    replica = await open_replica()
    gate = parts.hold("image")
    postcard = await replica.create()
    await gate.reached.wait()
    watching = asyncio.create_task(replica.events(postcard.id))
    await eventually(lambda: replica.count("postcards_watchers") == 1)

    await replica.composer.drain()

    async with refused(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN"):
        await watching
    async with refused(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN"):
        await replica.create()


@pytest.mark.parametrize("watchers", [20])
async def test_many_may_watch(replica, parts, watchers: int):
    gate = parts.hold("image")
    postcard = await replica.create()
    watching = [asyncio.create_task(replica.events(postcard.id)) for _ in range(watchers)]
    await eventually(lambda: replica.count("postcards_watchers") == watchers)
    gate.opened.set()

    for events in await asyncio.gather(*watching):
        assert events[-1].postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
