"""Repetition, getting, listing, deleting; a store that is away, full or damaged."""

import asyncio
import os
from pathlib import Path

import grpc
import pytest
from postcards.composer.v1 import composer_pb2

from postcards_composer.ids import postcard_id
from postcards_composer.store import StoreFull, StoreUnavailable
from postcards_composer.store.folder import FolderStore
from postcards_serving.statuses import from_rpc_error
from postcards_serving.testing import eventually

NOBODY = "a" * 26


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


async def listed(replica, size: int = 0, token: str = "") -> composer_pb2.ListPostcardsResponse:
    return await replica.stub.ListPostcards(composer_pb2.ListPostcardsRequest(page_size=size, page_token=token))


async def delete(replica, postcard: str) -> None:
    await replica.stub.DeletePostcard(composer_pb2.DeletePostcardRequest(id=postcard))


def left_in(folder: Path) -> list[str]:
    walked = ((Path(root).relative_to(folder), names) for root, _, names in os.walk(folder))
    return [str(below / name) for below, names in walked for name in names if ".scratch" not in below.parts]


async def test_the_same_request_finds_the_same_postcard(replica, parts):
    first = await replica.create(request_id="r-1", theme="fog")
    again = await replica.create(request_id="r-1", theme="fog")
    finished = await replica.finished(first.id)
    later = await replica.create(request_id="r-1", theme="fog", timeout={"seconds": 30}, strangeness=0.5)

    assert first.id == again.id == later.id == postcard_id("r-1")
    assert later == finished
    assert len(parts.image_requests) == 1


async def test_the_same_request_at_the_same_time_makes_one_postcard(replica, parts, folder: Path):
    made = await asyncio.gather(*(replica.create(request_id="r-1") for _ in range(8)))

    assert len({postcard.id for postcard in made}) == 1
    assert len({postcard.seed for postcard in made}) == 1
    await replica.finished(made[0].id)
    assert len(parts.image_requests) == 1
    assert len((await listed(replica)).postcards) == 1
    assert len(list((folder / "index").iterdir())) == 1


async def test_another_content_under_the_same_request_id_is_refused(replica, refused):
    await replica.made(request_id="r-1", theme="fog")

    async with refused(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        await replica.create(request_id="r-1", theme="rain")


@pytest.mark.parametrize("method", ["Get", "Cancel", "Repair", "Delete", "Watch"])
async def test_who_does_not_exist_is_not_found(replica, refused, method: str):
    request = getattr(composer_pb2, f"{method}PostcardRequest")(id=NOBODY)
    async with refused(grpc.StatusCode.NOT_FOUND, "POSTCARD_NOT_FOUND"):
        call = getattr(replica.stub, f"{method}Postcard")(request)
        await (call.read() if method == "Watch" else call)


async def test_a_list_is_newest_first_and_comes_in_pages(replica):
    ids = [(await replica.made()).id for _ in range(5)]

    first = await listed(replica, 2)
    second = await listed(replica, 2, first.next_page_token)
    third = await listed(replica, 2, second.next_page_token)

    pages = [[postcard.id for postcard in page.postcards] for page in (first, second, third)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [number for page in pages for number in page] == ids[::-1]
    assert third.next_page_token == ""
    assert [p.id for p in (await listed(replica)).postcards] == ids[::-1]


async def test_an_empty_store_lists_nothing(replica):
    assert await listed(replica) == composer_pb2.ListPostcardsResponse()


async def test_a_damaged_manifest_hides_nobody_else(replica, refused, folder: Path):
    kept, damaged, strange = [await replica.made() for _ in range(3)]
    (folder / "postcards" / damaged.id / "manifest.json").write_bytes(b'{"schema": 1, "id"')
    path = folder / "postcards" / strange.id / "manifest.json"
    path.write_text(
        path.read_text().replace('"pitch_hz": ', '"pitch_hz": 1e9, "was": ').replace('"was"', '"from_2031"')
    )

    page = await listed(replica, 1)

    assert [postcard.id for postcard in page.postcards] == [kept.id]
    assert page.next_page_token == ""
    async with refused(grpc.StatusCode.DATA_LOSS, "MANIFEST_UNREADABLE") as problem:
        await replica.get(damaged.id)
    assert "not JSON" in problem.value.details()
    async with refused(grpc.StatusCode.DATA_LOSS, "MANIFEST_UNREADABLE") as problem:
        await replica.get(strange.id)
    assert "from_2031" in problem.value.details()
    assert replica.count("postcards_manifests_unreadable_total") >= 2


async def test_a_deleted_postcard_leaves_nothing(replica, refused, folder: Path):
    postcard = await replica.made(request_id="r-1", theme="fog")

    await delete(replica, postcard.id)

    assert left_in(folder) == []
    async with refused(grpc.StatusCode.NOT_FOUND, "POSTCARD_NOT_FOUND"):
        await replica.get(postcard.id)
    assert not (await listed(replica)).postcards
    again = await replica.made(request_id="r-1", theme="rain")
    assert again.id == postcard.id
    assert again.state == composer_pb2.POSTCARD_STATE_ACTIVE


async def test_deleting_while_it_is_made_leaves_nothing(replica, parts, refused, folder: Path):
    gate = parts.hold("image")
    postcard = await replica.create()
    watching = asyncio.create_task(replica.events(postcard.id))
    await gate.reached.wait()

    await delete(replica, postcard.id)

    async with refused(grpc.StatusCode.NOT_FOUND, "POSTCARD_NOT_FOUND"):
        await watching
    assert left_in(folder) == []
    assert parts.cancelled == ["image"]


async def test_when_every_place_is_taken_the_caller_is_told_when_to_come_back(open_replica, parts, refused):
    replica = await open_replica(max_in_flight=2)
    gates = [parts.hold("image"), parts.hold("image")]
    making = [await replica.create(request_id=f"r-{number}") for number in range(2)]

    async with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED") as problem:
        await replica.create(request_id="r-2")

    assert from_rpc_error(problem.value).retry_after > 0
    assert replica.count("postcards_refused_total") == 1
    assert replica.count("postcards_in_flight") == 2
    assert (await replica.create(request_id="r-0")).id == making[0].id
    for gate in gates:
        gate.opened.set()
    for postcard in making:
        await replica.finished(postcard.id)
    await eventually(lambda: replica.count("postcards_in_flight") == 0)
    assert (await replica.made(request_id="r-2")).state == composer_pb2.POSTCARD_STATE_ACTIVE


async def test_the_parts_that_are_still_wanted_are_told_so_that_services_can_be_woken(replica, parts):
    def wanted() -> list[float]:
        return [replica.count("postcards_parts_wanted", part=part) for part in ("image", "language", "audio")]

    picture, phrase = parts.hold("image"), parts.hold("language")
    assert wanted() == [0, 0, 0]
    postcard = await replica.create()
    # The call is not asked for before the phrase is there, but its service may need the time to start.
    assert wanted() == [1, 1, 1]
    phrase.opened.set()
    await eventually(lambda: wanted() == [1, 0, 0])
    picture.opened.set()
    await replica.finished(postcard.id)
    await eventually(lambda: wanted() == [0, 0, 0])


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
