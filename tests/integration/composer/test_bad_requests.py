"""Every field of every request, filled with what it must not hold."""

import math

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from postcards.composer.v1 import composer_pb2

from postcards_serving.rpc.statuses import DETAILS_KEY

ID = "a" * 26

CREATE = [
    ({"request_id": "x" * 129}, "request_id", "at most 128"),
    ({"request_id": "no spaces"}, "request_id", "[A-Za-z0-9._-]+"),
    ({"request_id": "../../etc"}, "request_id", "[A-Za-z0-9._-]+"),
    ({"theme": "x" * 201}, "theme", "at most 200"),
    ({"strangeness": -0.01}, "strangeness", "0 to 1"),
    ({"strangeness": 1.01}, "strangeness", "0 to 1"),
    ({"strangeness": math.nan}, "strangeness", "finite"),
    ({"strangeness": math.inf}, "strangeness", "finite"),
    ({"timeout": {"nanos": 999_000_000}}, "timeout", "1 to 3600"),
    ({"timeout": {"seconds": 3601}}, "timeout", "1 to 3600"),
    ({"timeout": {"seconds": -5}}, "timeout", "1 to 3600"),
    ({"image": {"engine": "x" * 65}}, "image.engine", "at most 64"),
    ({"image": {"prompt": "x" * 2001}}, "image.prompt", "at most 2000"),
    ({"image": {"negative_prompt": "x" * 2001}}, "image.negative_prompt", "at most 2000"),
    ({"image": {"width": 63}}, "image.width", "64 to 2048"),
    ({"image": {"width": 2056}}, "image.width", "64 to 2048"),
    ({"image": {"width": 65}}, "image.width", "multiple of 8"),
    ({"image": {"height": 2**32 - 1}}, "image.height", "64 to 2048"),
    ({"image": {"height": 100}}, "image.height", "multiple of 8"),
    ({"image": {"steps": 1001}}, "image.steps", "1 to 1000"),
    ({"image": {"guidance_scale": 50.5}}, "image.guidance_scale", "0 to 50"),
    ({"image": {"guidance_scale": math.nan}}, "image.guidance_scale", "finite"),
    ({"image": {"init_strength": 1.5}}, "image.init_strength", "0 to 1"),
    ({"image": {"sampler": "x" * 65}}, "image.sampler", "at most 64"),
    ({"image": {"finish": 99}}, "image.finish", "99"),
    ({"audio": {"engine": "x" * 65}}, "audio.engine", "at most 64"),
    ({"audio": {"prompt": "x" * 2001}}, "audio.prompt", "at most 2000"),
    ({"audio": {"negative_prompt": "x" * 2001}}, "audio.negative_prompt", "at most 2000"),
    ({"audio": {"seconds": 0.25}}, "audio.seconds", "0.5 to 60"),
    ({"audio": {"seconds": 60.5}}, "audio.seconds", "0.5 to 60"),
    ({"audio": {"seconds": 0.0}}, "audio.seconds", "0.5 to 60"),
    ({"audio": {"steps": 1001}}, "audio.steps", "1 to 1000"),
    ({"audio": {"guidance_scale": -1.0}}, "audio.guidance_scale", "0 to 50"),
    ({"audio": {"init_strength": -math.inf}}, "audio.init_strength", "finite"),
    ({"language": {"engine": "x" * 65}}, "language.engine", "at most 64"),
    ({"language": {"prompt": "x" * 4001}}, "language.prompt", "at most 4000"),
    ({"language": {"intent": 99}}, "language.intent", "99"),
    ({"language": {"mood": -1}}, "language.mood", "-1"),
    ({"language": {"temperature": 2.5}}, "language.temperature", "0 to 2"),
    ({"language": {"top_p": 0.0}}, "language.top_p", "above 0"),
    ({"language": {"top_p": 1.5}}, "language.top_p", "1"),
]


def violation(problem: grpc.aio.AioRpcError) -> tuple[str, str]:
    packed = dict(problem.trailing_metadata())[DETAILS_KEY]
    for detail in Status.FromString(packed).details:
        bad = BadRequest()
        if detail.Unpack(bad):
            return bad.field_violations[0].field, bad.field_violations[0].description
    raise AssertionError("no BadRequest")


async def assert_refused(call, field: str, words: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    named, description = violation(caught.value)
    assert named == field
    assert words in description


@pytest.mark.parametrize(("content", "field", "words"), CREATE, ids=[f"{c[1]}-{n}" for n, c in enumerate(CREATE)])
async def test_a_field_out_of_its_limits_is_named_with_them(replica, content: dict, field: str, words: str):
    await assert_refused(replica.stub.CreatePostcard(composer_pb2.CreatePostcardRequest(**content)), field, words)
    assert replica.count("postcards_accepted_total") == 0


@pytest.mark.parametrize("method", ["Get", "Cancel", "Repair", "Delete", "Watch"])
@pytest.mark.parametrize("bad", ["", "a", "A" * 26, "a" * 27, "1" * 26, "../" + "a" * 23, "ä" * 26, "a" * 25 + "\n"])
async def test_an_unsafe_id_is_refused(replica, method: str, bad: str):
    call = getattr(replica.stub, f"{method}Postcard")(getattr(composer_pb2, f"{method}PostcardRequest")(id=bad))

    await assert_refused(call.read() if method == "Watch" else call, "id", "26 characters of a-z and 2-7")


@pytest.mark.parametrize("size", [101, 2**32 - 1])
async def test_too_large_a_page_is_refused(replica, size: int):
    request = composer_pb2.ListPostcardsRequest(page_size=size)

    await assert_refused(replica.stub.ListPostcards(request), "page_size", f"1 to 100, not {size}")


@pytest.mark.parametrize(
    "token",
    ["garbage", "====", "a" * 129, "ä", "aW5kZXgvLi4vLi4v", "Li4vLi4vZXRjL3Bhc3N3ZA", "MTIz", "\x00"],
)
async def test_a_page_token_of_somebody_else_is_refused(replica, token: str):
    await assert_refused(
        replica.stub.ListPostcards(composer_pb2.ListPostcardsRequest(page_token=token)), "page_token", ""
    )


async def test_the_greatest_of_everything_is_taken(replica):
    postcard = await replica.made(
        request_id="x" * 128,
        seed=2**64 - 1,
        theme="ä" * 200,
        strangeness=1.0,
        image={"prompt": "\U0001f996" * 2000, "width": 2048, "height": 64, "steps": 1000, "guidance_scale": 50.0},
        audio={"prompt": "\x00" * 2000, "seconds": 60.0},
        language={"prompt": "<script>" * 500, "temperature": 2.0, "top_p": 1.0},
        timeout={"seconds": 3600},
    )

    assert postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert postcard.seed == 2**64 - 1
    assert postcard.audio.prompt == "\x00" * 2000
    assert await replica.get(postcard.id) == postcard
