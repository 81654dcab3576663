"""What the engine openai finds out of a server: parameters, roles and forms of answers that it does not take."""

import json
import threading

import pytest

from postcards_language.engine import PhrasesResult
from postcards_language.engines.openai.api import client
from postcards_serving.errors import ModelUnusable, ServiceError
from postcards_species.species import derive_species

SPECIES = derive_species(7)


def settings_of(result: PhrasesResult) -> dict[str, object]:
    return {name: json.loads(value) for name, value in result.provenance.settings.items()}


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
    engine, script, fail, say, unless, say_it, phrases, taken: str, no: dict[str, str], left_out: str, noted: str
) -> None:
    script.then(unless(lambda body: taken in body, fail(400, **no), say(phrases())))
    notes = say_it(engine).provenance.notes
    assert any(noted in note for note in notes)
    calls = len(script.asked)
    assert left_out not in script.asked[-1]
    say_it(engine)
    assert len(script.asked) == calls + 1
    assert left_out not in script.asked[-1]


def test_the_manifest_says_what_was_really_sent(engine, script, say, say_it, phrases) -> None:
    script.then(say(phrases()))
    sent = settings_of(say_it(engine))
    (asked,) = script.asked
    assert (sent["temperature"], sent["top_p"], sent["api_seed"]) == (1.5, 0.2, asked["seed"])
    assert (sent["reasoning_effort"], sent["role"], sent["response_format"]) == (None, "developer", "json_schema")


def test_the_manifest_holds_nothing_that_the_server_did_not_take(
    engine_for, script, fail, say, say_it, phrases
) -> None:
    engine = engine_for(reasoning_effort="low")
    for name in ("temperature", "top_p", "seed", "reasoning_effort"):
        script.then(fail(400, "unsupported_parameter", param=name))
    script.then(say(phrases()))
    sent = settings_of(say_it(engine, temperature=0.5))
    engine.close()
    dropped = ("temperature", "top_p", "api_seed", "reasoning_effort")
    assert [sent[name] for name in dropped] == [None] * 4
    # The seed of the request is the species' own, too.
    assert sent["seed"] == 3


@pytest.mark.parametrize("status", [400, 500])
def test_developer_gives_way_to_system(engine, script, fail, say, unless, say_it, phrases, status: int) -> None:
    no = fail(status, message="Unexpected message role.")
    script.then(unless(lambda body: body["messages"][0]["role"] == "developer", no, say(phrases())))
    result = say_it(engine)
    assert [asked["messages"][0]["role"] for asked in script.asked] == ["developer", "system"]
    assert any("the role developer" in note and "system" in note for note in result.provenance.notes)
    assert result.provenance.settings["role"] == '"system"'


def test_a_server_that_knows_no_system_either_is_told_as_user(
    engine, script, fail, say, unless, say_it, phrases
) -> None:
    no = fail(400, message="System role not supported")
    script.then(unless(lambda body: body["messages"][0]["role"] != "user", no, say(phrases())))
    say_it(engine)
    (only,) = script.asked[-1]["messages"]
    assert only["content"].startswith("Generate an alien")
    assert SPECIES.name in only["content"]


def test_the_form_of_answers_gives_way_step_by_step(engine, script, fail, say, unless, say_it, phrases) -> None:
    no = fail(400, message="response_format is not supported")
    script.then(
        unless(lambda body: "response_format" in body, no, say(f"Here:\n```json\n{json.dumps(phrases())}\n```"))
    )
    result = say_it(engine)
    forms = [asked.get("response_format", {}).get("type") for asked in script.asked]
    assert forms == ["json_schema", "json_object", None]
    assert [word.gloss for word in result.phrases[0].words] == ["hunter", "come"]


def test_a_request_that_stays_wrong_ends(engine, script, fail, say_it) -> None:
    script.then(fail(400, message="no"))
    with pytest.raises(ServiceError) as caught:
        say_it(engine)
    assert caught.value.reason == "API_REJECTED"
    assert len(script.asked) < 14


@pytest.mark.parametrize("status", [200, 403, 404, 500])
def test_looking_costs_nothing_and_only_a_refused_key_stops(engine, script, api_key, status: int) -> None:
    script.models = lambda handler, _: handler.whole(status, {"object": "list", "data": []})
    engine.look()
    script.models = lambda handler, _: handler.whole(401, {"error": {"message": api_key}})
    with pytest.raises(ModelUnusable, match="OPENAI_API_KEY"):
        engine.look()
    assert script.asked == []


def test_a_list_of_models_that_never_ends_is_not_waited_for(engine, script, monkeypatch, caplog) -> None:
    over = threading.Event()

    def dribble(handler, _) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        while not over.wait(0.02):
            handler.wfile.write(b" ")

    monkeypatch.setattr(client, "_PROBE_SECONDS", 0.5)
    script.models = dribble
    engine.look()
    over.set()
    assert "the language model API fell silent" in caplog.text
