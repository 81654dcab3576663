"""The one layer that retries: backoff with full jitter, Retry-After, a total deadline, a circuit breaker, capabilities.

A reply ends the trying, whatever is in it: a call that was answered, and so paid for, is never made again here. A
stream that broke off counts as answered once it holds what was wanted.

Too many calls are no fault of the server. When it says how long to stay away, all requests of the engine do, and come
back a random moment apart; what such a wait costs is time, which the deadline of each request bounds.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from postcards_language.engines.openai.api.capabilities import (
    ROLE,
    Adaptation,
    Capabilities,
    blames_role,
    without_developer,
)
from postcards_language.engines.openai.api.circuit_breaker import CircuitBreaker
from postcards_language.engines.openai.api.client import FILTERED, Message, Reply, StreamCallbacks
from postcards_language.engines.openai.api.endpoint import Endpoint
from postcards_language.engines.openai.api.failures import ApiFailure
from postcards_language.engines.openai.api.rate_limit import RateLimit
from postcards_language.usage import Usage, UsageObserver
from postcards_serving.engine.work import Work
from postcards_serving.errors import ServiceError, Unavailable

_MOST_ADAPTATIONS = 16
_LIMITED = "limited"
"""How calls end that were too many."""

_log = logging.getLogger(__name__)


class ChatApi(Protocol):
    """Makes one call; see `postcards_language.engines.openai.api.client.Api`."""

    def ask(self, messages: Sequence[Message], arguments: Mapping[str, object], callbacks: StreamCallbacks) -> Reply:
        """The reply, or ApiFailure."""
        ...


@dataclass(frozen=True)
class Backoff:
    """How long to wait between tries: full jitter, as in "Exponential Backoff And Jitter" (M. Brooker, AWS, 2015)."""

    tries: int = 4
    """Calls in all that may fail, at least 1."""
    limited_tries: int = 10
    """Calls in all that may be told that they are too many, at least 1."""
    base_seconds: float = 0.5
    """Upper end of the first pause; each further one is twice as high."""
    cap_seconds: float = 20.0
    """Highest upper end."""

    def pause(self, failed: int, unit: float) -> float:
        """Seconds to wait after the `failed`-th failure (from 1), with `unit` drawn from 0 to 1.

        Where the server names a delay they are added to it, so that those who were told the same come back apart.
        """
        return unit * min(self.cap_seconds, self.base_seconds * 2 ** (failed - 1))

    def is_spent(self, failures: Sequence[ApiFailure]) -> bool:
        """Whether no try is left after `failures`."""
        limited = sum(failure.outcome == _LIMITED for failure in failures)
        return limited >= self.limited_tries or len(failures) - limited >= self.tries


class Deadline:
    """The time that one request may take in all: its caller's, or that of the settings where that is shorter."""

    def __init__(self, work: Work, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts the time: `timeout` seconds by `clock` from now."""
        self._work = work
        self._clock = clock
        self._end = clock() + timeout

    def remaining(self) -> float:
        """Seconds left, 0 when the time is over."""
        of_caller = self._work.remaining()
        own = max(0.0, self._end - self._clock())
        return own if of_caller is None else min(own, of_caller)

    def check(self) -> None:
        """Raises Cancelled or DeadlineExceeded for the caller's part, Unavailable when the time is over."""
        self._work.check()
        if self.remaining() <= 0:
            raise Unavailable(
                "the language model API took longer than POSTCARDS_LANGUAGE_TIMEOUT_SECONDS",
                reason="API_TIMEOUT",
                retry_after=None,
            )

    def waking(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Within, `wake` is called when the caller leaves; see `Work.waking`."""
        return self._work.waking(wake)

    def sleep(self, seconds: float) -> None:
        """Waits, unless the caller leaves meanwhile."""
        woken = threading.Event()
        with self.waking(woken.set):
            woken.wait(seconds)


@dataclass(frozen=True)
class Question:
    """What is asked, and how it is followed."""

    messages: Callable[[str], Sequence[Message]]
    """The conversation, its instructions in the role that is given."""
    values: Mapping[str, object]
    """Sampling parameters by name, e.g. `temperature`."""
    count: int
    """Phrases that are wanted."""
    limit: int
    """Tokens that an answer may have at most."""
    on_text: Callable[[str], None]
    """Takes all text so far, whenever there is more."""
    enough: Callable[[str], bool]
    """Whether a reply that broke off can be used."""
    on_usage: Callable[[Usage | None], None]
    """Hears of the tokens of every reply, of one that is thrown away too; None where the server did not count them."""


@dataclass(frozen=True)
class Answer:
    """A reply, and the way there."""

    reply: Reply
    """What came back."""
    capabilities: Capabilities
    """How the server was spoken to."""
    retries: tuple[str, ...] = field(default=())
    """Why it was tried again, in words, one for each time."""


class RetryingClient:
    """Asks until there is a reply. Shared by all requests of an engine; safe to use from any thread."""

    def __init__(
        self,
        api: ChatApi,
        breaker: CircuitBreaker,
        observer: UsageObserver,
        endpoint: Endpoint,
        *,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[Deadline, float], None] = Deadline.sleep,
        unit: Callable[[], float] = random.random,
    ) -> None:
        """Asks `api`, which is at `endpoint`; `clock`, `sleep` and `unit` (0 to 1) are there for tests."""
        self._api = api
        self._breaker = breaker
        self._observer = observer
        self._endpoint = endpoint
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._sleep = sleep
        self._unit = unit
        self._rate_limit = RateLimit(clock)
        self._lock = threading.Lock()
        self._capabilities = Capabilities()
        self._role_proven = False

    def ask(self, question: Question, deadline: Deadline) -> Answer:
        """The answer to a question.

        Raises:
            ServiceError: there is none; Cancelled and DeadlineExceeded where the caller no longer wants one.
        """
        capabilities, adaptation, adaptations = self._capabilities, Adaptation(), 0
        failures: list[ApiFailure] = []
        while True:
            self._wait(failures, deadline)
            probe = self._breaker.enter()
            arguments = capabilities.arguments(question.values, question.count, question.limit)
            try:
                reply = self._send(question, capabilities, arguments, deadline, probe)
            except ApiFailure as failure:
                self._note(failure, probe)
                if failure.filtered:
                    return Answer(Reply("", finish=FILTERED), capabilities, _reasons(failures))
                other = adaptation.after(capabilities, failure, arguments)
                if other is None and self._suspects_role(failure, failures):
                    other = without_developer(capabilities, failure)
                if other is not None and adaptations < _MOST_ADAPTATIONS:
                    capabilities, adaptations = other, adaptations + 1
                    continue
                failures.append(failure)
            else:
                self._succeeded(reply, capabilities)
                return Answer(reply, capabilities, _reasons(failures))

    def _send(
        self,
        question: Question,
        capabilities: Capabilities,
        arguments: Mapping[str, object],
        deadline: Deadline,
        probe: bool,
    ) -> Reply:
        callbacks = StreamCallbacks(question.on_text, deadline.check, deadline.remaining, deadline.waking)
        try:
            reply = self._api.ask(question.messages(capabilities.way(ROLE)), arguments, callbacks)
        except ApiFailure:
            raise
        except BaseException:
            self._breaker.withdrew(probe=probe)
            self._observer.called("cancelled")
            raise
        # One that is thrown away is paid for all the same.
        question.on_usage(reply.usage)
        if reply.usage is not None:
            self._observer.used(reply.usage, self._endpoint.cost(reply.usage))
        if reply.broken is not None and not question.enough(reply.text):
            raise reply.broken
        return reply

    def _note(self, failure: ApiFailure, probe: bool) -> None:
        self._observer.called(failure.outcome)
        if failure.retry_after is not None:
            self._rate_limit.hold(failure.retry_after)
        if failure.server_fault:
            self._breaker.failed(probe=probe)
        else:
            self._breaker.succeeded()

    def _succeeded(self, reply: Reply, capabilities: Capabilities) -> None:
        self._observer.called("answered" if reply.broken is None else "broken")
        self._breaker.succeeded()
        with self._lock:
            self._role_proven |= capabilities.way(ROLE) == Capabilities().way(ROLE)
            learned = capabilities.differences(self._capabilities)
            self._capabilities = capabilities
        for what in learned:
            _log.warning(what)

    def _suspects_role(self, failure: ApiFailure, before: Sequence[ApiFailure]) -> bool:
        """Whether a server that fails may do so because of the role, in which it has never answered yet."""
        repeated = bool(before) and before[-1].status == failure.status
        return not self._role_proven and (repeated or blames_role(failure))

    def _wait(self, failures: Sequence[ApiFailure], deadline: Deadline) -> None:
        """Waits until a call may be made, or raises where there will be none: what the last failure means, if any."""
        last = failures[-1] if failures else None
        if last is not None and (not last.transient or self._backoff.is_spent(failures)):
            raise _with_delay(last) from None
        deadline.check()
        apart = self._backoff.pause(max(1, len(failures)), self._unit())
        begun = self._clock()
        due = begun if last is None else begun + (last.retry_after or 0.0) + apart
        while True:
            # Others may have been told meanwhile to stay away for longer.
            held = self._rate_limit.until
            due = max(due, held + apart) if held > begun else due
            left = due - self._clock()
            if left <= 0:
                return
            if left >= deadline.remaining():
                raise _with_delay(last) if last is not None else _held_back(held - self._clock())
            self._sleep(deadline, left)
            deadline.check()


def _with_delay(failure: ApiFailure) -> ServiceError:
    """What the caller is told. Only an API that names a delay itself is asked again by those above us."""
    failure.error.retry_after = failure.retry_after if failure.outcome == _LIMITED else None
    return failure.error


def _held_back(seconds: float) -> ServiceError:
    """What a caller is told who would have to wait too long, though the API told somebody else."""
    message = "the language model API takes no more calls now: it asked for a pause that is longer than the time left"
    return Unavailable(message, reason="API_BUSY", retry_after=max(1.0, seconds))


def _reasons(failures: Sequence[ApiFailure]) -> tuple[str, ...]:
    return tuple(failure.error.message for failure in failures)
