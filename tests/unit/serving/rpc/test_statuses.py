"""Domain errors as statuses, and back."""

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from hypothesis import given
from hypothesis import strategies as st

from postcards_serving import errors
from postcards_serving.errors import Code, ServiceError
from postcards_serving.rpc import statuses


def unpacked(packed: Any, kind):
    message = kind()
    return message if packed.Unpack(message) else None


def details(error: ServiceError, kind):
    found = [unpacked(packed, kind) for packed in statuses.to_status(error).details]
    return next((message for message in found if message is not None), None)


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_its_status(code):
    status = statuses.to_status(ServiceError(code, "SOME_REASON", "it went wrong"))
    assert status.code == grpc.StatusCode[code.value].value[0]
    assert status.message == "it went wrong"
    assert statuses.domain_code(statuses.grpc_code(code)) is code


def test_ok_is_no_error():
    assert statuses.domain_code(grpc.StatusCode.OK) is None
    assert {code.name for code in grpc.StatusCode} == {code.name for code in Code} | {"OK"}


def test_an_error_says_its_reason_and_facts():
    info = details(errors.NotFound("no postcard x", reason="POSTCARD_NOT_FOUND", metadata={"id": "x"}), ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == ("POSTCARD_NOT_FOUND", "postcards", {"id": "x"})


def test_an_invalid_field_is_a_bad_request():
    error = errors.InvalidField("phrase.words[2].gloss", "must have at most 64 characters, not 65")
    (violation,) = details(error, BadRequest).field_violations
    assert violation.field == "phrase.words[2].gloss"
    assert violation.description == "phrase.words[2].gloss must have at most 64 characters, not 65"
    assert details(error, RetryInfo) is None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(errors.Overloaded(2.5), 2.5), (errors.Unavailable("down"), 1.0), (errors.DataLoss("torn"), 0.0)],
)
def test_a_retry_that_makes_sense_has_a_delay(error, seconds):
    delay = details(error, RetryInfo).retry_delay
    assert delay.seconds + delay.nanos / 1e9 == seconds


@pytest.mark.parametrize(
    "error",
    [errors.EngineFailed("x"), errors.AlreadyExists("x"), errors.FailedPrecondition("x"), errors.Cancelled()],
)
def test_a_retry_that_makes_none_has_none(error):
    assert details(error, RetryInfo) is None


def test_a_status_fits_into_the_trailers_whatever_the_request_held():
    error = errors.InvalidField("f" * 10_000, "ü" * 10_000)
    assert statuses.to_status(error).ByteSize() < 4_000


def as_rpc_error(error: ServiceError) -> grpc.aio.AioRpcError:
    status = statuses.to_status(error)
    trailers = grpc.aio.Metadata((statuses.DETAILS_KEY, status.SerializeToString()))
    return grpc.aio.AioRpcError(statuses.grpc_code(error.code), grpc.aio.Metadata(), trailers, status.message)


@given(
    code=st.sampled_from(Code),
    reason=st.from_regex("[A-Z_]{1,20}", fullmatch=True),
    message=st.text(min_size=1, max_size=100),
    retry_after=st.none() | st.integers(0, 10**6).map(lambda millis: millis / 1000),
    metadata=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3),
)
def test_an_error_survives_the_way_to_the_caller(code, reason, message, retry_after, metadata):
    error = ServiceError(code, reason, message, retry_after=retry_after, metadata=metadata)
    arrived = statuses.from_rpc_error(as_rpc_error(error))
    assert (arrived.code, arrived.reason, arrived.message) == (code, reason, message)
    assert (arrived.retry_after, arrived.metadata) == (retry_after, metadata)


def test_an_error_of_a_stranger_is_understood_too():
    error = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), None)
    arrived = statuses.from_rpc_error(error)
    assert (arrived.code, arrived.reason, arrived.message) == (Code.UNAVAILABLE, "UNAVAILABLE", "UNAVAILABLE")


def test_damaged_details_are_no_second_error():
    trailers = grpc.aio.Metadata((statuses.DETAILS_KEY, b"\xff\xff"))
    error = grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), trailers, "gone")
    assert statuses.from_rpc_error(error).code is Code.NOT_FOUND
