"""What becomes of a postcard when a part cannot be made, and how it is repaired."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
from postcards.composer.v1 import composer_pb2

from postcards_composer.store import keys
from postcards_serving.errors import EngineFailed, Overloaded, ServiceError, Unavailable
from postcards_serving.testing import eventually

IMAGE, LANGUAGE, AUDIO = range(3)
DONE, FAILED = composer_pb2.PART_STATE_DONE, composer_pb2.PART_STATE_FAILED


def failing(problem: Exception):
    async def step() -> None:
        raise problem

    return step


def states(postcard: composer_pb2.Postcard) -> list[int]:
    return [part.state for part in postcard.parts]


def names(postcard: composer_pb2.Postcard) -> list[str]:
    return [file.name for file in postcard.files]


async def until(call, stage: str):
    async for event in call:
        yield event
        if event.progress.progress.stage == stage:
            return


async def repaired(replica, postcard_id: str) -> composer_pb2.Postcard:
    response = await replica.stub.RepairPostcard(composer_pb2.RepairPostcardRequest(id=postcard_id))
    assert response.postcard.state == composer_pb2.POSTCARD_STATE_CREATING
    return await replica.finished(postcard_id)


async def test_a_failed_picture_does_not_sink_the_postcard(replica, parts):
    parts.image_steps.append(failing(EngineFailed("the pencil broke", reason="PENCIL_BROKE")))

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert states(postcard) == [FAILED, DONE, DONE]
    error = postcard.parts[IMAGE].error
    assert (error.code, error.reason, error.message) == ("INTERNAL", "PENCIL_BROKE", "the pencil broke")
    assert "image.png" not in names(postcard)
    assert "card.html" in names(postcard)
    assert replica.count("postcards_created_total", state="partial") == 1
    assert replica.count("postcards_part_seconds_count", part="image", result="failed") == 1


async def test_a_repair_makes_only_what_is_missing(replica, parts):
    parts.image_steps.append(failing(EngineFailed("the pencil broke")))
    postcard = await replica.made()

    whole = await repaired(replica, postcard.id)

    assert whole.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert whole.parts[IMAGE].attempts == 2
    assert not whole.parts[IMAGE].HasField("error")
    assert (len(parts.image_requests), len(parts.language_requests), len(parts.audio_requests)) == (2, 1, 1)
    assert whole.revision > postcard.revision


async def test_without_a_phrase_the_animal_still_calls_and_a_repair_makes_it_say_the_phrase(replica, parts):
    parts.language_steps.append(failing(EngineFailed("no words")))

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert states(postcard) == [DONE, FAILED, DONE]
    assert not postcard.HasField("phrase")
    assert not parts.audio_requests[0].HasField("phrase")

    whole = await repaired(replica, postcard.id)

    assert whole.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert parts.audio_requests[1].phrase == whole.phrase
    assert len(parts.image_requests) == 1


async def test_a_postcard_without_any_part_has_failed_and_can_be_repaired(replica, parts):
    for steps in (parts.image_steps, parts.language_steps, parts.audio_steps):
        steps.append(failing(EngineFailed("no")))

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_FAILED
    assert states(postcard) == [FAILED] * 3
    assert names(postcard) == []
    assert (await repaired(replica, postcard.id)).state == composer_pb2.POSTCARD_STATE_ACTIVE


async def test_there_is_nothing_to_repair_on_a_whole_postcard(replica, refused):
    postcard = await replica.made()

    async with refused(grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_TO_REPAIR"):
        await repaired(replica, postcard.id)


@pytest.mark.parametrize("name", ["image.png", "call.mp3", "phrase.json", "card.html"])
@pytest.mark.parametrize("harm", ["lost", "damaged"])
async def test_a_repair_mends_files_that_were_lost_or_damaged(replica, folder: Path, name: str, harm: str):
    postcard = await replica.made()
    path = folder / "postcards" / postcard.id / name
    before = path.read_bytes()
    kept = path.resolve()
    kept.unlink() if harm == "lost" else kept.write_bytes(b"scratched")

    whole = await repaired(replica, postcard.id)

    assert whole.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert path.exists()
    if name != "card.html":
        assert path.read_bytes() == before


async def test_what_is_being_made_cannot_be_repaired(replica, parts, refused):
    gate = parts.hold("image")
    postcard = await replica.create()

    async with refused(grpc.StatusCode.FAILED_PRECONDITION, "POSTCARD_CREATING"):
        await repaired(replica, postcard.id)
    gate.opened.set()
    await replica.finished(postcard.id)


async def test_a_full_part_service_is_asked_again_after_the_delay_it_names(replica, parts):
    parts.image_refusals += [Overloaded(0.05)] * 4

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert postcard.parts[IMAGE].attempts == 5
    assert replica.count("postcards_part_retries_total", part="image") == 4


@pytest.mark.parametrize("retry_after", [None, 0.01])
async def test_a_part_that_does_not_fit_into_memory_is_not_asked_for_again(replica, parts, retry_after):
    problem = ServiceError("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY", "too large", retry_after=retry_after)
    parts.image_steps += [failing(problem)] * 2

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert postcard.parts[IMAGE].attempts == 1
    error = postcard.parts[IMAGE].error
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY")


async def test_who_has_tried_everything_is_not_asked_again(replica, parts):
    parts.language_steps += [failing(Unavailable("the API failed", reason="API_FAILED", retry_after=None))] * 2

    postcard = await replica.made()

    part = next(part for part in postcard.parts if part.kind == composer_pb2.PART_KIND_LANGUAGE)
    assert (part.attempts, part.error.reason) == (1, "API_FAILED")


@pytest.mark.long
async def test_a_part_service_that_stays_full_is_asked_until_the_time_is_over(open_replica, parts):
    replica = await open_replica(part_patience_seconds=0.1)
    parts.image_refusals += [Overloaded(0.7)] * 50

    postcard = await replica.made(timeout={"seconds": 8})

    assert postcard.parts[IMAGE].error.code == "RESOURCE_EXHAUSTED"
    assert postcard.parts[IMAGE].attempts > 3


async def test_a_part_service_that_is_briefly_away_is_asked_again(replica, parts):
    parts.audio_steps.append(failing(Unavailable("restarting")))

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert postcard.parts[AUDIO].attempts == 2


async def test_watchers_see_the_waiting(replica, parts):
    gate = parts.hold("language")
    parts.image_refusals.append(Overloaded(30.0))
    postcard = await replica.create()
    await gate.reached.wait()
    await eventually(lambda: parts.image_requests)
    call = replica.stub.WatchPostcard(composer_pb2.WatchPostcardRequest(id=postcard.id))

    waiting = [event async for event in until(call, "waiting")][-1].progress

    assert waiting.kind == composer_pb2.PART_KIND_IMAGE
    assert waiting.progress.predicted_wait.seconds >= 30
    call.cancel()


async def test_a_part_service_that_stays_away_fails_its_part_in_the_end(open_replica):
    replica = await open_replica(image_address="127.0.0.1:1", part_patience_seconds=0.5)

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert postcard.parts[IMAGE].error.reason == "SERVICE_UNREACHABLE"
    assert postcard.parts[IMAGE].error.message == "the image service cannot be reached"


async def test_a_part_service_that_dies_in_the_middle_is_asked_again(open_replica, parts, serve_parts):
    gate = parts.hold("image")
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serve_parts(parts))
        replica = await open_replica(image_address=address, part_patience_seconds=0.5)
        postcard = await replica.create()
        await gate.reached.wait()

    finished = await replica.finished(postcard.id)

    assert finished.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert finished.parts[IMAGE].attempts > 1
    assert finished.parts[IMAGE].error.reason == "SERVICE_UNREACHABLE"


async def test_work_that_always_breaks_off_is_given_up(replica, parts):
    parts.damage = 50

    postcard = await replica.made()

    assert postcard.parts[IMAGE].error.code == "DATA_LOSS"
    assert postcard.parts[IMAGE].attempts == 3


async def test_damaged_bytes_are_fetched_again(replica, parts):
    parts.damage = 1

    postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert postcard.parts[IMAGE].attempts == 2


async def test_a_picture_that_is_none_fails_its_part(replica, parts):
    parts.png = b"not a picture"

    postcard = await replica.made()

    assert states(postcard) == [FAILED, DONE, DONE]
    assert postcard.parts[IMAGE].error.reason == "BAD_RESULT"
    assert names(postcard) == ["call.flac", "call.mp3", "card.html", "card.png", "phrase.json"]


async def test_a_call_that_is_none_fails_its_part(replica, parts):
    parts.mp3 = b"not a sound"

    postcard = await replica.made()

    assert states(postcard) == [DONE, DONE, FAILED]
    assert postcard.parts[AUDIO].error.reason == "BAD_RESULT"


async def test_a_phrase_that_breaks_a_limit_fails_its_part(replica, parts):
    parts.language_text = "g" * 513

    postcard = await replica.made()

    assert postcard.parts[LANGUAGE].error.reason == "BAD_RESULT"
    assert "animal_text" in postcard.parts[LANGUAGE].error.message


async def test_the_time_for_the_postcard_limits_every_part(replica, parts):
    parts.hold("image")

    postcard = await replica.made(timeout={"seconds": 1})

    assert postcard.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert postcard.parts[IMAGE].error.code == "DEADLINE_EXCEEDED"
    assert parts.cancelled == ["image"]


async def test_no_time_is_left_for_the_call_after_a_slow_phrase(replica, parts):
    parts.hold("language")

    postcard = await replica.made(timeout={"seconds": 1})

    assert states(postcard) == [DONE, FAILED, FAILED]
    assert postcard.parts[AUDIO].error.reason == "DEADLINE_EXCEEDED"
    assert not parts.audio_requests


async def test_a_card_that_cannot_be_rendered_leaves_the_parts(replica, monkeypatch):
    def broken(*_: object) -> bytes:
        raise RuntimeError("no ink")

    with monkeypatch.context() as patch:
        patch.setattr("postcards_composer.card.assembly.render_card_png", broken)
        postcard = await replica.made()

    assert postcard.state == composer_pb2.POSTCARD_STATE_PARTIAL
    assert postcard.card_error.reason == "CARD_FAILED"
    assert replica.count("postcards_card_failures_total") == 1
    assert states(postcard) == [DONE] * 3
    whole = await repaired(replica, postcard.id)
    assert whole.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert not whole.HasField("card_error")


async def has_call(replica, postcard_id: str) -> bool:
    return (await replica.get(postcard_id)).parts[AUDIO].state == DONE


async def test_cancelling_stops_the_work_and_keeps_what_is_finished(replica, parts, refused):
    parts.hold("image")
    postcard = await replica.create()
    watching = asyncio.create_task(replica.events(postcard.id))
    await eventually(lambda: has_call(replica, postcard.id))

    response = await replica.stub.CancelPostcard(composer_pb2.CancelPostcardRequest(id=postcard.id))

    assert response.postcard.state == composer_pb2.POSTCARD_STATE_CANCELLED
    assert states(response.postcard) == [composer_pb2.PART_STATE_CANCELLED, DONE, DONE]
    assert (await watching)[-1].postcard == response.postcard
    assert parts.cancelled == ["image"]
    assert replica.count("postcards_created_total", state="cancelled") == 1
    assert replica.count("postcards_in_flight") == 0
    async with refused(grpc.StatusCode.FAILED_PRECONDITION, "POSTCARD_NOT_CREATING"):
        await replica.stub.CancelPostcard(composer_pb2.CancelPostcardRequest(id=postcard.id))
    assert (await repaired(replica, postcard.id)).state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert len(parts.audio_requests) == 1


async def test_the_note_of_work_goes_with_the_work(replica, parts, folder: Path):
    parts.image_steps.append(failing(EngineFailed("no")))
    postcard = await replica.made()
    await eventually(lambda: not (folder / keys.PENDING).exists())

    gate = parts.hold("image")
    repair = asyncio.create_task(repaired(replica, postcard.id))
    await gate.reached.wait()
    assert (folder / keys.PENDING).exists()
    gate.opened.set()
    await repair
    await eventually(lambda: not (folder / keys.PENDING).exists())
