"""The engine openai against a server that does on command whatever a real one may do: official client, real sockets."""

import json
import threading
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from postcards_language.accounts import Usage
from postcards_language.engine import PhrasesRequest, PhrasesResult
from postcards_language.engines.openai import Endpoint, OpenAiEngine
from postcards_language.engines.openai.breaker import CircuitBreaker
from postcards_language.engines.openai.persistence import Backoff, Persistence
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.tongue.lexicon import lexicon_of
from postcards_serving.errors import Cancelled, Code, DeadlineExceeded, ModelUnusable, ServiceError, Unavailable
from postcards_serving.testing import RecordingWork
from postcards_serving.work import Item, Progress, Work
from postcards_species.english import reads_as_english
from postcards_species.phrase import Intent, Mood
from postcards_species.species import derive_species

SPECIES = derive_species(7)
LEXICON = lexicon_of(SPECIES.phonology)
KEY = "sk-test-0123456789abcdefghij"


class Ledger:
    """Accounts that remember."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.usage = Usage()
        self.cost = 0.0
        self.circuits: list[bool] = []
        self.repairs = 0

    def called(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def used(self, usage: Usage, cost_usd: float | None) -> None:
        self.usage += usage
        self.cost += cost_usd or 0.0

    def circuit(self, opened: bool) -> None:
        self.circuits.append(opened)

    def repaired(self, phrases: int) -> None:
        self.repairs += phrases


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def engine(script, ledger):
    made = engine_for(script, ledger)
    yield made
    made.close()


def engine_for(script, ledger: Ledger, *, rest: float = 30.0, **fields: Any) -> OpenAiEngine:
    """An engine that retries without waiting long."""
    told = {"model": "m", "base_url": script.url, "api_key": KEY, "silence_seconds": 5.0} | fields
    return OpenAiEngine(
        Endpoint(**told),
        ledger,
        breaker=CircuitBreaker(failures=6, rest_seconds=rest, tell=ledger.circuit),
        persistence=lambda *parts: Persistence(*parts, backoff=Backoff(base_seconds=0.01), unit=lambda: 0.0),
    )


def request(**fields: Any) -> PhrasesRequest:
    return PhrasesRequest(SPECIES.phonology, SPECIES.name, seed=3, **fields)


def text_of(key: str) -> str:
    return "".join(morpheme.text for morpheme in LEXICON[key])


def proposal(*keys: str, gloss: str = "The hunter comes.", **fields: Any) -> dict[str, Any]:
    """A phrase as a good model proposes it."""
    words = [{"text": text_of(key), "gloss": key} for key in keys or ("hunter", "come")]
    said = {"animal_text": " ".join(word["text"] for word in words), "english_gloss": gloss, "words": words}
    return said | {"intent": "warning", "mood": "fearful"} | fields


def phrases(*proposals: dict[str, Any]) -> dict[str, Any]:
    return {"phrases": list(proposals or (proposal(),))}


ENGLISH = proposal(
    animal_text="The hunter comes tonight",
    words=[
        {"text": "hunter", "gloss": "hunter"},
        {"text": "comes", "gloss": "come"},
        {"text": "tonight", "gloss": "night"},
    ],
)


def say_it(engine: OpenAiEngine, work: Work | None = None, **fields: Any) -> PhrasesResult:
    return engine.generate(request(**fields), work or Work())


def own_phrases(**fields: Any) -> tuple:
    return PhonotacticEngine().generate(request(**fields), Work()).phrases


def is_said_by_the_species(result: PhrasesResult) -> bool:
    sounds = {*SPECIES.phonology.onsets, *SPECIES.phonology.nuclei, *SPECIES.phonology.codas}
    words = [word for phrase in result.phrases for word in phrase.words]
    return all(
        not reads_as_english(word.text)
        and all(set(syllable.phonemes) <= sounds for syllable in word.syllables)
        and word.gloss
        for word in words
    )


def test_a_good_reply_is_one_call(engine, script, ledger, say) -> None:
    script.then(say(phrases()))
    work = RecordingWork()
    result = say_it(engine, work)
    (phrase,) = result.phrases
    assert [word.text for word in phrase.words] == [text_of("hunter"), text_of("come")]
    assert (phrase.english_gloss, phrase.intent, phrase.mood) == ("The hunter comes.", Intent.WARNING, Mood.FEARFUL)
    assert is_said_by_the_species(result)
    assert len(script.asked) == 1
    assert ledger.outcomes == {"answered": 1}
    assert result.provenance.notes == ()
    assert [event.value for event in work.events if isinstance(event, Item)] == [phrase]


def test_the_author_speaks_first_and_as_developer(engine, script, say) -> None:
    script.then(say(phrases()))
    say_it(engine, theme="storm")
    (asked,) = script.asked
    developer, user = asked["messages"]
    assert (developer["role"], user["role"]) == ("developer", "user")
    assert developer["content"].startswith("Generate an alien animal language composed entirely of guttural")
    assert f"thunder={text_of('thunder')}" in developer["content"]
    assert SPECIES.name in user["content"]
    assert "storm" in user["content"]
    assert (asked["temperature"], asked["top_p"]) == (1.5, 0.2)
    assert asked["response_format"]["json_schema"]["strict"] is True
    assert script.headers[0]["authorization"] == f"Bearer {KEY}"
    assert not {"x-stainless-os", "x-stainless-arch", "x-stainless-runtime"} & script.headers[0].keys()


def test_a_request_has_its_own_prompt_and_sampling(engine, script, say) -> None:
    script.then(say(phrases()))
    result = say_it(engine, prompt="Only clicks.", temperature=0.0, top_p=1.0)
    (asked,) = script.asked
    assert asked["messages"][0]["content"].startswith("Only clicks.\n\n# The species")
    assert (asked["temperature"], asked["top_p"]) == (0.0, 1.0)
    settings = {name: json.loads(value) for name, value in result.provenance.settings.items()}
    assert (settings["prompt"], settings["temperature"], settings["top_p"]) == ("Only clicks.", 0.0, 1.0)


def test_text_is_streamed_as_it_comes(engine, script, say) -> None:
    script.then(say(phrases(), size=8))
    work = RecordingWork()
    (phrase,) = say_it(engine, work).phrases
    progress = [event for event in work.events if isinstance(event, Progress)]
    heard = [event.text for event in progress if event.stage == "listening"]
    assert len(heard) > 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(heard))
    assert phrase.animal_text.lower().startswith(heard[0])
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {event.stage for event in progress} <= set(engine.stages)


def test_tokens_and_cost_are_told(script, ledger, say) -> None:
    engine = engine_for(script, ledger, prompt_price=2.0, completion_price=10.0)
    script.then(say(phrases(ENGLISH), usage=(1000, 100)), say(phrases(), usage=(1200, 100)))
    usage = say_it(engine).provenance.usage
    engine.close()
    assert usage == {"prompt_tokens": 2200, "completion_tokens": 200, "cost_usd": pytest.approx(0.0064)}
    assert (ledger.usage, ledger.cost) == (Usage(2200, 200), pytest.approx(0.0064))


def test_no_cost_is_told_without_prices(engine, script, say) -> None:
    script.then(say(phrases()))
    assert "cost_usd" not in say_it(engine).provenance.usage


@pytest.mark.parametrize(
    ("bad", "fault", "why"),
    [
        (phrases(ENGLISH), "is English", "an explanation"),
        (phrases(proposal() | {"animal_text": "ghrr water"}), "is English", "English words"),
        ("I would growl like this: it is a deep sound, meaning that danger is near.", "instead of growling", "an expl"),
        ({"answer": [{"growl": "ghrr"}]}, "not the JSON object", "a broken schema"),
        (phrases({"animal_text": "ghrr"}), "english_gloss, words is missing", "a broken schema"),
        (phrases(proposal(words="ghrr")), "words is missing", "a broken schema"),
        ('{"phrases": [{"animal_text": "ghrr", "engl', "broke off", "truncated JSON"),
    ],
    ids=["english", "one-english-word", "explains", "other-json", "fields-missing", "wrong-type", "truncated"],
)
def test_a_bad_reply_is_sent_back_with_its_fault_and_then_taken(engine, script, say, bad, fault: str, why: str) -> None:
    script.then(say(bad), say(phrases()))
    result = say_it(engine)
    assert [word.gloss for word in result.phrases[0].words] == ["hunter", "come"]
    again = script.asked[1]["messages"]
    assert [message["role"] for message in again] == ["developer", "user", "assistant", "user"]
    assert fault in again[-1]["content"]
    (sent_back,) = result.provenance.notes
    assert sent_back.startswith("a reply was sent back: ")
    assert why in sent_back


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("I would growl like this: it is a deep sound, meaning that danger is near.", "an explanation"),
        ({"answer": 42}, "a broken schema"),
        ('{"phrases": [{"animal_text": "ghrr", "engl', "truncated JSON"),
        ("", "a broken schema"),
    ],
    ids=["explains", "other-json", "truncated", "empty"],
)
def test_what_is_never_right_comes_from_the_lexicon(engine, script, ledger, say, bad, why: str) -> None:
    script.then(say(bad))
    result = say_it(engine)
    assert len(script.asked) == 3
    assert result.phrases == own_phrases()
    assert any("species' own lexicon" in note and why in note for note in result.provenance.notes)
    assert result.provenance.engine == "openai"
    assert ledger.repairs == 1
    assert result.provenance.usage["completion_tokens"] == 150


def test_english_that_stays_gives_way_to_the_own_words(engine, script, ledger, say) -> None:
    script.then(say(phrases(ENGLISH)))
    result = say_it(engine)
    (phrase,) = result.phrases
    assert [word.text for word in phrase.words] == [text_of("hunter"), text_of("come"), text_of("night")]
    assert phrase.english_gloss == "The hunter comes."
    assert any("gave way to the species' own words" in note for note in result.provenance.notes)
    assert ledger.repairs == 1


def test_growls_without_a_translation_are_heard_before_the_own_words(engine, script, say) -> None:
    script.then(say("Ghrrrokh-ghaaa!"))
    result = say_it(engine)
    (own,), (phrase,) = own_phrases(), result.phrases
    assert phrase.words[0].gloss == "INTJ"
    assert phrase.words[1:] == own.words
    assert phrase.english_gloss == own.english_gloss
    assert is_said_by_the_species(result)


def test_only_what_is_wrong_is_asked_for_again(engine, script, say) -> None:
    good = [proposal("moon", "rise", gloss="The moon rises."), proposal("river", "sleep", gloss="The river sleeps.")]
    last = proposal("bone", "sing", gloss="The bone sings.")
    script.then(say(phrases(good[0], ENGLISH, good[1])), say(phrases(last)))
    result = say_it(engine, count=3)
    assert [phrase.english_gloss for phrase in result.phrases] == [
        "The moon rises.",
        "The bone sings.",
        "The river sleeps.",
    ]
    assert "Say 1 phrase again" in script.asked[1]["messages"][-1]["content"]


def test_many_phrases_are_asked_for_in_several_calls(engine, script, say) -> None:
    keys = sorted(key for key in LEXICON if key.isalpha() and key.islower())
    several = [proposal(key, "come", gloss=f"The {key} comes.") for key in keys[:20]]
    script.then(say(phrases(*several[:8])), say(phrases(*several[8:16])), say(phrases(*several[16:])))
    result = say_it(engine, count=20)
    assert len(script.asked) == 3
    assert len({phrase.english_gloss for phrase in result.phrases}) == 20


def test_what_was_paid_for_is_kept_when_the_server_dies(engine, script, fail, say) -> None:
    several = [proposal(key, "come", gloss=f"The {key} comes.") for key in ("moon", "bone", "river", "storm")]
    several += [proposal(key, "sleep", gloss=f"The {key} sleeps.") for key in ("moon", "bone", "river", "storm")]
    script.then(say(phrases(*several)), fail(500))
    result = say_it(engine, count=9)
    assert [phrase.english_gloss for phrase in result.phrases[:2]] == ["The moon comes.", "The bone comes."]
    assert len(result.phrases) == 9
    assert any("phrase 9" in note and "lexicon" in note for note in result.provenance.notes)


@pytest.mark.parametrize("kind", ["field", "filter", "filter-status"])
def test_a_refusal_is_asked_again_and_then_repaired(engine, script, say, refuse, fail, kind: str) -> None:
    bad = {
        "field": refuse("I'm sorry, I can't help with that."),
        "filter": say("", finish="content_filter"),
        "filter-status": fail(400, "content_filter"),
    }[kind]
    script.then(bad, say(phrases()))
    assert [word.gloss for word in say_it(engine).phrases[0].words] == ["hunter", "come"]
    script.answers.clear()
    script.then(bad)
    result = say_it(engine)
    assert result.phrases == own_phrases()
    assert any("refused" in note or "filter" in note for note in result.provenance.notes)
    assert not any("sorry" in note for note in result.provenance.notes)


def test_429_with_retry_after_is_waited_for(script, ledger, fail, say) -> None:
    script.then(fail(429, "rate_limit_exceeded", retry_after="0.05"), say(phrases()))
    engine = engine_for(script, ledger)
    result = say_it(engine)
    engine.close()
    assert ledger.outcomes == {"limited": 1, "answered": 1}
    assert any("tried again" in note for note in result.provenance.notes)


def test_a_retry_after_beyond_the_deadline_is_told_at_once(engine, script, fail) -> None:
    script.then(fail(429, "rate_limit_exceeded", retry_after="600"))
    with pytest.raises(Unavailable) as caught:
        say_it(engine)
    assert caught.value.retry_after == 600
    assert len(script.asked) == 1


def test_spent_credit_is_not_retried(engine, script, fail) -> None:
    script.then(fail(429, "insufficient_quota"))
    with pytest.raises(ModelUnusable, match="no credit"):
        say_it(engine)
    assert len(script.asked) == 1


def test_500_then_200(engine, script, ledger, fail, say) -> None:
    script.then(fail(503), fail(500), say(phrases()))
    assert len(say_it(engine).phrases) == 1
    assert ledger.outcomes == {"failed": 2, "answered": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_and_not_shown(engine, script, fail, status: int) -> None:
    script.then(fail(status, "invalid_api_key", f"Incorrect API key provided: {KEY}"))
    with pytest.raises(ModelUnusable) as caught:
        say_it(engine)
    assert caught.value.code is Code.FAILED_PRECONDITION
    assert "OPENAI_API_KEY" in caught.value.message
    assert KEY not in f"{caught.value!r} {caught.value.metadata} {caught.value.__cause__!r}"
    assert len(script.asked) == 1


def test_an_unknown_model_is_named(engine, script, fail) -> None:
    script.then(fail(404, "model_not_found"))
    with pytest.raises(ModelUnusable, match="POSTCARDS_LANGUAGE_MODEL"):
        say_it(engine)


def test_the_key_is_in_nothing_that_is_kept(engine, script, say) -> None:
    script.then(say(phrases()))
    result = say_it(engine)
    assert KEY not in repr(result)
    assert KEY not in repr(engine._endpoint)


def test_a_server_without_a_key_is_shown_none(script, ledger, say) -> None:
    script.then(say(phrases()))
    engine = engine_for(script, ledger, api_key="")
    assert len(say_it(engine).phrases) == 1
    engine.look()
    engine.close()
    assert "authorization" not in script.headers[0]
    assert "authorization" not in {name.lower() for name in script.looked[0]}


def test_a_stream_that_breaks_before_a_phrase_is_asked_for_again(engine, script, ledger, break_off, say) -> None:
    script.then(break_off('{"phrases": [{"animal_text": "gh'), say(phrases()))
    assert [word.gloss for word in say_it(engine).phrases[0].words] == ["hunter", "come"]
    assert ledger.outcomes == {"unreachable": 1, "answered": 1}


def test_a_stream_that_breaks_after_the_last_phrase_is_not_paid_for_twice(engine, script, break_off) -> None:
    script.then(break_off(json.dumps(phrases())))
    result = say_it(engine)
    assert len(script.asked) == 1
    assert [word.gloss for word in result.phrases[0].words] == ["hunter", "come"]
    assert any("broke off" in note for note in result.provenance.notes)


def test_only_the_rest_of_a_broken_stream_is_asked_for(engine, script, break_off, say) -> None:
    first = proposal("moon", "rise", gloss="The moon rises.")
    script.then(break_off(json.dumps(phrases(first))[:-2] + ', {"animal_te'), say(phrases()))
    result = say_it(engine, count=2)
    assert [phrase.english_gloss for phrase in result.phrases] == ["The moon rises.", "The hunter comes."]
    assert "Say 1 phrase again" in script.asked[1]["messages"][-1]["content"]


def test_a_server_that_does_not_stream_is_not_paid_twice(engine, script, ledger) -> None:
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
def test_what_is_no_chat_completion_is_one_clear_failure(engine, script, body: bytes, kind: str) -> None:
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
def test_events_that_are_no_chunks_are_one_clear_failure(engine, script, event: bytes) -> None:
    def answer(handler, _) -> None:
        handler.begin_stream()
        handler.wfile.write(event)

    script.then(answer)
    with pytest.raises(ServiceError) as caught:
        say_it(engine)
    assert caught.value.reason in ("API_CONFUSED", "API_FAILED", "API_UNREACHABLE")


def test_an_error_in_the_middle_of_a_stream_is_asked_for_again(engine, script, ledger, say) -> None:
    def answer(handler, _) -> None:
        handler.begin_stream()
        handler.event({"delta": {"content": '{"phr'}, "finish_reason": None})
        handler.wfile.write(b'data: {"error": {"message": "overloaded", "code": "server_error"}}\n\n')

    script.then(answer, say(phrases()))
    assert len(say_it(engine).phrases) == 1
    assert ledger.outcomes == {"failed": 1, "answered": 1}


def test_an_answer_cut_short_by_its_limit_keeps_its_phrases(engine, script, say) -> None:
    whole = json.dumps(phrases(proposal("moon", "rise", gloss="The moon rises."), proposal()))
    script.then(say(whole[: whole.rindex('"english_gloss"')], finish="length"), say(phrases()))
    result = say_it(engine, count=2)
    assert [phrase.english_gloss for phrase in result.phrases] == ["The moon rises.", "The hunter comes."]


def test_a_stalled_stream_is_given_up_and_asked_again(script, ledger, stall, say) -> None:
    engine = engine_for(script, ledger, silence_seconds=0.2)
    script.then(stall(script, '{"phrases"'), say(phrases()))
    assert len(say_it(engine).phrases) == 1
    engine.close()
    assert ledger.outcomes == {"unreachable": 1, "answered": 1}


def test_a_caller_who_leaves_stops_the_stream(engine, script, ledger, say) -> None:
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


def test_a_caller_who_leaves_is_not_waited_for_while_the_server_is_silent(script, ledger, stall) -> None:
    engine = engine_for(script, ledger, silence_seconds=60.0, timeout_seconds=60.0)
    script.then(stall(script, '{"phrases": [{"animal_text": "ghrr'))
    work = Work(lambda event: threading.Timer(0.05, work.cancel).start() if event.stage == "listening" else None)
    with pytest.raises(Cancelled):
        say_it(engine, work)
    engine.close()
    assert not script.released.is_set()
    assert ledger.outcomes == {"cancelled": 1}


def test_a_deadline_of_the_caller_ends_a_stalled_call(engine, script, stall) -> None:
    script.then(stall(script))
    with pytest.raises(DeadlineExceeded):
        say_it(engine, Work(timeout=0.3))


def test_the_time_of_the_settings_ends_a_stalled_call(script, ledger, stall) -> None:
    engine = engine_for(script, ledger, timeout_seconds=0.3)
    script.then(stall(script))
    with pytest.raises(Unavailable) as caught:
        say_it(engine)
    engine.close()
    assert caught.value.reason == "API_TIMEOUT"


def test_nobody_there() -> None:
    engine = OpenAiEngine(
        Endpoint("m", "http://127.0.0.1:9/v1", KEY, connect_seconds=1.0),
        persistence=lambda *parts: Persistence(*parts, backoff=Backoff(tries=2), unit=lambda: 0.0),
    )
    with pytest.raises(Unavailable) as caught:
        say_it(engine)
    engine.close()
    assert (caught.value.reason, caught.value.retry_after) == ("API_UNREACHABLE", None)


@pytest.mark.parametrize(
    ("taken", "no", "left_out", "noted"),
    [
        ("temperature", {"code": "unsupported_value", "param": "temperature"}, "temperature", "temperature"),
        ("top_p", {"code": "unsupported_parameter", "param": "top_p"}, "top_p", "top_p"),
        ("seed", {"message": "Unrecognized request argument supplied: 'seed'"}, "seed", "seed"),
        ("stream_options", {"message": "stream_options: extra fields not permitted"}, "stream_options", "stream_opt"),
        ("max_completion_tokens", {"message": "unknown field max_completion_tokens"}, "max_completion_tokens", "max_t"),
        ("stream_options", {"message": "computer says no"}, "stream_options", "stream_options"),
    ],
    ids=["openai-value", "openai-parameter", "by-its-words", "pydantic-words", "old-limit", "says-nothing"],
)
def test_a_rejected_parameter_is_left_out_once_and_for_all(
    engine, script, fail, say, unless, taken: str, no: dict[str, str], left_out: str, noted: str
) -> None:
    script.then(unless(lambda body: taken in body, fail(400, **no), say(phrases())))
    notes = say_it(engine).provenance.notes
    assert any(noted in note for note in notes)
    calls = len(script.asked)
    assert left_out not in script.asked[-1]
    say_it(engine)
    assert len(script.asked) == calls + 1
    assert left_out not in script.asked[-1]


@pytest.mark.parametrize("status", [400, 500])
def test_developer_gives_way_to_system(engine, script, fail, say, unless, status: int) -> None:
    no = fail(status, message="Unexpected message role.")
    script.then(unless(lambda body: body["messages"][0]["role"] == "developer", no, say(phrases())))
    result = say_it(engine)
    assert [asked["messages"][0]["role"] for asked in script.asked] == ["developer", "system"]
    assert any("the role developer" in note and "system" in note for note in result.provenance.notes)
    assert result.provenance.settings["role"] == '"system"'


def test_a_server_that_knows_no_system_either_is_told_as_user(engine, script, fail, say, unless) -> None:
    no = fail(400, message="System role not supported")
    script.then(unless(lambda body: body["messages"][0]["role"] != "user", no, say(phrases())))
    say_it(engine)
    (only,) = script.asked[-1]["messages"]
    assert only["content"].startswith("Generate an alien")
    assert SPECIES.name in only["content"]


def test_the_form_of_answers_gives_way_step_by_step(engine, script, fail, say, unless) -> None:
    no = fail(400, message="response_format is not supported")
    script.then(
        unless(lambda body: "response_format" in body, no, say(f"Here:\n```json\n{json.dumps(phrases())}\n```"))
    )
    result = say_it(engine)
    forms = [asked.get("response_format", {}).get("type") for asked in script.asked]
    assert forms == ["json_schema", "json_object", None]
    assert [word.gloss for word in result.phrases[0].words] == ["hunter", "come"]


def test_a_request_that_stays_wrong_ends(engine, script, fail) -> None:
    script.then(fail(400, message="no"))
    with pytest.raises(ServiceError) as caught:
        say_it(engine)
    assert caught.value.reason == "API_REJECTED"
    assert len(script.asked) < 14


def test_a_server_that_keeps_failing_is_left_alone(script, ledger, fail) -> None:
    engine = engine_for(script, ledger, rest=1000.0)
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


def test_a_server_that_is_well_again_is_asked_again(script, ledger, fail, say) -> None:
    engine = engine_for(script, ledger, rest=0.0)
    script.then(*[fail(503)] * 8, say(phrases()))
    for _ in range(2):
        with pytest.raises(Unavailable):
            say_it(engine)
    assert len(say_it(engine).phrases) == 1
    engine.close()
    assert ledger.circuits == [True, False]


def test_many_at_once(engine, script, say) -> None:
    script.then(say(phrases(), size=4))
    results: list[PhrasesResult] = []
    threads = [threading.Thread(target=lambda: results.append(say_it(engine))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 12
    assert len({result.phrases for result in results}) == 1


@pytest.mark.parametrize("status", [200, 403, 404, 500])
def test_looking_costs_nothing_and_only_a_refused_key_stops(engine, script, status: int) -> None:
    script.models = lambda handler, _: handler.whole(status, {"object": "list", "data": []})
    engine.look()
    script.models = lambda handler, _: handler.whole(401, {"error": {"message": KEY}})
    with pytest.raises(ModelUnusable, match="OPENAI_API_KEY"):
        engine.look()
    assert script.asked == []
