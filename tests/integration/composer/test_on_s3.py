"""The same composers over a bucket of a real S3 server."""

import hashlib
import math
from dataclasses import replace
from urllib.request import urlopen

import grpc
import pytest
from postcards.composer.v1 import composer_pb2
from urllib3.exceptions import ProtocolError

from postcards_composer.store import PreconditionFailed, StoredObject, StoreUnavailable
from postcards_composer.store.s3 import S3Settings, S3Store
from postcards_serving.testing import eventually


async def test_a_postcard_is_made_and_its_files_can_be_fetched(open_replica, s3_settings: S3Settings):
    replica = await open_replica(S3Store(s3_settings))

    postcard = await replica.made(request_id="on-s3")

    assert postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert postcard.location == f"s3://{s3_settings.bucket}/postcards/{postcard.id}"
    for file in postcard.files:
        with urlopen(file.url) as response:  # noqa: S310
            assert hashlib.sha256(response.read()).hexdigest() == file.sha256
            assert response.headers["content-type"] == file.content_type
    listed = await replica.stub.ListPostcards(composer_pb2.ListPostcardsRequest())
    assert [found.id for found in listed.postcards] == [postcard.id]


async def test_a_postcard_is_taken_over(open_replica, s3_settings: S3Settings, parts):
    first = await open_replica(S3Store(s3_settings))
    gate = parts.hold("image")
    postcard = await first.create()
    await gate.reached.wait()

    await first.composer.drain()
    second = await open_replica(S3Store(s3_settings))

    assert (await second.finished(postcard.id)).state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert second.count("postcards_lease_takeovers_total") == 1


async def test_a_composer_that_only_reads_takes_nothing_over(open_replica, s3_settings: S3Settings, parts):
    first = await open_replica(S3Store(s3_settings))
    gate = parts.hold("image")
    postcard = await first.create()
    await gate.reached.wait()
    await first.composer.drain()
    left = await first.get(postcard.id)

    reading = await open_replica(S3Store(s3_settings), recovery_interval_seconds=0)

    assert await reading.get(postcard.id) == left
    assert math.isnan(reading.count("postcards_recovery_look_age_seconds")), "no look that could be late"
    second = await open_replica(S3Store(s3_settings))
    assert (await second.finished(postcard.id)).state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert [composer.count("postcards_lease_takeovers_total") for composer in (reading, second)] == [0, 1]


async def test_a_composer_that_only_reads_makes_no_bucket(open_replica, s3_settings: S3Settings, refused):
    missing = S3Store(replace(s3_settings, bucket="mistyped"))
    reading = await open_replica(missing, recovery_interval_seconds=0)

    async with refused(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE") as caught:
        await reading.get("a" * 26)

    assert "there is no bucket mistyped" in caught.value.details()
    with pytest.raises(StoreUnavailable, match="there is no bucket"):
        missing.list("")


async def test_a_deleted_postcard_leaves_nothing_in_the_bucket(open_replica, s3_settings: S3Settings):
    store = S3Store(s3_settings)
    replica = await open_replica(store)
    postcard = await replica.made()

    await replica.stub.DeletePostcard(composer_pb2.DeletePostcardRequest(id=postcard.id))

    await eventually(lambda: store.list("") == [])


def test_a_url_for_readers_bears_the_public_host_and_asks_nobody():
    settings = S3Settings(
        bucket="postcards",
        endpoint="127.0.0.1:1",
        access_key="a",
        secret_key="b",  # noqa: S106
        secure=False,
        region="eu-south-1",
        public_endpoint="https://cards.example.org",
    )

    url = S3Store(settings).url("postcards/a/card.html")

    assert url.startswith("https://cards.example.org/postcards/postcards/a/card.html?")
    assert "eu-south-1" in url


@pytest.mark.parametrize("operation", ["prepare", "put", "get", "stat", "list", "delete"])
def test_a_server_that_is_not_there_is_unavailable(operation: str):
    settings = S3Settings(bucket="postcards", endpoint="127.0.0.1:1", access_key="me", secret_key="hush", secure=False)  # noqa: S106
    arguments = {"prepare": (), "put": ("a", b"1", "text/plain")}.get(operation, ("a",))

    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1") as caught:
        getattr(S3Store(settings), operation)(*arguments)

    assert "hush" not in str(caught.value)
    assert "hush" not in repr(settings)


@pytest.mark.parametrize("operation", ["put", "get", "list", "prepare"])
def test_a_wrong_secret_is_told_as_such(s3_settings: S3Settings, operation: str):
    S3Store(s3_settings).prepare()
    store = S3Store(replace(s3_settings, secret_key="wrong"))  # noqa: S106
    arguments = {"prepare": (), "put": ("a", b"1", "text/plain")}.get(operation, ("a",))

    with pytest.raises(StoreUnavailable, match=r"SignatureDoesNotMatch|AccessDenied|403"):
        getattr(store, operation)(*arguments)


async def test_a_bucket_that_comes_later_is_made_then(open_replica, s3_settings: S3Settings):
    class LateStore(S3Store):
        away = True

        def prepare(self) -> None:
            if self.away:
                raise StoreUnavailable("not yet")
            super().prepare()

    store = LateStore(s3_settings)
    replica = await open_replica(store)
    store.away = False

    async def made() -> bool:
        try:
            return (await replica.made(request_id="late")).state == composer_pb2.POSTCARD_STATE_ACTIVE
        except grpc.aio.AioRpcError as problem:
            if problem.code() is grpc.StatusCode.UNAVAILABLE:
                return False
            raise

    await eventually(made)


def lose_next_answer(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lets the line go dead after the next request is done; the status of the answer that was lost, once it is."""
    real, lost = store._http.request, []

    def request(*arguments, **named):
        response = real(*arguments, **named)
        if not lost:
            lost.append(response.status)
            raise ProtocolError("the line went dead")
        return response

    monkeypatch.setattr(store._http, "request", request)
    return lost


@pytest.mark.parametrize("condition", ["if_absent", "if_match"])
def test_a_write_whose_answer_was_lost_counts_once(s3_settings: S3Settings, monkeypatch, condition: str):
    store = S3Store(s3_settings)
    store.prepare()
    conditions = {"if_absent": True} if condition == "if_absent" else {"if_match": store.put("a", b"before", "x/y")}
    lost = lose_next_answer(store, monkeypatch)
    etag = store.put("a", b"mine", "x/y", **conditions)

    assert lost == [200]
    assert store.get("a") == StoredObject(b"mine", etag)


def test_a_lost_answer_does_not_turn_a_loser_into_a_winner(s3_settings: S3Settings, monkeypatch):
    store = S3Store(s3_settings)
    store.prepare()
    store.put("a", b"theirs", "x/y")
    lost = lose_next_answer(store, monkeypatch)

    with pytest.raises(PreconditionFailed):
        store.put("a", b"mine", "x/y", if_absent=True)
    assert lost == [412]


async def test_without_its_store_the_composer_starts_and_accepts_nothing(open_replica, refused):
    settings = S3Settings(bucket="postcards", endpoint="127.0.0.1:1", access_key="a", secret_key="b", secure=False)  # noqa: S106
    replica = await open_replica(S3Store(settings))

    async with refused(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"):
        await replica.create()
