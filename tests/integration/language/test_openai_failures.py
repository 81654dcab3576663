"""What the engine openai does when calls fail on their way: limits, keys, broken and stalled streams, the breaker."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from chat_server import Handler, Stalling
from postcards_language.engines.openai import Endpoint, OpenAiEngine
from postcards_language.engines.openai.api.client import Api, StreamCallbacks
from postcards_language.engines.openai.api.retries import Backoff, RetryingClient
from postcards_language.usage import Usage
from postcards_serving.engine.work import Work
from postcards_serving.errors import (
    Cancelled,
    Code,
    DeadlineExceeded,
    ModelUnusable,
    ServiceError,
    Stopping,
    Unavailable,
)


def test_spent_credit_is_not_retried(engine, script, fail, say_it) -> None:
    script.then(fail(429, "insufficient_quota"))
    with pytest.raises(ModelUnusable, match="no credit"):
        say_it(engine)
    assert len(script.asked) == 1


def test_500_then_200(engine, script, ledger, fail, say, say_it, phrases) -> None:
    script.then(fail(503), fail(500), say(phrases()))
    assert len(say_it(engine).phrases) == 1
    assert ledger.outcomes == {"failed": 2, "answered": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_and_not_shown(engine, script, fail, say_it, api_key, status: int) -> None:
    script.then(fail(status, "invalid_api_key", f"Incorrect API key provided: {api_key}"))
    with pytest.raises(ModelUnusable) as caught:
        say_it(engine)
    assert caught.value.code is Code.FAILED_PRECONDITION
    assert "OPENAI_API_KEY" in caught.value.message
    assert api_key not in f"{caught.value!r} {caught.value.metadata} {caught.value.__cause__!r}"
    assert len(script.asked) == 1


def test_an_unknown_model_is_named(engine, script, fail, say_it) -> None:
    script.then(fail(404, "model_not_found"))
    with pytest.raises(ModelUnusable, match="POSTCARDS_LANGUAGE_MODEL"):
        say_it(engine)


def test_the_key_is_in_nothing_that_is_kept(engine, script, say, say_it, phrases, api_key) -> None:
    script.then(say(phrases()))
    result = say_it(engine)
    assert api_key not in repr(result)
    assert api_key not in repr(engine._endpoint)


def test_a_server_without_a_key_is_shown_none(script, say, engine_for, say_it, phrases) -> None:
    script.then(say(phrases()))
    engine = engine_for(api_key="")
    assert len(say_it(engine).phrases) == 1
    engine.look()
    engine.close()
    assert "authorization" not in script.headers[0]
    assert "authorization" not in {name.lower() for name in script.looked[0]}


def test_a_stream_that_breaks_before_a_phrase_is_asked_for_again(
    engine, script, ledger, break_off, say, say_it, phrases
) -> None:
    script.then(break_off('{"phrases": [{"animal_text": "gh'), say(phrases()))
    assert [word.gloss for word in say_it(engine).phrases[0].words] == ["hunter", "come"]
    assert ledger.outcomes == {"unreachable": 1, "answered": 1}


def test_a_stream_that_breaks_after_the_last_phrase_is_not_paid_for_twice(
    engine, script, break_off, say_it, phrases
) -> None:
    script.then(break_off(json.dumps(phrases())))
    result = say_it(engine)
    assert len(script.asked) == 1
    assert [word.gloss for word in result.phrases[0].words] == ["hunter", "come"]
    assert any("broke off" in note for note in result.provenance.notes)


def test_only_the_rest_of_a_broken_stream_is_asked_for(
    engine, script, break_off, say, say_it, phrases, proposal
) -> None:
    first = proposal("moon", "rise", gloss="The moon rises.")
    script.then(break_off(json.dumps(phrases(first))[:-2] + ', {"animal_te'), say(phrases()))
    result = say_it(engine, count=2)
    assert [phrase.english_gloss for phrase in result.phrases] == ["The moon rises.", "The hunter comes."]
    assert "Say 1 phrase again" in script.asked[1]["messages"][-1]["content"]


def test_a_server_that_does_not_stream_is_not_paid_twice(engine, script, ledger, say_it, phrases) -> None:
    message = {"role": "assistant", "content": json.dumps(phrases())}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "m-1", "usage": usage}
    whole["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
    script.then(lambda handler, _: handler.whole(200, whole))
    result = say_it(engine)
    assert [word.gloss for word in result.phrases[0].words] == ["hunter", "come"]
    assert ledger.usage == Usage(7, 3)
    assert len(script.asked) == 1


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[]", b"{}", b'{"choices": []}', b"null", b'{"choices": [7]}'])
@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/event-stream"])
def test_what_is_no_chat_completion_is_one_clear_failure(engine, script, say_it, body: bytes, kind: str) -> None:
    def answer(handler, _) -> None:
        handler.send_response(200)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    script.then(answer)
    with pytest.raises(ServiceError) as caught:
        say_it(engine)
    assert caught.value.reason in ("API_CONFUSED", "API_FAILED", "API_UNREACHABLE")


@pytest.mark.parametrize("event", [b"data: {oops\n\n", b"data: null\n\n", b"data: []\n\n", b'data: {"choices": 7}\n\n'])
def test_events_that_are_no_chunks_are_one_clear_failure(engine, script, say_it, event: bytes) -> None:
    def answer(handler, _) -> None:
        handler.begin_stream()
        handler.wfile.write(event)

    script.then(answer)
    with pytest.raises(ServiceError) as caught:
        say_it(engine)
    assert caught.value.reason in ("API_CONFUSED", "API_FAILED", "API_UNREACHABLE")


def test_an_error_in_the_middle_of_a_stream_is_asked_for_again(engine, script, ledger, say, say_it, phrases) -> None:
    def answer(handler, _) -> None:
        handler.begin_stream()
        handler.event({"delta": {"content": '{"phr'}, "finish_reason": None})
        handler.wfile.write(b'data: {"error": {"message": "overloaded", "code": "server_error"}}\n\n')

    script.then(answer, say(phrases()))
    assert len(say_it(engine).phrases) == 1
    assert ledger.outcomes == {"failed": 1, "answered": 1}


def test_an_answer_cut_short_by_its_limit_keeps_its_phrases(engine, script, say, say_it, phrases, proposal) -> None:
    whole = json.dumps(phrases(proposal("moon", "rise", gloss="The moon rises."), proposal()))
    script.then(say(whole[: whole.rindex('"english_gloss"')], finish="length"), say(phrases()))
    result = say_it(engine, count=2)
    assert [phrase.english_gloss for phrase in result.phrases] == ["The moon rises.", "The hunter comes."]


def test_a_stalled_stream_is_given_up_and_asked_again(script, ledger, stall, say, engine_for, say_it, phrases) -> None:
    engine = engine_for(silence_seconds=0.2)
    script.then(stall(script, '{"phrases"'), say(phrases()))
    assert len(say_it(engine).phrases) == 1
    engine.close()
    assert ledger.outcomes == {"unreachable": 1, "answered": 1}


def test_a_caller_who_leaves_stops_the_stream(engine, script, ledger, say, say_it, phrases) -> None:
    script.then(say(phrases(), size=4))
    stages: list[str] = []

    def leave_when_it_speaks(event) -> None:
        stages.append(getattr(event, "stage", ""))
        if stages[-1] == "listening":
            work.cancel()

    work = Work(leave_when_it_speaks)
    with pytest.raises(Cancelled):
        say_it(engine, work)
    assert stages == ["asking", "listening"]
    assert ledger.outcomes == {"cancelled": 1}


def test_a_caller_who_leaves_is_not_waited_for_while_the_server_is_silent(
    script, ledger, stall, engine_for, say_it
) -> None:
    engine = engine_for(silence_seconds=60.0, timeout_seconds=60.0)
    script.then(stall(script, '{"phrases": [{"animal_text": "ghrr'))
    work = Work(lambda event: threading.Timer(0.05, work.cancel).start() if event.stage == "listening" else None)
    with pytest.raises(Cancelled):
        say_it(engine, work)
    engine.close()
    assert not script.released.is_set()
    assert ledger.outcomes == {"cancelled": 1}


@pytest.mark.parametrize("said", [None, '{"phrases": [{"animal_text": "ghrr'], ids=["nothing", "a-part"])
@pytest.mark.parametrize("leaves", ["cancels", "deadline"])
def test_a_server_sees_at_once_that_nobody_waits_any_more(
    script, ledger, engine_for, say_it, said: str | None, leaves: str
) -> None:
    stalling = Stalling(said)
    script.then(stalling)
    engine = engine_for(silence_seconds=600.0, timeout_seconds=600.0)
    work = Work(timeout=0.5 if leaves == "deadline" else None)

    def leave() -> None:
        stalling.heard.wait(60)
        if leaves == "cancels":
            work.cancel()

    leaving = threading.Thread(target=leave)
    leaving.start()
    with pytest.raises(Cancelled if leaves == "cancels" else DeadlineExceeded):
        say_it(engine, work)
    leaving.join()
    # Its own read would end after a minute.
    assert stalling.left_alone.wait(20)
    assert ledger.outcomes == {"cancelled": 1}
    # The engine goes on for others.
    script.answers[0] = lambda handler, _: handler.whole(401, {})
    with pytest.raises(ModelUnusable):
        say_it(engine)
    engine.close()


@pytest.mark.parametrize("said", [None, '{"phrases": [{"animal_text": "ghrr'], ids=["nothing", "a-part"])
def test_an_engine_that_closes_leaves_no_call_behind_and_blames_no_server(
    script, ledger, engine_for, say_it, said: str | None
) -> None:
    stalling = Stalling(said)
    script.then(stalling)
    engine = engine_for(silence_seconds=600.0, timeout_seconds=600.0)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(say_it, engine)
        assert stalling.heard.wait(60)
        engine.close()
        assert stalling.left_alone.wait(20)
        assert isinstance(asking.exception(60), Stopping)
    with pytest.raises(Stopping):
        say_it(engine)
    assert len(script.asked) == 1
    assert ledger.outcomes == {"cancelled": 2}
    assert ledger.circuits == []


def test_an_answer_that_is_whole_when_the_engine_closes_is_kept(script) -> None:
    over, heard = threading.Event(), threading.Event()

    def answer(handler: Handler, _: object) -> None:
        handler.begin_stream()
        handler.event({"delta": {"content": "ghrr"}, "finish_reason": "stop"})
        over.wait(60)

    script.then(answer)
    api = Api(Endpoint(base_url=script.url, api_key="", model="m"))
    following = StreamCallbacks(lambda _: heard.set(), lambda: None, lambda: 60.0, lambda _: nullcontext())
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(api.ask, [{"role": "user", "content": "growl"}], {}, following)
        assert heard.wait(60)
        api.close()
        assert (asking.result(60).text, asking.result().broken) == ("ghrr", None)
    over.set()


def test_a_deadline_of_the_caller_ends_a_stalled_call(engine, script, stall, say_it) -> None:
    script.then(stall(script))
    with pytest.raises(DeadlineExceeded):
        say_it(engine, Work(timeout=0.3))


def test_the_time_of_the_settings_ends_a_stalled_call(script, stall, engine_for, say_it) -> None:
    engine = engine_for(timeout_seconds=0.3)
    script.then(stall(script))
    with pytest.raises(Unavailable) as caught:
        say_it(engine)
    engine.close()
    assert caught.value.reason == "API_TIMEOUT"


def test_nobody_there(say_it, api_key) -> None:
    engine = OpenAiEngine(
        Endpoint("m", "http://127.0.0.1:9/v1", api_key, connect_seconds=1.0),
        client=lambda *parts: RetryingClient(*parts, backoff=Backoff(tries=2), unit=lambda: 0.0),
    )
    with pytest.raises(Unavailable) as caught:
        say_it(engine)
    engine.close()
    assert (caught.value.reason, caught.value.retry_after) == ("API_UNREACHABLE", None)


def test_a_server_that_keeps_failing_is_left_alone(script, ledger, fail, engine_for, say_it) -> None:
    engine = engine_for(rest=1000.0)
    script.then(fail(500))
    for _ in range(2):
        with pytest.raises(Unavailable):
            say_it(engine)
    calls = len(script.asked)
    with pytest.raises(Unavailable) as caught:
        say_it(engine)
    engine.close()
    assert caught.value.reason == "CIRCUIT_OPEN"
    assert caught.value.retry_after > 900
    assert len(script.asked) == calls == 6
    assert ledger.circuits == [True]


def test_a_server_that_is_well_again_is_asked_again(script, ledger, fail, say, engine_for, say_it, phrases) -> None:
    engine = engine_for(rest=0.0)
    script.then(*[fail(503)] * 8, say(phrases()))
    for _ in range(2):
        with pytest.raises(Unavailable):
            say_it(engine)
    assert len(say_it(engine).phrases) == 1
    engine.close()
    assert ledger.circuits == [True, False]


def test_many_at_once(engine, script, say, phrases, say_together) -> None:
    script.then(say(phrases(), size=4))
    results = say_together(engine, 12)
    assert len(results) == 12
    assert len({result.phrases for result in results}) == 1
