"""Requests to create: those that are repeated find their postcard, others are refused, or wait for a place."""

import asyncio
from pathlib import Path

import grpc
from postcards.composer.v1 import composer_pb2

from postcards_composer.postcards.ids import postcard_id
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import eventually
from store_listing import listed


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
