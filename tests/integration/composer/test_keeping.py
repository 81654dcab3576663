"""Postcards that are kept: got, listed and deleted."""

import asyncio
from pathlib import Path

import grpc
import pytest
from postcards.composer.v1 import composer_pb2

from postcards_composer.api import servicer
from store_listing import left_in, listed

NOBODY = "a" * 26


async def delete(replica, postcard: str) -> None:
    await replica.stub.DeletePostcard(composer_pb2.DeletePostcardRequest(id=postcard))


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


async def test_pages_of_large_postcards_end_early_and_hide_none(replica, monkeypatch):
    made = [(await replica.made(seed=number)).id for number in range(7)]
    one = (await replica.get(made[0])).ByteSize()
    monkeypatch.setattr(servicer, "_MAX_PAGE_BYTES", int(2.5 * one))
    token, found, sizes = "", [], []
    while True:
        request = composer_pb2.ListPostcardsRequest(page_size=5, page_token=token)
        page = await replica.stub.ListPostcards(request)
        found += [postcard.id for postcard in page.postcards]
        sizes.append(len(page.postcards))
        token = page.next_page_token
        if not token:
            break

    assert found == made[::-1]
    assert max(sizes) < 5


async def test_a_postcard_that_fills_a_page_by_itself_is_shown(replica, monkeypatch):
    made = [(await replica.made(seed=number)).id for number in range(2)]
    monkeypatch.setattr(servicer, "_MAX_PAGE_BYTES", 1)

    page = await replica.stub.ListPostcards(composer_pb2.ListPostcardsRequest())

    assert [postcard.id for postcard in page.postcards] == made[:0:-1]
    assert page.next_page_token
