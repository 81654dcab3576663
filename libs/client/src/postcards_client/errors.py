# ruff: noqa: N818  (these names are the words of the domain; callers read `except NotFound`)
"""What can go wrong between a client and the composer, as Python exceptions.

`PostcardsError` is the base of all of them. Each carries the name of the gRPC status code, the stable reason from
`google.rpc.ErrorInfo`, the fields that were refused, and how long to wait before a retry makes sense.
"""

from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

_DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True)
class FieldViolation:
    """One field of the request that was refused."""

    field: str
    """Path of the field, e.g. "image.width"."""
    description: str
    """What is wrong with it, with the limit."""


class PostcardsError(Exception):
    """A call to the composer failed."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "UNKNOWN",
        reason: str = "",
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        """`code` is the gRPC status code's name; `reason` is stable and upper-case; `retry_after` is in seconds.

        `attempts` is set by the client: how often the call was tried.
        """
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.violations = violations
        self.retry_after = retry_after
        self.attempts = 1


class InvalidRequest(PostcardsError):
    """The request is wrong, as the server says or as can be seen before it is sent; `violations` names the fields."""


class NotFound(PostcardsError):
    """There is no such postcard."""


class AlreadyExists(PostcardsError):
    """The request id was used before for other content."""


class FailedPrecondition(PostcardsError):
    """The postcard's state does not allow that."""


class Overloaded(PostcardsError):
    """Too much is being made at present; `retry_after` says when to come back."""


class Unavailable(PostcardsError):
    """No composer answers at the address."""


class DeadlineExceeded(PostcardsError):
    """The time given to the call is over."""


class ServerFailed(PostcardsError):
    """The server failed in a way that the request cannot mend."""


class DataLost(PostcardsError):
    """What came from a server is not what it had announced."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "DATA_LOSS",
        reason: str = "DATA_LOSS",
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        """As `PostcardsError`; mostly seen here, where no status says it."""
        super().__init__(message, code=code, reason=reason, violations=violations, retry_after=retry_after)


_ERRORS: dict[grpc.StatusCode, type[PostcardsError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.DATA_LOSS: DataLost,
}


def error_from_status(error: grpc.aio.AioRpcError, address: str, *, server: str = "composer") -> PostcardsError:
    """The domain error of a failed call to the `server` at `address`, with what the status' details say."""
    code = error.code()
    message = error.details() or code.name
    reason = ""
    violations: tuple[FieldViolation, ...] = ()
    retry_after: float | None = None
    for detail in _details(error):
        info = ErrorInfo()
        bad_request = BadRequest()
        retry = RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad_request):
            violations = tuple(FieldViolation(v.field, v.description) for v in bad_request.field_violations)
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    if code is grpc.StatusCode.UNAVAILABLE and not reason:
        message = f"no {server} answers at {address} ({message.rpartition(': ')[2].lower()})"
    return _ERRORS.get(code, ServerFailed)(
        message, code=code.name, reason=reason, violations=violations, retry_after=retry_after
    )


def _details(error: grpc.aio.AioRpcError) -> list[Any]:
    """The typed details of a status; none when they are missing or broken."""
    for key, value in error.trailing_metadata():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return list(Status.FromString(value).details)
            except DecodeError:
                return []
    return []
