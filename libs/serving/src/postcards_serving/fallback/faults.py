"""Failures of an engine that has another one behind it: whether that one is asked, and what is said of it."""

from collections.abc import Mapping
from typing import Final

from postcards_serving.device.memory import is_out_of_memory
from postcards_serving.errors import Code, InvalidField, ModelUnusable, ServiceError

REASONS = ("MODEL_UNUSABLE", "OUT_OF_MEMORY", "UNAVAILABLE", "ENGINE_FAILED", "OTHER")
"""Values of the label `reason` of `postcards_fallbacks_total`."""

_FINAL = {
    Code.INVALID_ARGUMENT,
    Code.OUT_OF_RANGE,
    Code.NOT_FOUND,
    Code.ALREADY_EXISTS,
    Code.CANCELLED,
    Code.DEADLINE_EXCEEDED,
    Code.RESOURCE_EXHAUSTED,
}
"""Failures that lie with the request, its caller or the crowd. Out of memory is the exception."""
_STOPPING = "STOPPING"
_BY_CODE: Final[Mapping[Code, str]] = {Code.UNAVAILABLE: "UNAVAILABLE", Code.INTERNAL: "ENGINE_FAILED"}
_MAX_NOTE = 500


def may_fall_back(fault: Exception) -> bool:
    """Whether another engine should be asked after this failure."""
    if not isinstance(fault, ServiceError):
        return True
    if fault.reason == _STOPPING:
        return False
    return fault.code not in _FINAL or is_out_of_memory(fault)


def reason_of(failure: Exception) -> str:
    """Why the other engine is asked, one of `REASONS`."""
    if is_out_of_memory(failure):
        return "OUT_OF_MEMORY"
    if not isinstance(failure, ServiceError):
        return "ENGINE_FAILED"
    return failure.reason if failure.reason in REASONS else _BY_CODE.get(failure.code, "OTHER")


def in_words(failure: Exception) -> str:
    """Why the main engine failed, fit for a card that may be published.

    What an unexpected exception says stays in the log, and so does where a model was looked for on this machine.
    """
    if isinstance(failure, ModelUnusable):
        return "its model cannot be used here"
    told = failure.message if isinstance(failure, ServiceError) else f"an unexpected {type(failure).__name__}"
    return told if len(told) <= _MAX_NOTE else told[: _MAX_NOTE - 1] + "…"


def refused_by_both(failure: Exception, main: str, fallback: str, refused: InvalidField) -> ServiceError:
    """The failure of the main engine, where the other one does not know what the request asks for."""
    also = f"{fallback!r} cannot take the request in its place: {refused.message}"
    if isinstance(failure, ServiceError):
        return ServiceError(
            failure.code,
            failure.reason,
            f"{failure.message} ({also})",
            retry_after=failure.retry_after,
            metadata={**failure.metadata, "fallback": fallback},
        )
    return ServiceError(
        Code.INTERNAL,
        "ENGINE_FAILED",
        f"{main!r} failed: {in_words(failure)} ({also})",
        metadata={"fallback": fallback},
    )
