# ruff: noqa: N818  (these names are the words of the domain; callers read `raise NotFound`)
"""What can go wrong, in words of the domain.

Engines and servicers raise these; `rpc.interceptors` is the one place that turns them into a gRPC status
with `google.rpc` details. Standard library only, so that an engine can raise them without gRPC.
"""

from collections.abc import Mapping
from enum import StrEnum

OUT_OF_MEMORY = "OUT_OF_MEMORY"
"""Reason of a request that needs more memory than there is."""


class Code(StrEnum):
    """How a failure is classed. The names are those of the gRPC status codes."""

    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    DATA_LOSS = "DATA_LOSS"
    UNAUTHENTICATED = "UNAUTHENTICATED"


class ServiceError(Exception):
    """A failure that the caller is told about, in these words."""

    def __init__(
        self,
        code: Code | str,
        reason: str,
        message: str,
        *,
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Describes a failure.

        Args:
            code: class of the failure, e.g. `Code.NOT_FOUND` or "NOT_FOUND".
            reason: stable upper-case name of the failure, e.g. "POSTCARD_NOT_FOUND"; programs branch on it.
            message: one sentence for people. It reaches the caller: no secrets, no raw exception text.
            retry_after: seconds after which the same request may succeed; None where a retry makes no sense.
            metadata: facts about the failure for programs, e.g. {"limit": "16"}.
        """
        super().__init__(message)
        self.code = Code(code)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.metadata: Mapping[str, str] = dict(metadata or {})


class InvalidField(ServiceError):
    """A field of the request holds what it must not hold."""

    def __init__(self, field: str, message: str, *, reason: str = "INVALID_FIELD") -> None:
        """Describes the violation.

        Args:
            field: path of the field, e.g. "phrase.words[2].gloss"; empty for the request as a whole.
            message: what is wrong, read after the path, e.g. "must be 0 to 1, not 1.5".
            reason: stable upper-case name of the failure.
        """
        super().__init__(
            Code.INVALID_ARGUMENT,
            reason,
            f"{field} {message}" if field else message,
            metadata={"field": field} if field else {},
        )
        self.field = field
        self.violation = message


class NotFound(ServiceError):
    """What the request names does not exist."""

    def __init__(self, message: str, *, reason: str = "NOT_FOUND", metadata: Mapping[str, str] | None = None) -> None:
        """Says what is missing; see `ServiceError`."""
        super().__init__(Code.NOT_FOUND, reason, message, metadata=metadata)


class AlreadyExists(ServiceError):
    """What the request would make exists already, and is something else."""

    def __init__(
        self, message: str, *, reason: str = "ALREADY_EXISTS", metadata: Mapping[str, str] | None = None
    ) -> None:
        """Says what exists; see `ServiceError`."""
        super().__init__(Code.ALREADY_EXISTS, reason, message, metadata=metadata)


class FailedPrecondition(ServiceError):
    """The request is sound, but not in the present state of what it names."""

    def __init__(
        self, message: str, *, reason: str = "FAILED_PRECONDITION", metadata: Mapping[str, str] | None = None
    ) -> None:
        """Says which state is in the way; see `ServiceError`."""
        super().__init__(Code.FAILED_PRECONDITION, reason, message, metadata=metadata)


class Overloaded(ServiceError):
    """The queue is full; the request was not begun."""

    def __init__(
        self,
        retry_after: float,
        message: str = "the queue is full",
        *,
        reason: str = "OVERLOADED",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Says when to come back: `retry_after` in seconds; see `ServiceError`."""
        super().__init__(Code.RESOURCE_EXHAUSTED, reason, message, retry_after=retry_after, metadata=metadata)


class Unavailable(ServiceError):
    """Something that is needed does not answer at present."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "UNAVAILABLE",
        retry_after: float | None = 1.0,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Says what does not answer; see `ServiceError`."""
        super().__init__(Code.UNAVAILABLE, reason, message, retry_after=retry_after, metadata=metadata)


class Stopping(Unavailable):
    """An engine that takes nothing more, and ends what it was at: another replica, or the next process, may serve."""

    def __init__(self) -> None:
        """Names the way out: ask another replica, or this one later."""
        super().__init__("the engine is stopping", reason="STOPPING")


class DeviceLost(Unavailable):
    """What the engine computes on does nothing more for this process, which therefore ends; another one may serve."""

    def __init__(self) -> None:
        """Says so, with the time until a new process may serve."""
        super().__init__(
            "the device that the engine computes on has failed; the service starts anew",
            reason="DEVICE_LOST",
            retry_after=10.0,
        )


class EngineFailed(ServiceError):
    """An engine could not make what it was asked for, for a reason of its own."""

    def __init__(
        self, message: str, *, reason: str = "ENGINE_FAILED", metadata: Mapping[str, str] | None = None
    ) -> None:
        """Says what failed, in words fit for the caller; see `ServiceError`."""
        super().__init__(Code.INTERNAL, reason, message, metadata=metadata)


class OutOfMemory(ServiceError):
    """The request needs more memory than there is. No delay is named: it would need as much the next time."""

    def __init__(
        self,
        message: str = "the engine has not enough memory for this request",
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Says what did not fit; see `ServiceError`."""
        super().__init__(Code.RESOURCE_EXHAUSTED, OUT_OF_MEMORY, message, metadata=metadata)


class ModelUnusable(ServiceError):
    """A model, or the device for it, cannot be used. The message is one sentence that says what to do."""

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        """Says why; see `ServiceError`."""
        super().__init__(Code.FAILED_PRECONDITION, "MODEL_UNUSABLE", message, metadata=metadata)


class DataLoss(ServiceError):
    """Bytes did not arrive as they were sent."""

    def __init__(self, message: str, *, reason: str = "DATA_LOSS", metadata: Mapping[str, str] | None = None) -> None:
        """Says what is damaged; see `ServiceError`."""
        super().__init__(Code.DATA_LOSS, reason, message, retry_after=0.0, metadata=metadata)


class Cancelled(ServiceError):
    """The caller has gone; the work stops."""

    def __init__(self, message: str = "the call was cancelled") -> None:
        """Says who cancelled what."""
        super().__init__(Code.CANCELLED, "CANCELLED", message)


class DeadlineExceeded(ServiceError):
    """The time allowed for the work is over."""

    def __init__(self, message: str = "the deadline of the call has passed") -> None:
        """Says which time is over."""
        super().__init__(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", message)
