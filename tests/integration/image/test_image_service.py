"""The image service over a real channel, around an engine that obeys the test."""

import asyncio
import math

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from postcards.image.v1 import image_pb2
from postcards.species.v1 import body_pb2, world_pb2

from postcards_client.parts.blobs import BlobReceiver
from postcards_image.engine import ImageRequest
from postcards_image.requests import read_request
from postcards_serving.errors import InvalidField
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.statuses import DETAILS_KEY, from_rpc_error
from postcards_serving.testing import eventually
from postcards_species.species import caption_of, derive_species


async def failure(asked) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asked
    return caught.value


def field_of(fault: grpc.aio.AioRpcError) -> str:
    for packed in Status.FromString(dict(fault.trailing_metadata())[DETAILS_KEY]).details:
        request = BadRequest()
        if packed.Unpack(request):
            return request.field_violations[0].field
    raise AssertionError("no BadRequest in the details")


async def test_the_stream_has_progress_then_the_result_then_the_bytes(probe):
    responses = await probe.ask(seed=5)
    kinds = [response.WhichOneof("event") for response in responses]
    assert kinds == ["progress", "progress", "result", "chunk", "chunk", "chunk", "chunk"]
    assert [response.progress.stage for response in responses[:2]] == ["skeleton", "skin"]
    result = responses[2].result
    receiver = BlobReceiver(result.blobs)
    for response in responses[3:]:
        receiver.add(response.chunk)
    image, raw = receiver.finish()
    assert (image.name, image.content_type, len(image.data)) == ("image.png", "image/png", 600_000)
    assert raw.data == b"raw"
    assert (result.width, result.height, result.alt_text) == (1024, 1024, "An animal.")
    assert dict(result.provenance.settings) == {"seed": "5", "width": "null"}
    assert result.provenance.engine == "obedient"


async def test_previews_come_when_asked_for(probe):
    responses = await probe.ask(previews=True)
    previews = [response.preview for response in responses if response.HasField("preview")]
    assert [(preview.stage, preview.data) for preview in previews] == [("skeleton", b"skeleton"), ("skin", b"skin")]


async def test_an_empty_request_draws_species_zero(probe):
    await probe.ask()
    species = derive_species(0)
    assert probe.engine.requests == [
        ImageRequest(
            species.body_plan,
            species.scene,
            caption=caption_of(species),
            parents=species.parents,
            temperament=species.temperament,
        )
    ]


async def test_the_species_follows_seed_and_strangeness(probe):
    await probe.ask(seed=9, strangeness=0.125)
    (asked,) = probe.engine.requests
    assert asked.body_plan == derive_species(9, 0.125).body_plan


async def test_a_species_that_is_sent_is_drawn_whatever_the_seed(probe):
    other = derive_species(77)
    body = encode(other.body_plan, body_pb2.BodyPlan)
    await probe.ask(seed=9, body_plan=body)
    await probe.ask(seed=9, scene=encode(other.scene, world_pb2.Scene))
    first, second = probe.engine.requests
    assert (first.body_plan, first.scene) == (other.body_plan, derive_species(9).scene)
    assert (second.body_plan, second.scene) == (derive_species(9).body_plan, other.scene)


async def test_every_setting_reaches_the_engine(probe):
    await probe.ask(
        engine="obedient",
        request_id="a.b-C_1",
        seed=2**64 - 1,
        prompt="p" * 2000,
        negative_prompt="n",
        width=64,
        height=2048,
        steps=1000,
        guidance_scale=0,
        init_strength=1,
        sampler="ddim",
        previews=True,
        caption=["Felis nova", "Grr, at home"],
        theme="fog",
        temperament=["wary"],
    )
    (asked,) = probe.engine.requests
    assert asked.caption == ("Felis nova", "Grr, at home")
    assert (asked.theme, asked.temperament) == ("fog", ("wary",))
    assert (asked.seed, asked.prompt, asked.negative_prompt) == (2**64 - 1, "p" * 2000, "n")
    assert (asked.width, asked.height, asked.steps) == (64, 2048, 1000)
    assert (asked.guidance_scale, asked.init_strength, asked.sampler, asked.previews) == (0, 1, "ddim", True)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"engine": "ddpm"}, "engine", "must be empty or 'obedient', which this server runs, not 'ddpm'"),
        ({"engine": "x" * 100_000}, "engine", "must have at most 64 characters, not 100000"),
        ({"request_id": "no spaces"}, "request_id", "must match"),
        ({"request_id": "../../etc"}, "request_id", "must match"),
        ({"request_id": "x" * 129}, "request_id", "must have at most 128 characters, not 129"),
        ({"strangeness": math.nan}, "strangeness", "must be a finite number, not nan"),
        ({"strangeness": -0.5}, "strangeness", "must be 0 to 1, not -0.5"),
        ({"prompt": "p" * 2001}, "prompt", "must have at most 2000 characters, not 2001"),
        ({"negative_prompt": "p" * 2001}, "negative_prompt", "must have at most 2000 characters, not 2001"),
        ({"width": 63}, "width", "must be 64 to 2048, not 63"),
        ({"width": 65}, "width", "must be a multiple of 8, not 65"),
        ({"height": 4096}, "height", "must be 64 to 2048, not 4096"),
        ({"steps": 1001}, "steps", "must be 1 to 1000, not 1001"),
        ({"guidance_scale": math.inf}, "guidance_scale", "must be a finite number, not inf"),
        ({"guidance_scale": 50.5}, "guidance_scale", "must be 0 to 50, not 50.5"),
        ({"init_strength": 1.5}, "init_strength", "must be 0 to 1, not 1.5"),
        ({"sampler": "s" * 65}, "sampler", "must have at most 64 characters, not 65"),
        ({"caption": ["a", "b", "c"]}, "caption", "must have at most 2 items, not 3"),
        ({"caption": ["a", "b" * 97]}, "caption[1]", "must have at most 96 characters, not 97"),
        ({"scene": world_pb2.Scene(biome=99)}, "scene.biome", "must be one of JUNGLE, SWAMP"),
        ({"scene": world_pb2.Scene()}, "scene.biome", "must be one of JUNGLE, SWAMP"),
        ({"prompt": "refuse"}, "sampler", "must be empty: this engine has none"),
    ],
)
async def test_a_bad_field_is_named_with_its_limit(probe, fields, field, words):
    fault = await failure(probe.ask(**fields))
    assert fault.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in fault.details()
    assert field_of(fault) == field


def numbers_of(message, path: str) -> list[tuple[Message, str, int | None, str]]:
    """Every real number of a message at any depth: its owner, field, index and path."""
    found = []
    for field, value in message.ListFields():
        each = list(enumerate(value)) if field.is_repeated else [(None, value)]
        for index, held in each:
            place = f"{path}.{field.name}" + ("" if index is None else f"[{index}]")
            if field.message_type is not None:
                found += numbers_of(held, place)
            elif field.cpp_type == field.CPPTYPE_DOUBLE:
                found.append((message, field.name, index, place))
    return found


def drawing_of(seed: int) -> image_pb2.GenerateImageRequest:
    species = derive_species(seed)
    return image_pb2.GenerateImageRequest(
        body_plan=encode(species.body_plan, body_pb2.BodyPlan), scene=encode(species.scene, world_pb2.Scene)
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e300, -1e300])
def test_no_number_of_the_body_or_scene_may_be_absurd(number):
    request = drawing_of(3)
    read_request(request)
    places = numbers_of(request.body_plan, "body_plan") + numbers_of(request.scene, "scene")
    assert len(places) > 10
    for owner, name, index, path in places:
        kept = getattr(owner, name) if index is None else getattr(owner, name)[index]
        _put(owner, name, index, number)
        with pytest.raises(InvalidField) as caught:
            read_request(request)
        assert caught.value.field == path
        _put(owner, name, index, kept)


def _put(owner: Message, name: str, index: int | None, number: float) -> None:
    if index is None:
        setattr(owner, name, number)
    else:
        getattr(owner, name)[index] = number


async def test_a_failure_of_the_engine_is_told_in_its_own_words(probe):
    error = from_rpc_error(fault := await failure(probe.ask(prompt="fail")))
    assert fault.code() is grpc.StatusCode.INTERNAL
    assert (error.reason, error.message) == ("ENGINE_FAILED", "the ink has run out")


async def test_a_crash_of_the_engine_is_not(probe):
    fault = await failure(probe.ask(prompt="crash"))
    assert fault.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in fault.details()
    assert await probe.ask()


async def test_a_client_that_goes_away_stops_the_engine_between_stages(probe):
    call = probe.stub.GenerateImage(image_pb2.GenerateImageRequest(prompt="wait"))
    responses = aiter(call)
    assert (await anext(responses)).progress.stage == "skeleton"
    call.cancel()
    await eventually(lambda: probe.engine.stopped == ["Cancelled"])
    await eventually(lambda: probe.admission.in_flight == 0)
    assert await probe.ask()


async def test_who_waits_hears_where_it_stands(probe):
    first = aiter(probe.stub.GenerateImage(image_pb2.GenerateImageRequest(prompt="wait")))
    await anext(first)
    second = aiter(probe.stub.GenerateImage(image_pb2.GenerateImageRequest()))
    queued = (await anext(second)).progress
    assert (queued.stage, queued.queue_position, queued.steps) == ("queued", 0, 0)
    assert queued.HasField("predicted_wait")
    fault = await failure(probe.ask())
    assert fault.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert from_rpc_error(fault).retry_after > 0
    probe.engine.release.set()
    results = await asyncio.gather(*(_last(stream) for stream in (first, second)))
    assert [response.WhichOneof("event") for response in results] == ["chunk", "chunk"]


async def _last(stream):
    response = None
    async for received in stream:
        response = received
    return response
