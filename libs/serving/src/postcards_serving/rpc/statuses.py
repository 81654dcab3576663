"""Domain errors as gRPC statuses with `google.rpc` details, and back."""

import contextlib
from collections.abc import Iterable
from typing import Any, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from postcards_serving.errors import Code, InvalidField, ServiceError
from postcards_serving.rpc.field_codecs import Seconds
from postcards_serving.rpc.field_limits import Limits

DOMAIN = "postcards"
"""`ErrorInfo.domain` of every error of ours."""
DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata that carries the details."""

_MAX_TEXT = 400


def grpc_code(code: Code) -> grpc.StatusCode:
    """The status code of the same name."""
    return grpc.StatusCode[code.value]


def domain_code(code: grpc.StatusCode) -> Code | None:
    """The code of the same name; None for OK."""
    return None if code is grpc.StatusCode.OK else Code(code.name)


def to_status(error: ServiceError) -> Status:
    """The status with its details: ErrorInfo always, BadRequest for a field, RetryInfo when a retry makes sense."""
    metadata = {key: _clipped(value) for key, value in error.metadata.items()}
    details: list[Message] = [ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)]
    if isinstance(error, InvalidField):
        violation = BadRequest.FieldViolation(
            field=_clipped(error.field), description=_clipped(error.message), reason=error.reason
        )
        details.append(BadRequest(field_violations=[violation]))
    if error.retry_after is not None:
        details.append(RetryInfo(retry_delay=Seconds(Limits()).write(error.retry_after, "retry_after")))
    status = Status(code=grpc_code(error.code).value[0], message=_clipped(error.message))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def trailers(status: Status) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata that carries a status with its details."""
    return tuple(cast(Any, rpc_status).to_status(status).trailing_metadata)


def from_rpc_error(error: grpc.RpcError) -> ServiceError:
    """What another service of ours answered, as a domain error with its reason and retry delay.

    Any other gRPC error becomes one too: its reason is the name of its code.
    """
    code = domain_code(error.code()) or Code.UNKNOWN
    reason, metadata, retry_after = code.value, dict[str, str](), None
    for detail in _details(error):
        info, retry = ErrorInfo(), RetryInfo()
        if detail.Unpack(info):
            reason, metadata = info.reason or reason, dict(info.metadata)
        elif detail.Unpack(retry):
            retry_after = Seconds(Limits()).read(retry.retry_delay, "retry_delay")
    return ServiceError(code, reason, error.details() or code.value, retry_after=retry_after, metadata=metadata)


def _clipped(text: str) -> str:
    """Trailers hold 8 KiB in all, every copy of a text included."""
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _details(error: grpc.RpcError) -> list[AnyMessage]:
    received = cast(Iterable[tuple[str, str | bytes]], error.trailing_metadata() or ())
    for key, value in received:
        if key == DETAILS_KEY and isinstance(value, bytes):
            with contextlib.suppress(DecodeError):
                return list(Status.FromString(value).details)
    return []
