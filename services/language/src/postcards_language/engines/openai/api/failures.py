"""What the failures of an API mean: whether to try again, when, and what the caller is told.

The words of the server are never passed on: they may hold the key, or a part of it. Its codes are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from postcards_serving.errors import EngineFailed, ModelUnusable, ServiceError, Unavailable

if TYPE_CHECKING:
    from openai import APIError, APIStatusError

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_SPENT = frozenset(("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"))
_FILTERED = frozenset(("content_filter", "content_policy_violation", "responsibleaipolicyviolation"))
_NO_MODEL = frozenset(("model_not_found", "not_found", "invalid_model"))
_LIMITED = frozenset(("rate_limit_exceeded", "rate_limit_error", "too_many_requests", "429"))
_PARAMETER_STATUSES = frozenset((400, 404, 415, 422, 501))
_TRANSIENT_STATUSES = frozenset((408, 409, 425, 429))
_LONGEST_WAIT = 3600.0
_KEY = "OPENAI_API_KEY"


@dataclass(eq=False)
class ApiFailure(Exception):  # noqa: N818 - named for what it is
    """A call that failed."""

    error: ServiceError
    """What the caller is told if it is not tried again."""
    outcome: str
    """One of `postcards_language.usage.OUTCOMES`."""
    transient: bool = False
    """Whether the same call may succeed later."""
    retry_after: float | None = None
    """When the server said to come back, in seconds."""
    server_fault: bool = False
    """Whether it speaks against the server: such failures in a row open the circuit."""
    status: int = 0
    """HTTP status; 0 where there was none."""
    parameter: str = ""
    """The parameter that the server named, e.g. "temperature" or "messages[0].role"."""
    words: str = field(default="", repr=False)
    """What the server said, in lower case, to be searched for parameters and never to be shown."""
    filtered: bool = False
    """Whether a filter of the server would not have the request."""

    @property
    def about_parameters(self) -> bool:
        """Whether the same call may succeed without one of its parameters."""
        return self.status in _PARAMETER_STATUSES and not self.filtered and self.outcome == "rejected"


def faults_of_api() -> tuple[type[Exception], ...]:
    """Exceptions that come of asking an API: its answers, the connection, and what is no answer at all."""
    import httpx2
    import openai

    return (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError)


def failure_of(fault: Exception, *, now: datetime | None = None) -> ApiFailure:
    """What an exception of the `openai` package means, or a TimeoutError around a call of it."""
    import openai

    if isinstance(fault, openai.APIStatusError):
        return _of_status(fault, now or datetime.now(UTC))
    if isinstance(fault, openai.APITimeoutError | TimeoutError):
        return _away("the language model API fell silent", "API_TIMEOUT")
    if isinstance(fault, openai.APIConnectionError):
        return _away("the language model API cannot be reached", "API_UNREACHABLE")
    if isinstance(fault, openai.APIError):
        return _in_the_stream(fault)
    error = EngineFailed("the language model API answered what is no chat completion", reason="API_CONFUSED")
    return ApiFailure(error, "failed", server_fault=True)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the server wants to be asked again (0 to an hour), by any of the headers that say so."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            seconds = _until(value, now)
        if seconds is not None and seconds == seconds:
            return min(max(0.0, seconds), _LONGEST_WAIT)
    return None


def _until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    return ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds()


def _of_status(fault: "APIStatusError", now: datetime) -> ApiFailure:
    status = int(fault.status_code)
    code, kind = str(fault.code or ""), str(fault.type or "")
    codes = {code.lower(), kind.lower()}
    headers: Mapping[str, str] = fault.response.headers
    named = f"HTTP {status}" + (f" {code}" if _CODE.fullmatch(code) and "sk-" not in code else "")
    told = {"status": str(status)}
    if codes & _SPENT:
        sentence = f"the account of {_KEY} has no credit left ({named}): see its billing page"
        return ApiFailure(ModelUnusable(sentence, metadata=told), "refused", status=status)
    if status == 401:
        sentence = f"the language model API refused the key ({named}): check {_KEY}, and OPENAI_BASE_URL if it is set"
        return ApiFailure(ModelUnusable(sentence, metadata=told), "refused", status=status)
    if status == 403:
        sentence = f"the key in {_KEY} may not use this model here ({named})"
        return ApiFailure(ModelUnusable(sentence, metadata=told), "refused", status=status)
    if status == 404 and (codes & _NO_MODEL or not code):
        sentence = f"the language model API knows no such model or path ({named}): check POSTCARDS_LANGUAGE_MODEL"
        sentence += " and OPENAI_BASE_URL"
        return ApiFailure(ModelUnusable(sentence, metadata=told), "refused", status=status)
    delay = retry_after(headers, now)
    again = headers.get("x-should-retry", "").lower() != "false"
    if status == 429:
        return _limited(named, delay, status, again=again)
    words = _words(fault)
    if status >= 500 or status in _TRANSIENT_STATUSES:
        transient = again and status != 501
        error = Unavailable(f"the language model API failed ({named})", reason="API_FAILED", retry_after=None)
        outcome = "rejected" if status == 501 else "failed"
        return ApiFailure(
            error, outcome, transient, delay, server_fault=status != 501, status=status, words=words
        )  # fmt: skip
    filtered = bool(codes & _FILTERED)
    error = EngineFailed(f"the language model API did not take the request ({named})", reason="API_REJECTED")
    return ApiFailure(
        error, "rejected", status=status, parameter=_parameter(fault), words=words, filtered=filtered
    )  # fmt: skip


def _limited(named: str, delay: float | None = None, status: int = 0, *, again: bool = True) -> ApiFailure:
    """Too many calls: the server is well, and says so."""
    error = Unavailable(
        f"the language model API takes no more calls now ({named})", reason="API_BUSY", retry_after=None
    )
    return ApiFailure(error, "limited", transient=again, retry_after=delay, status=status)


def _in_the_stream(fault: "APIError") -> ApiFailure:
    """An error that a server sent in place of the rest of its answer."""
    code = str(fault.code or fault.type or "").lower()
    if code in _SPENT:
        return ApiFailure(ModelUnusable(f"the account of {_KEY} has no credit left: see its billing page"), "refused")
    if code in _LIMITED:
        return _limited("in the middle of its answer")
    error = Unavailable(
        "the language model API failed in the middle of its answer", reason="API_FAILED", retry_after=None
    )
    return ApiFailure(
        error, "failed", transient=True, server_fault=True, words=_words(fault), filtered=code in _FILTERED
    )


def _away(sentence: str, reason: str) -> ApiFailure:
    return ApiFailure(
        Unavailable(sentence, reason=reason, retry_after=None), "unreachable", transient=True, server_fault=True
    )


def _words(fault: "APIError") -> str:
    return f"{fault.message} {fault.body if fault.body is not None else ''}".lower()[:4000]


def _parameter(fault: "APIError") -> str:
    """The parameter that the server names: as OpenAI does, or as servers do that validate with pydantic."""
    if isinstance(fault.param, str):
        return fault.param
    try:
        place = cast(Any, fault.body)["detail"][0]["loc"]
        return ".".join(str(step) for step in place if step != "body")
    except (TypeError, KeyError, IndexError):
        return ""
