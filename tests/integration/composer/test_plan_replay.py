"""PlanReplay on the wire: for a postcard that is kept here, and for a manifest that is kept anywhere."""

import json
from pathlib import Path

import grpc
import pytest
from postcards.composer.v1 import composer_pb2
from postcards.image.v1 import image_pb2

MEBIBYTE = 1024 * 1024


async def plan(replica, **request) -> composer_pb2.PlanReplayResponse:
    return await replica.stub.PlanReplay(composer_pb2.PlanReplayRequest(**request))


@pytest.fixture
async def postcard(replica) -> composer_pb2.Postcard:
    return await replica.made(seed=7, theme="fog", image={"steps": 9})


@pytest.fixture
def manifest(postcard, folder: Path) -> bytes:
    return (folder / "postcards" / postcard.id / "manifest.json").read_bytes()


async def test_the_requests_are_those_that_made_the_parts(replica, parts, manifest):
    answer = await plan(replica, manifest=manifest)
    for again, then in (
        (answer.image, parts.image_requests[0]),
        (answer.language, parts.language_requests[0]),
        (answer.audio, parts.audio_requests[0]),
    ):
        expected = type(then)()
        expected.CopyFrom(then)
        expected.request_id, expected.engine = again.request_id, again.engine
        if isinstance(then, image_pb2.GenerateImageRequest):
            # The fake image service says that it took this width.
            expected.width = 256
        assert again == expected
    assert answer.image.engine == "fake-image"
    assert len(parts.image_requests) == 1, "planning makes nothing"


async def test_a_manifest_is_shown_without_urls_and_a_kept_postcard_with_them(replica, manifest, postcard):
    by_manifest = (await plan(replica, manifest=manifest)).postcard
    assert {file.url for file in by_manifest.files} == {""}
    assert by_manifest.location == ""
    assert (await plan(replica, id=postcard.id)).postcard == postcard
    for file in postcard.files:
        file.url = ""
    assert {file.name: file for file in by_manifest.files} == {file.name: file for file in postcard.files}


async def test_a_part_that_was_never_made_is_absent(replica, parts):
    parts.mp3 = b"none"
    postcard = await replica.made(seed=7)
    answer = await plan(replica, id=postcard.id)
    assert answer.HasField("image")
    assert answer.HasField("language")
    assert not answer.HasField("audio")


async def test_nothing_done_nothing_to_replay(replica, parts, refused):
    parts.png, parts.mp3, parts.language_text = b"none", b"none", "g" * 513
    postcard = await replica.made(seed=7)
    async with refused(grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_TO_REPLAY"):
        await plan(replica, id=postcard.id)


async def test_what_cannot_be_read_is_refused(replica, manifest, refused):
    async with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD") as caught:
        await plan(replica, manifest=b"{")
    assert "manifest cannot be read" in caught.value.details()
    async with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await plan(replica, manifest=b" " * (MEBIBYTE + 1))
    async with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await plan(replica)
    async with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await plan(replica, manifest=manifest, id="a" * 26)
    async with refused(grpc.StatusCode.NOT_FOUND, "POSTCARD_NOT_FOUND"):
        await plan(replica, id="a" * 26)


async def test_a_manifest_with_values_that_no_postcard_has_is_refused(replica, manifest, refused):
    for harm in ({"alt_text": "\ud800"}, {"state": "deleting"}, {"id": "../../etc"}, {"id": "a" * 200}):
        async with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
            await plan(replica, manifest=json.dumps(json.loads(manifest) | harm).encode())


async def test_the_verdict_of_the_safety_checker_is_kept_and_told_of_the_picture(replica, parts, folder):
    kept, told = {}, {}
    for verdict in (*image_pb2.SafetyVerdict.values(), 77):
        parts.safety = verdict
        postcard = await replica.made(seed=7)
        kept[verdict] = json.loads((folder / "postcards" / postcard.id / "manifest.json").read_bytes())["safety"]
        told[verdict] = [part.safety for part in postcard.parts]
    nothing, passed, withheld = image_pb2.SafetyVerdict.values()
    assert kept == {nothing: None, passed: "passed", withheld: "withheld", 77: None}
    assert told == {
        nothing: [nothing, nothing, nothing],
        passed: [passed, nothing, nothing],
        withheld: [withheld, nothing, nothing],
        77: [nothing, nothing, nothing],
    }
