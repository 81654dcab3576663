"""Several composers over one store: leases, takeovers, and what one does to the other's postcard."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from postcards.composer.v1 import composer_pb2
from prometheus_client import CollectorRegistry

from postcards_composer.composer import Composer
from postcards_composer.making.recovery import MAX_TAKEOVERS, ORPHAN_SECONDS, Recovery
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.postcards import clock, transitions
from postcards_composer.postcards.manifest import LeaseRecord
from postcards_composer.store import keys
from postcards_composer.store.folder import FolderStore
from postcards_composer.store.manifests import Archive
from postcards_composer.store.threads import ThreadedStore
from postcards_serving.testing import eventually

ACTIVE = composer_pb2.POSTCARD_STATE_ACTIVE
LETTERS = str.maketrans("0123456789", "abcdefghij")
DONE = composer_pb2.PART_STATE_DONE


def left_in(folder: Path) -> list[str]:
    walked = ((Path(root).relative_to(folder), names) for root, _, names in os.walk(folder))
    return [str(below / name) for below, names in walked for name in names if ".scratch" not in below.parts]


async def abandon(composer: Composer) -> None:
    """Ends a composer as a crash does: nothing is given back, nothing is written any more."""

    async def silent() -> None:
        return None

    jobs = list(composer._jobs._jobs.values())
    for job in jobs:
        job._lease.release = silent
    tasks = [*composer._background, *composer._jobs._tasks.values()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    # Only now is it known that nobody begins another one.
    if writes := [write for job in jobs for write in job._lease._writes]:
        await asyncio.wait(writes)


async def test_a_postcard_of_a_dead_composer_is_finished_by_another(open_replica, parts):
    first = await open_replica(lease_seconds=0.5)
    parts.hold("image")
    postcard = await first.create()
    await eventually(lambda: made_parts(first, postcard.id, "language", "audio"))
    await abandon(first.composer)

    second = await open_replica(lease_seconds=0.5)
    finished = await second.finished(postcard.id)

    assert finished.state == ACTIVE
    assert second.count("postcards_lease_takeovers_total") == 1
    assert (len(parts.image_requests), len(parts.language_requests), len(parts.audio_requests)) == (2, 1, 1)


@pytest.fixture
def archive(folder: Path) -> Iterator[Archive]:
    """What the composers keep, beside them."""
    store = ThreadedStore(FolderStore(folder), ComposerMetrics(CollectorRegistry()))
    yield Archive(store)
    store.close()


async def made_parts(replica, postcard_id: str, *names: str) -> bool:
    postcard = await replica.get(postcard_id)
    kinds = [composer_pb2.PartKind.Value(f"PART_KIND_{name.upper()}") for name in names]
    return all(part.state == DONE for part in postcard.parts if part.kind in kinds)


async def test_a_living_composer_keeps_its_postcard(open_replica, parts):
    first = await open_replica(lease_seconds=1.2)
    second = await open_replica(lease_seconds=1.2)
    gate = parts.hold("image")
    postcard = await first.create()
    path = keys.manifest(postcard.id)
    versions: set[str] = set()

    async def renewed() -> bool:
        versions.add((await Archive(first.composer._store).store.get(path)).etag)
        return len(versions) > 6

    await eventually(renewed, timeout=20)
    gate.opened.set()

    assert (await second.finished(postcard.id)).state == ACTIVE
    assert second.count("postcards_lease_takeovers_total") == 0
    assert len(parts.image_requests) == 1


async def test_only_one_of_many_takes_over(open_replica, parts):
    first = await open_replica(lease_seconds=0.5)
    gate = parts.hold("image")
    postcard = await first.create()
    await gate.reached.wait()
    await abandon(first.composer)

    others = [await open_replica(lease_seconds=0.5) for _ in range(3)]

    assert (await others[0].finished(postcard.id)).state == ACTIVE
    assert sum(other.count("postcards_lease_takeovers_total") for other in others) == 1


async def test_clocks_that_disagree_do_no_harm(open_replica, parts, archive: Archive):
    """A lease that by its holder's clock ends an hour from now lapses all the same when nothing renews it."""
    first = await open_replica(lease_seconds=0.5)
    gate = parts.hold("image")
    postcard = await first.create()
    await gate.reached.wait()
    await abandon(first.composer)
    kept = await archive.load(postcard.id)
    await archive.replace(kept, replace(kept.manifest, lease=LeaseRecord("gone", clock.now() + timedelta(hours=1))))

    second = await open_replica(lease_seconds=0.5)

    assert (await second.finished(postcard.id)).state == ACTIVE


async def test_a_lease_that_was_given_back_is_taken_at_once(open_replica, parts):
    first = await open_replica(lease_seconds=300)
    gate = parts.hold("image")
    postcard = await first.create()
    await gate.reached.wait()
    second = await open_replica(lease_seconds=300)

    await first.composer.drain()

    assert (await second.finished(postcard.id)).state == ACTIVE


async def test_another_composer_may_cancel(open_replica, parts):
    maker, other = await open_replica(), await open_replica()
    gate = parts.hold("image")
    postcard = await maker.create()
    await gate.reached.wait()

    await other.stub.CancelPostcard(composer_pb2.CancelPostcardRequest(id=postcard.id))

    await eventually(lambda: parts.cancelled == ["image"])
    await eventually(lambda: maker.count("postcards_in_flight") == 0)
    assert maker.count("postcards_leases_lost_total") == 1
    assert (await maker.get(postcard.id)).state == composer_pb2.POSTCARD_STATE_CANCELLED


async def test_another_composer_may_delete(open_replica, parts, folder: Path):
    maker, other = await open_replica(), await open_replica()
    gate = parts.hold("image")
    postcard = await maker.create()
    await gate.reached.wait()

    await other.stub.DeletePostcard(composer_pb2.DeletePostcardRequest(id=postcard.id))

    assert not (await maker.stub.ListPostcards(composer_pb2.ListPostcardsRequest())).postcards
    await eventually(lambda: left_in(folder) == [])


async def test_a_deletion_whose_deleter_died_is_ended_by_another(open_replica, parts, folder: Path):
    first = await open_replica(lease_seconds=0.5)
    gate = parts.hold("image")
    postcard = await first.create()
    await gate.reached.wait()
    await abandon(first.composer)
    second = await open_replica(lease_seconds=0.5)

    await second.stub.DeletePostcard(composer_pb2.DeletePostcardRequest(id=postcard.id))

    await eventually(lambda: left_in(folder) == [])


async def test_a_file_that_a_crash_left_half_told_is_made_again(open_replica, parts, folder: Path):
    """The picture lies in the store, but not as the manifest says: it does not count."""
    first = await open_replica(lease_seconds=0.5)
    gate = parts.hold("audio")
    postcard = await first.create()
    await gate.reached.wait()
    await eventually(lambda: made_parts(first, postcard.id, "image"))
    await abandon(first.composer)
    (kept,) = (folder / "postcards" / postcard.id).glob("*/image.png")
    kept.write_bytes(b"torn")

    second = await open_replica(lease_seconds=0.5)

    assert (await second.finished(postcard.id)).state == ACTIVE
    assert (folder / "postcards" / postcard.id / "image.png").read_bytes() == parts.png
    assert len(parts.image_requests) == 2


async def test_notes_without_a_postcard_are_cleaned_up_in_time(replica, archive: Archive):
    note = keys.pending(keys.PendingEntry("b" * 26, 0))
    place = keys.index(keys.IndexEntry(clock.now(), "b" * 26))
    await archive.store.put(note, place.encode(), "text/plain")
    await archive.store.put(place, b"", "text/plain")
    moment = 0.0
    registry = CollectorRegistry()
    recovery = Recovery(
        archive,
        replica.composer._jobs,
        ComposerMetrics(registry),
        lease_seconds=1,
        interval=1,
        monotonic=lambda: moment,
    )

    await recovery.look()
    moment = ORPHAN_SECONDS - 1
    assert registry.get_sample_value("postcards_recovery_look_age_seconds") == ORPHAN_SECONDS - 1
    await recovery.look()
    assert registry.get_sample_value("postcards_recovery_look_age_seconds") == 0
    assert registry.get_sample_value("postcards_unfinished") == 1
    assert await archive.store.list(keys.PENDING) == [note]
    moment = ORPHAN_SECONDS + 1
    await recovery.look()
    assert await archive.store.list("") == []


async def test_a_deletion_that_was_only_begun_is_ended(replica, folder: Path):
    postcard = await replica.made()
    archive = replica.composer.operations.archive
    kept = await archive.load(postcard.id)
    deleting = transitions.delete(kept.manifest, clock.now())

    await archive.note_work(deleting)
    await archive.replace(kept, deleting)

    await eventually(lambda: left_in(folder) == [])


async def test_a_postcard_that_silences_every_process_is_given_up(open_replica, parts, archive: Archive):
    first = await open_replica()
    parts.hold("image")
    postcard = await first.create()
    await eventually(lambda: made_parts(first, postcard.id, "language", "audio"))
    await abandon(first.composer)
    kept = await archive.load(postcard.id)
    await archive.replace(kept, replace(kept.manifest, lease=None, takeovers=MAX_TAKEOVERS))

    second = await open_replica()
    finished = await second.finished(postcard.id)

    assert finished.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert finished.parts[0].error.reason == finished.card_error.reason == "GAVE_UP"
    assert second.count("postcards_lease_takeovers_total") == 0
    await second.stub.RepairPostcard(composer_pb2.RepairPostcardRequest(id=postcard.id))
    assert (await second.finished(postcard.id)).state == ACTIVE


async def test_a_full_composer_leaves_takeovers_for_later(open_replica, parts):
    first = await open_replica(lease_seconds=0.5)
    gate = parts.hold("image")
    left = await first.create()
    await gate.reached.wait()
    await abandon(first.composer)
    busy = parts.hold("image")
    second = await open_replica(lease_seconds=0.5, max_in_flight=1)
    own = await second.create()
    await busy.reached.wait()
    await asyncio.sleep(0)

    busy.opened.set()

    assert (await second.finished(own.id)).state == ACTIVE
    assert (await second.finished(left.id)).state == ACTIVE


async def test_a_making_that_breaks_off_by_a_fault_of_ours_is_taken_up_again(open_replica, monkeypatch, caplog):
    replica = await open_replica(lease_seconds=0.5)
    finish, calls = transitions.finish, []

    def broken_once(*arguments, **named):
        calls.append(arguments)
        if len(calls) == 1:
            raise TypeError("a fault of ours")
        return finish(*arguments, **named)

    monkeypatch.setattr(transitions, "finish", broken_once)

    postcard = await replica.made()

    assert postcard.state == ACTIVE
    assert replica.count("postcards_lease_takeovers_total") == 1
    assert "the making of a postcard broke off" in caplog.text


async def test_no_postcard_is_overlooked_behind_a_thousand_notes(open_replica, parts, folder: Path):
    first = await open_replica(recovery_interval_seconds=600)
    gate = parts.hold("image")
    postcard = await first.create()
    await gate.reached.wait()
    notes = folder / "pending"
    for number in range(1100):
        (notes / f"{f'{number:026d}'.translate(LETTERS)}-0").touch()
    await first.composer.drain()

    second = await open_replica(recovery_interval_seconds=600)

    assert (await second.finished(postcard.id)).state == ACTIVE
