"""The one layer of retries, with a clock of its own: no test here waits."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_language.engines.openai.api.circuit_breaker import CircuitBreaker
from postcards_language.engines.openai.api.client import Message, Reply, StreamCallbacks
from postcards_language.engines.openai.api.endpoint import Endpoint, without_path
from postcards_language.engines.openai.api.failures import ApiFailure, retry_after
from postcards_language.engines.openai.api.retries import Backoff, Deadline, Question, RetryingClient
from postcards_language.usage import NoUsageObserver, Usage
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled, DeadlineExceeded, EngineFailed, ModelUnusable, Unavailable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENDPOINT = Endpoint("m", prompt_price=1.0, completion_price=2.0)


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()


class ScriptedApi:
    """Answers or fails as it is told, and remembers what it was asked."""

    def __init__(self, clock: Clock, *script: Reply | ApiFailure, seconds: float = 0.0) -> None:
        self._clock, self._script, self._seconds = clock, iter(script), seconds
        self.asked: list[Mapping[str, object]] = []
        self.roles: list[str] = []

    def ask(self, messages: Sequence[Message], arguments: Mapping[str, object], callbacks: StreamCallbacks) -> Reply:
        self.asked.append(arguments)
        self.roles.append(messages[0]["role"])
        self._clock.now += self._seconds
        callbacks.check()
        answer = next(self._script)
        if isinstance(answer, ApiFailure):
            raise answer
        return answer


def busy(delay: float | None = None) -> ApiFailure:
    return ApiFailure(Unavailable("busy", reason="API_BUSY"), "limited", True, delay, status=429)


def down(status: int = 503, words: str = "") -> ApiFailure:
    error = Unavailable("down", reason="API_FAILED", retry_after=None)
    return ApiFailure(error, "failed", True, server_fault=True, status=status, words=words)


def rejected(words: str = "", parameter: str = "", status: int = 400) -> ApiFailure:
    error = EngineFailed("rejected", reason="API_REJECTED")
    return ApiFailure(error, "rejected", status=status, words=words, parameter=parameter)


GOOD = Reply("ghrr", finish="stop", usage=Usage(10, 5))


def question(**values: Any) -> Question:
    sampling = {"temperature": 1.5, "top_p": 0.2, "seed": 3} | values
    return Question(
        lambda role: [{"role": role, "content": "x"}],
        sampling,
        1,
        100,
        lambda _: None,
        lambda text: "}" in text,
        lambda _: None,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(
    clock: Clock, api: ScriptedApi, *, unit: float = 0.5, failures: int = 100, breaker: CircuitBreaker | None = None
) -> RetryingClient:
    breaker = breaker or CircuitBreaker(failures=failures, clock=clock)
    return RetryingClient(
        api,
        breaker,
        NoUsageObserver(),
        ENDPOINT,
        clock=clock,
        sleep=lambda _, seconds: clock.sleep(seconds),
        unit=lambda: unit,
    )


def ask(clock: Clock, asking: RetryingClient, *, timeout: float = 120.0, work: Work | None = None) -> Reply:
    work = work or Work()
    return asking.ask(question(), Deadline(work, timeout, clock)).reply


@given(st.integers(1, 40), st.floats(0, 1))
def test_full_jitter_under_a_growing_bound(failed: int, unit: float) -> None:
    backoff = Backoff(base_seconds=0.5, cap_seconds=20)
    assert 0 <= backoff.pause(failed, unit) <= min(20, 0.5 * 2 ** (failed - 1))
    assert backoff.pause(failed, 0.0) == 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")}, 90.0),
        ({"retry-after": (NOW - timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "1e9"}, 3600.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_it_waits_longer_each_time_and_gives_up(clock: Clock) -> None:
    api = ScriptedApi(clock, *[down()] * 9)
    with pytest.raises(Unavailable) as caught:
        ask(clock, client(clock, api, unit=1.0))
    assert len(api.asked) == 4
    assert sum(clock.slept) == pytest.approx(0.5 + 1.0 + 2.0)
    # Those above do not try on: there is one layer that does.
    assert caught.value.retry_after is None


def test_a_reply_ends_it_whatever_it_holds(clock: Clock) -> None:
    api = ScriptedApi(clock, down(), busy(), Reply("", finish="stop"), GOOD)
    assert ask(clock, client(clock, api)).text == ""
    assert len(api.asked) == 3


def test_retry_after_is_waited_for(clock: Clock) -> None:
    api = ScriptedApi(clock, busy(30.0), GOOD)
    ask(clock, client(clock, api, unit=0.0))
    assert sum(clock.slept) == pytest.approx(30.0)


def test_no_wait_that_would_outlast_the_deadline(clock: Clock) -> None:
    api = ScriptedApi(clock, busy(30.0), GOOD)
    with pytest.raises(Unavailable) as caught:
        ask(clock, client(clock, api), timeout=20.0)
    assert clock.slept == []
    assert caught.value.retry_after == 30.0


@pytest.mark.parametrize("unit", [0.0, 0.25, 1.0])
def test_who_was_told_the_same_comes_back_apart(clock: Clock, unit: float) -> None:
    ask(clock, client(clock, ScriptedApi(clock, busy(30.0), GOOD), unit=unit))
    assert sum(clock.slept) == pytest.approx(30.0 + 0.5 * unit)


def test_a_limit_holds_everybody_back_and_costs_them_no_call(clock: Clock) -> None:
    api = ScriptedApi(clock, busy(30.0), GOOD)
    asking = client(clock, api, unit=0.0)
    for timeout in (20.0, 25.0, 29.0):
        with pytest.raises(Unavailable) as caught:
            ask(clock, asking, timeout=timeout)
        assert (caught.value.reason, caught.value.retry_after) == ("API_BUSY", 30.0)
    assert (len(api.asked), clock.slept) == (1, [])
    assert ask(clock, asking) == GOOD
    assert sum(clock.slept) == pytest.approx(30.0)


def test_a_limit_that_another_meets_meanwhile_is_waited_for_too(clock: Clock) -> None:
    api = ScriptedApi(clock, busy(30.0), busy(10.0), GOOD)
    asking = client(clock, api, unit=0.0)

    def another_is_limited() -> None:
        clock.on_sleep = lambda: None
        with pytest.raises(Unavailable):
            ask(clock, asking, timeout=5.0)

    clock.on_sleep = another_is_limited
    assert ask(clock, asking) == GOOD
    assert clock.slept == pytest.approx([30.0, 10.0])
    assert len(api.asked) == 3


def test_no_limit_holds_others_back_for_longer_than_five_minutes(clock: Clock) -> None:
    api = ScriptedApi(clock, busy(3600.0), GOOD)
    asking = client(clock, api, unit=0.0)
    with pytest.raises(Unavailable) as caught:
        ask(clock, asking)
    assert caught.value.retry_after == 3600.0
    assert ask(clock, asking, timeout=400.0) == GOOD
    assert sum(clock.slept) == pytest.approx(300.0)


@pytest.mark.parametrize("delay", [None, 0.0, 1.0])
def test_limits_end_in_bounded_tries_and_never_open_the_circuit(clock: Clock, delay: float | None) -> None:
    api = ScriptedApi(clock, *[busy(delay)] * 99)
    breaker = CircuitBreaker(failures=2, clock=clock)
    with pytest.raises(Unavailable) as caught:
        ask(clock, client(clock, api, unit=0.5, breaker=breaker))
    assert caught.value.reason == "API_BUSY"
    assert len(api.asked) == Backoff().limited_tries
    breaker.enter()


def test_a_limit_is_no_try_that_failed(clock: Clock) -> None:
    api = ScriptedApi(clock, busy(1.0), down(), busy(1.0), down(), busy(1.0), down(), GOOD)
    assert ask(clock, client(clock, api)) == GOOD


def test_the_time_of_all_tries_together_is_bounded(clock: Clock) -> None:
    api = ScriptedApi(clock, *[down()] * 9, seconds=8.0)
    with pytest.raises(Unavailable) as caught:
        ask(clock, client(clock, api, unit=0.0), timeout=20.0)
    assert caught.value.reason == "API_TIMEOUT"
    assert len(api.asked) == 3


def test_the_deadline_of_the_caller_is_the_callers(clock: Clock) -> None:
    api = ScriptedApi(clock, *[down()] * 9, seconds=8.0)
    with pytest.raises(DeadlineExceeded):
        ask(clock, client(clock, api, unit=0.0), work=Work(timeout=20.0, clock=clock))


def test_a_caller_who_leaves_while_it_waits_is_not_waited_for(clock: Clock) -> None:
    work = Work()
    clock.on_sleep = work.cancel
    with pytest.raises(Cancelled):
        ask(clock, client(clock, ScriptedApi(clock, busy(30.0), GOOD)), work=work)
    assert len(clock.slept) == 1


def test_what_lasts_is_not_tried_again(clock: Clock) -> None:
    refused = ApiFailure(ModelUnusable("the key"), "refused", status=401)
    api = ScriptedApi(clock, refused, GOOD)
    with pytest.raises(ModelUnusable):
        ask(clock, client(clock, api))
    assert len(api.asked) == 1


def test_a_broken_reply_counts_once_it_can_be_used(clock: Clock) -> None:
    useless = Reply('{"phr', broken=down())
    useful = Reply("{}", broken=down())
    api = ScriptedApi(clock, useless, useful, GOOD)
    assert ask(clock, client(clock, api)) == useful
    assert len(api.asked) == 2


def test_what_a_filter_stops_is_an_answer(clock: Clock) -> None:
    filtered = rejected()
    filtered.filtered = True
    reply = ask(clock, client(clock, ScriptedApi(clock, filtered, GOOD)))
    assert reply.finish == "content_filter"


def test_what_was_learnt_stays(clock: Clock) -> None:
    api = ScriptedApi(clock, rejected(parameter="temperature"), GOOD, GOOD)
    asking = client(clock, api)
    ask(clock, asking)
    ask(clock, asking)
    assert ["temperature" in arguments for arguments in api.asked] == [True, False, False]
    assert clock.slept == []


def test_what_did_not_help_is_not_learnt(clock: Clock) -> None:
    api = ScriptedApi(clock, *[rejected()] * 30)
    asking = client(clock, api)
    with pytest.raises(EngineFailed):
        ask(clock, asking)
    tried = len(api.asked)
    assert tried < 18
    with pytest.raises(EngineFailed):
        ask(clock, asking)
    assert api.asked[tried] == api.asked[0]


def test_without_a_reason_each_thing_is_left_out_by_itself(clock: Clock) -> None:
    api = ScriptedApi(clock, *[rejected("no")] * 30)
    with pytest.raises(EngineFailed):
        ask(clock, client(clock, api))
    first, *others, last = api.asked
    for arguments in others:
        assert len(first.keys() - arguments.keys()) <= 1
    assert set(last) == set()
    assert {"developer", "system", "user"} == set(api.roles)


@pytest.mark.parametrize(
    ("failure", "missing"),
    [
        (rejected(parameter="top_p"), "top_p"),
        (rejected("unsupported value: 'temperature' does not support 1.5 with this model."), "temperature"),
        (rejected("unexpected fields in the request: {'stream_options'}", status=422), "stream_options"),
        (rejected(parameter="response_format.json_schema.strict"), "json_schema"),
        (rejected("max_tokens is too large: 50000"), "max_completion_tokens"),
    ],
)
def test_what_the_server_blames_is_left_out(clock: Clock, failure: ApiFailure, missing: str) -> None:
    api = ScriptedApi(clock, failure, GOOD)
    ask(clock, client(clock, api))
    before, after = api.asked
    assert missing in str(before)
    assert missing not in str(after)
    assert len(before.keys() ^ after.keys()) <= 2


def test_the_words_of_a_server_that_names_a_parameter_are_not_read(clock: Clock) -> None:
    """They quote the request: here a theme that happens to be about temperature."""
    failure = rejected("messages[1].content 'a temperature in the desert' is too odd", parameter="content")
    api = ScriptedApi(clock, failure, GOOD)
    ask(clock, client(clock, api))
    before, after = api.asked
    assert "temperature" in before
    assert "temperature" in after


def test_a_failing_server_is_tried_without_developer_the_second_time(clock: Clock) -> None:
    api = ScriptedApi(clock, down(500), down(500), GOOD)
    ask(clock, client(clock, api))
    assert api.roles == ["developer", "developer", "system"]
    words = ScriptedApi(clock, down(500, "jinja exception: unexpected role"), GOOD)
    ask(clock, client(clock, words))
    assert words.roles == ["developer", "system"]


def test_a_server_that_has_answered_a_developer_fails_for_other_reasons(clock: Clock) -> None:
    api = ScriptedApi(clock, GOOD, down(500), down(500), GOOD)
    asking = client(clock, api)
    ask(clock, asking)
    ask(clock, asking)
    assert set(api.roles) == {"developer"}


def test_an_open_circuit_stops_the_retries(clock: Clock) -> None:
    api = ScriptedApi(clock, *[down()] * 9)
    asking = client(clock, api, unit=0.0, failures=2)
    with pytest.raises(Unavailable) as caught:
        ask(clock, asking)
    assert caught.value.reason == "CIRCUIT_OPEN"
    assert len(api.asked) == 2


def test_a_caller_who_leaves_says_nothing_about_the_server(clock: Clock) -> None:
    breaker = CircuitBreaker(failures=1, clock=clock)
    work = Work()

    class Leaving(ScriptedApi):
        def ask(
            self, messages: Sequence[Message], arguments: Mapping[str, object], callbacks: StreamCallbacks
        ) -> Reply:
            work.cancel()
            return super().ask(messages, arguments, callbacks)

    with pytest.raises(Cancelled):
        ask(clock, client(clock, Leaving(clock, GOOD), breaker=breaker), work=work)
    breaker.enter()


def test_costs() -> None:
    usage = Usage(1_000_000, 500_000) + Usage(0, 500_000)
    assert ENDPOINT.cost(usage) == 3.0
    assert Endpoint("m").cost(usage) is None


@pytest.mark.parametrize(
    ("base", "shown", "host"),
    [
        ("", "https://api.openai.com/v1", "api.openai.com"),
        (
            "http://me:secret@llm.example.org:8080/v1/?key=secret",
            "http://llm.example.org:8080/v1",
            "llm.example.org:8080",
        ),
        ("http://[2606:4700::1111]:8080/v1", "http://[2606:4700::1111]:8080/v1", "[2606:4700::1111]:8080"),
        ("http://me:secret@10.0.0.1:8080/v1", "local", "local"),
        ("http://[::1]:8080/v1", "local", "local"),
        ("http://localhost:8080/v1", "local", "local"),
        ("http://gpu.internal/v1", "local", "local"),
    ],
)
def test_addresses_are_published_without_secrets(base: str, shown: str, host: str) -> None:
    endpoint = Endpoint("m", base, "sk-secret")
    assert (endpoint.url, endpoint.host) == (shown, host)
    assert "secret" not in repr(endpoint)


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("gpt-5.1", "gpt-5.1"),
        ("owner/name", "owner/name"),
        ("/home/me/models/tiny.gguf", "tiny.gguf"),
        ("C:\\models\\tiny.gguf", "tiny.gguf"),
        ("./models/tiny/", "tiny"),
    ],
)
def test_models_are_published_without_their_path(model: str, published: str) -> None:
    assert without_path(model) == published
