"""A store that is away or full, before a postcard is accepted and in the middle of its making."""

from pathlib import Path

import grpc
from postcards.composer.v1 import composer_pb2

from postcards_composer.store import StoreFull, StoreUnavailable
from postcards_composer.store.folder import FolderStore
from postcards_serving.testing import eventually
from store_listing import left_in, listed


class MoodyStore(FolderStore):
    """A folder whose writes fail on demand."""

    problem: Exception | None = None
    only = ""

    def put(self, key, data, content_type, **conditions):
        if self.problem is not None and self.only in key:
            raise self.problem
        return super().put(key, data, content_type, **conditions)

    def get(self, key):
        if isinstance(self.problem, StoreUnavailable):
            raise self.problem
        return super().get(key)


async def test_when_the_store_is_away_nothing_is_accepted(open_replica, folder: Path, refused):
    store = MoodyStore(folder)
    replica = await open_replica(store)
    store.problem = StoreUnavailable("the disk sleeps")

    async with refused(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE") as problem:
        await replica.create(request_id="r-1")

    assert problem.value.details() == "the disk sleeps"
    assert replica.count("postcards_store_errors_total", operation="get") > 0
    store.problem = None
    assert not (await listed(replica)).postcards
    assert (await replica.made(request_id="r-1")).state == composer_pb2.POSTCARD_STATE_ACTIVE


async def test_when_the_store_is_full_nothing_is_accepted(open_replica, folder: Path, refused):
    store = MoodyStore(folder)
    replica = await open_replica(store)
    store.problem = StoreFull("no room left")

    async with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "STORE_FULL"):
        await replica.create()
    assert left_in(folder) == []


async def test_a_crash_between_the_index_and_the_manifest_is_overlooked(open_replica, refused, folder: Path):
    store = MoodyStore(folder)
    replica = await open_replica(store)
    store.problem, store.only = StoreFull("no room left"), "manifest.json"
    async with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "STORE_FULL"):
        await replica.create(request_id="r-1")
    store.problem = None

    assert {name.split("/")[0] for name in left_in(folder)} == {"index", "pending"}
    assert not (await listed(replica)).postcards
    postcard = await replica.made(request_id="r-1")
    assert [p.id for p in (await listed(replica)).postcards] == [postcard.id]


async def test_a_store_that_goes_away_in_the_middle_is_waited_for(open_replica, folder: Path, parts):
    store = MoodyStore(folder)
    replica = await open_replica(store, lease_seconds=30)
    gate = parts.hold("image")
    postcard = await replica.create()
    await gate.reached.wait()
    store.problem = StoreUnavailable("the disk sleeps")
    gate.opened.set()
    await eventually(lambda: replica.count("postcards_store_errors_total", operation="put") > 0)

    store.problem = None

    assert (await replica.finished(postcard.id)).state == composer_pb2.POSTCARD_STATE_ACTIVE


async def test_no_room_for_the_picture_fails_the_picture_with_a_clear_word(open_replica, folder: Path):
    class NoRoomForPictures(FolderStore):
        def put(self, key, data, content_type, **conditions):
            if key.endswith(".png"):
                raise StoreFull("no room left")
            return super().put(key, data, content_type, **conditions)

    replica = await open_replica(NoRoomForPictures(folder), part_patience_seconds=0.3)

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert postcard.parts[0].error.reason == "STORE_FULL"
    assert postcard.card_error.reason == "STORE_FULL"
