"""The client against a scripted composer on a real channel."""

from contextlib import aclosing

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import code_pb2, error_details_pb2
from postcards.composer.v1 import composer_pb2 as pb

from postcards_client import (
    Advanced,
    AlreadyExists,
    Changed,
    DeadlineExceeded,
    FailedPrecondition,
    ImageSettings,
    InvalidRequest,
    NotFound,
    Overloaded,
    PostcardsClient,
    Previewed,
    RetryPolicy,
    ServerFailed,
    Unavailable,
)
from postcards_client.errors import FieldViolation

QUICK = RetryPolicy(attempts=4, first_delay=0.005, longest_delay=0.01, patience=0.5)


@pytest.fixture
async def client(composer):
    async with PostcardsClient(composer.address, retries=QUICK, deadline=10) as client:
        yield client


def retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    return error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=round(seconds * 1e9)))


async def test_create_sends_every_setting(client, composer):
    postcard = await client.create(
        seed=2**64 - 1, theme="fog", strangeness=0.0, image=ImageSettings(width=512), timeout=90.25, request_id="r1"
    )
    request = composer.requests[0]
    assert request.seed == 2**64 - 1
    assert request.HasField("strangeness")
    assert request.strangeness == 0
    assert (request.theme, request.image.width, request.request_id) == ("fog", 512, "r1")
    assert request.timeout.ToTimedelta().total_seconds() == 90.25
    assert postcard.state == pb.POSTCARD_STATE_CREATING


async def test_settings_left_away_are_absent(client, composer):
    await client.create()
    request = composer.requests[0]
    assert not any(request.HasField(name) for name in ("seed", "strangeness", "image", "audio", "language", "timeout"))
    assert len(request.request_id) == 32


async def test_a_retried_create_makes_one_postcard(client, composer, refused):
    refused(code_pb2.UNAVAILABLE)
    refused(code_pb2.UNAVAILABLE)
    await client.create()
    assert len(composer.requests) == 3
    assert len({request.request_id for request in composer.requests}) == 1
    assert len(composer.postcards) == 1


async def test_two_creates_make_two_postcards(client):
    first, second = await client.create(), await client.create()
    assert first.id != second.id


async def test_an_overloaded_composer_is_asked_again_when_it_says(client, composer, refused):
    for _ in range(QUICK.attempts + 2):
        refused(code_pb2.RESOURCE_EXHAUSTED, "too many", retry_info(0.002))
    await client.create()
    assert len(composer.requests) == QUICK.attempts + 3


async def test_an_overload_without_a_delay_is_an_error(client, composer, refused):
    refused(code_pb2.RESOURCE_EXHAUSTED, "too many")
    with pytest.raises(Overloaded):
        await client.create()
    assert len(composer.requests) == 1


async def test_an_overload_longer_than_the_deadline_is_an_error(client, composer, refused):
    refused(code_pb2.RESOURCE_EXHAUSTED, "too many", error_details_pb2.RetryInfo(retry_delay={"seconds": 100}))
    with pytest.raises(Overloaded) as caught:
        await client.create()
    assert caught.value.retry_after == 100
    assert len(composer.requests) == 1


async def test_refused_fields_are_named(client, refused):
    refused(
        code_pb2.INVALID_ARGUMENT,
        "image.width must be at most 2048",
        error_details_pb2.ErrorInfo(reason="OUT_OF_RANGE", domain="postcards"),
        error_details_pb2.BadRequest(field_violations=[{"field": "image.width", "description": "at most 2048"}]),
    )
    with pytest.raises(InvalidRequest, match="2048") as caught:
        await client.create()
    assert caught.value.violations == (FieldViolation("image.width", "at most 2048"),)
    assert caught.value.reason == "OUT_OF_RANGE"
    assert caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("method", "values", "field"),
    [
        ("create", {"seed": -1}, "seed"),
        ("make", {"timeout": "soon"}, "timeout"),
        ("get", {"postcard_id": 5}, "id"),
        ("wait", {"postcard_id": 5}, "id"),
        ("list", {"page_size": 2**40}, "page_size"),
        ("list", {"page_token": 3}, "page_token"),
        ("cancel", {"postcard_id": 5.0}, "id"),
        ("repair", {"postcard_id": b"\xff"}, "id"),
        ("delete", {"postcard_id": 5}, "id"),
        ("plan_replay", {"manifest": "{}"}, "manifest"),
    ],
)
async def test_a_value_that_fits_no_field_is_refused_before_anything_is_sent(client, composer, method, values, field):
    with pytest.raises(InvalidRequest) as caught:
        await getattr(client, method)(**values)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert not composer.requests


async def test_a_watch_from_a_position_that_is_none(client):
    with pytest.raises(InvalidRequest, match="after_sequence"):
        await anext(client.watch("a" * 26, after_sequence=-1))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (code_pb2.ALREADY_EXISTS, AlreadyExists),
        (code_pb2.FAILED_PRECONDITION, FailedPrecondition),
        (code_pb2.NOT_FOUND, NotFound),
        (code_pb2.DEADLINE_EXCEEDED, DeadlineExceeded),
        (code_pb2.INTERNAL, ServerFailed),
        (code_pb2.UNKNOWN, ServerFailed),
    ],
)
async def test_other_errors_are_not_retried(client, composer, refused, code, kind):
    refused(code, "because")
    with pytest.raises(kind, match="because"):
        await client.get("x")
    assert len(composer.requests) == 1


async def test_nobody_at_the_address():
    async with PostcardsClient("127.0.0.1:1", retries=QUICK) as client:
        with pytest.raises(Unavailable, match=r"no composer answers at 127\.0\.0\.1:1") as caught:
            await client.get("x")
    assert caught.value.attempts == QUICK.attempts


async def test_watch_tells_all_and_ends(client):
    postcard = await client.create(seed=7)
    events = [event async for event in client.watch(postcard.id)]
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert isinstance(events[1], Advanced)
    assert events[1].progress.queue_position == 2
    assert isinstance(events[4], Previewed)
    assert isinstance(events[-1], Changed)
    assert events[-1].postcard.state == pb.POSTCARD_STATE_ACTIVE


@pytest.mark.parametrize("cuts", [[1], [3, 0, 1], [0, 0, 0], [5]])
async def test_a_cut_watch_goes_on_where_it_was(client, composer, cuts):
    composer.cuts = cuts.copy()
    postcard = await client.create(seed=7)
    sequences = [event.sequence async for event in client.watch(postcard.id)]
    assert sequences == [1, 2, 3, 4, 5, 6]
    assert not composer.cuts


async def test_a_watch_that_stays_broken_is_given_up(client, composer):
    postcard = await client.create()
    composer.cuts = [0] * 10_000
    with pytest.raises(Unavailable):
        await client.wait(postcard.id)
    assert len(composer.requests) > 2


async def test_leaving_a_watch_cancels_nothing(client):
    postcard = await client.create()
    async with aclosing(client.watch(postcard.id)) as events:
        await anext(events)
    assert (await client.get(postcard.id)).state != pb.POSTCARD_STATE_CANCELLED


async def test_watching_what_is_finished_and_seen(client):
    made = await client.make(seed=3)
    events = [event async for event in client.watch(made.id, after_sequence=9)]
    assert [type(event) for event in events] == [Changed]
    assert events[0].postcard == made


async def test_watch_of_nothing(client):
    with pytest.raises(NotFound) as caught:
        await client.wait("nothing")
    assert caught.value.reason == "POSTCARD_NOT_FOUND"


async def test_pages(client):
    made = [(await client.create(request_id=f"r{i}")).id for i in range(5)]
    first = await client.list(page_size=3)
    second = await client.list(page_size=3, page_token=first.next_page_token)
    assert [p.id for p in (*first.postcards, *second.postcards)] == made[::-1]
    assert second.next_page_token == ""


async def test_cancel_and_repair(client):
    postcard = await client.create()
    assert (await client.cancel(postcard.id)).state == pb.POSTCARD_STATE_CANCELLED
    with pytest.raises(FailedPrecondition):
        await client.cancel(postcard.id)
    assert (await client.repair(postcard.id)).state == pb.POSTCARD_STATE_CREATING
    assert (await client.wait(postcard.id)).state == pb.POSTCARD_STATE_ACTIVE


@pytest.mark.parametrize(
    ("method", "state"), [("cancel", pb.POSTCARD_STATE_CANCELLED), ("repair", pb.POSTCARD_STATE_ACTIVE)]
)
async def test_a_lost_answer_is_made_good(client, composer, method, state):
    postcard = await client.create()

    async def do_the_work_and_lose_the_answer(context):
        composer.postcards[composer.requests[0].request_id].state = state
        await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    composer.refusals.append(do_the_work_and_lose_the_answer)
    assert (await getattr(client, method)(postcard.id)).state == state


async def test_a_lost_answer_of_delete_is_made_good(client, composer):
    postcard = await client.create()

    async def do_the_work_and_lose_the_answer(context):
        composer.postcards.clear()
        await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    composer.refusals.append(do_the_work_and_lose_the_answer)
    await client.delete(postcard.id)
    with pytest.raises(NotFound):
        await client.delete(postcard.id)
