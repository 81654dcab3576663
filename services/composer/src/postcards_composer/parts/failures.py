"""What a failed call of a part service means: why, and whether to try again."""

from dataclasses import dataclass

import grpc

from postcards_client.errors import DataLost
from postcards_composer.postcards.manifest import PartError, PartKind
from postcards_serving.errors import Code, InvalidField, ServiceError
from postcards_serving.rpc.statuses import from_rpc_error

PartProblem = grpc.aio.AioRpcError | DataLost | ServiceError
"""What a call of a part service may raise."""

_NEVER_FITS = "OUT_OF_MEMORY"
_MAX_REASON = 64
_MAX_MESSAGE = 500


@dataclass(frozen=True)
class Failure:
    """Why a try failed."""

    error: PartError
    """Why, for the manifest."""
    transient: bool
    """Whether the same call may succeed later: the service is away or full, or its answer was damaged on the way."""
    retry_after: float | None = None
    """When the service said to come back, in seconds."""


class PartFailed(Exception):  # noqa: N818 - named for what happened, as the states are
    """A part could not be made."""

    def __init__(self, error: PartError, retries: int) -> None:
        """Says why, and how many tries after the first there were."""
        super().__init__(error.message)
        self.error = error
        self.retries = retries


def failure_of(kind: PartKind, problem: PartProblem) -> Failure:
    """What a failed call means."""
    if isinstance(problem, DataLost):
        return Failure(_error(Code.DATA_LOSS, problem.reason, problem.message), transient=True)
    if isinstance(problem, grpc.aio.AioRpcError):
        return _of_status(kind, problem)
    if isinstance(problem, InvalidField):
        message = f"the {kind.value} service sent a result that breaks a limit: {problem.message}"
        return Failure(_error(Code.INTERNAL, "BAD_RESULT", message), transient=False)
    return Failure(_error(problem.code, problem.reason, problem.message), transient=False)


def _of_status(kind: PartKind, problem: grpc.aio.AioRpcError) -> Failure:
    told = from_rpc_error(problem)
    if told.reason != told.code.value:
        # Who names a reason and no delay has tried all there is to try: a second layer of tries would multiply what
        # they cost. What does not fit into memory will not fit later.
        invited = told.retry_after is not None and told.reason != _NEVER_FITS
        transient = invited and told.code in (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED)
        return Failure(_error(told.code, told.reason, told.message), transient, told.retry_after)
    if told.code in (Code.UNAVAILABLE, Code.CANCELLED):
        # Nobody of ours cancelled: that is how a server going down ends its streams.
        message = f"the {kind.value} service cannot be reached"
        return Failure(_error(Code.UNAVAILABLE, "SERVICE_UNREACHABLE", message), transient=True)
    if told.code is Code.DEADLINE_EXCEEDED:
        message = f"the {kind.value} part took longer than the time allowed"
        return Failure(_error(told.code, "DEADLINE_EXCEEDED", message), transient=False)
    message = f"the {kind.value} service failed: {told.message}"
    return Failure(_error(told.code, "SERVICE_FAILED", message), transient=False)


def _error(code: Code, reason: str, message: str) -> PartError:
    return PartError(code.value, reason[:_MAX_REASON], message[:_MAX_MESSAGE])
