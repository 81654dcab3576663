"""The key of the language engine and the API that it asks."""

import logging
import socket
from collections.abc import Iterator

import pytest

from chat_server import Answer, Script, serving
from postcards_cli.doctor import language, language_api
from postcards_cli.doctor.finding import Level
from postcards_language.settings import LanguageSettings

OPENAI = {"POSTCARDS_LANGUAGE_ENGINE": "openai"}
KEY = "sk-" + "k" * 40


@pytest.fixture(autouse=True)
def nobody_elses_api(monkeypatch) -> None:
    """No test asks the real one, and none waits long."""
    monkeypatch.setattr(language_api, "OFFICIAL_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(language_api, "_WITHIN", 2.0)


@pytest.fixture
def script() -> Iterator[Script]:
    with serving() as script:
        yield script


def status(code: int, body: object = None) -> Answer:
    return lambda handler, _: handler.whole(code, body or {"error": {"message": f"Incorrect API key: {KEY}"}})


async def checks(**settings):
    return {finding.check: finding for finding in await language.look(settings)}


async def test_the_embedded_engine():
    (finding,) = (await checks()).values()
    assert finding.level is Level.OK


def test_the_model_that_is_looked_for_is_the_one_that_would_be_asked():
    assert LanguageSettings.model_fields["language_model"].default == language.DEFAULT_MODEL


async def test_an_engine_that_does_not_exist():
    (finding,) = (await checks(POSTCARDS_LANGUAGE_ENGINE="parrot")).values()
    assert finding.level is Level.MISSING


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({}, Level.MISSING, "no key"),
        ({"OPENAI_API_KEY": KEY}, Level.OK, "from OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": f'"{KEY}"'}, Level.MISSING, "quotes"),
        ({"OPENAI_API_KEY": f"{KEY}\n{KEY}"}, Level.MISSING, "spaces"),
        ({"OPENAI_API_KEY_FILE": "/no/such/file"}, Level.MISSING, "cannot read /no/such/file"),
    ],
)
async def test_the_key_is_looked_at_and_never_shown(settings, level, words):
    found = await checks(**OPENAI, **settings)
    assert found["key"].level is level
    assert words in found["key"].found
    assert KEY not in repr(found)


async def test_a_key_in_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert (await checks(**OPENAI, OPENAI_API_KEY_FILE=str(file)))["key"].found == "from OPENAI_API_KEY_FILE"
    file.write_text("\n")
    assert "is empty" in (await checks(**OPENAI, OPENAI_API_KEY_FILE=str(file)))["key"].found


async def test_a_silent_server_of_ones_own(monkeypatch):
    monkeypatch.setattr(language_api, "_WITHIN", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://user:{KEY}@127.0.0.1:{server.getsockname()[1]}/v1?key={KEY}"
        found = await checks(**OPENAI, OPENAI_BASE_URL=url)
    assert found["key"].level is Level.OK
    assert found["API"].found == f"a server listens at http://127.0.0.1:{server_port(found)}/v1"
    assert KEY not in repr(found)
    found = await checks(**OPENAI, OPENAI_BASE_URL=url)
    assert found["API"].level is Level.MISSING
    assert KEY not in repr(found)


def server_port(found):
    return found["API"].found.rsplit(":", 1)[1].split("/")[0]


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://host:port/v1", "ftp://host/v1"])
async def test_a_url_that_is_none(url):
    found = await checks(**OPENAI, OPENAI_BASE_URL=url)
    assert found["API"].level is Level.MISSING
    assert "is no address" in found["API"].found


async def test_a_fallback_makes_it_a_warning():
    found = await checks(**OPENAI, POSTCARDS_LANGUAGE_FALLBACK="phonotactic")
    assert found["key"].level is Level.WARNING
    assert "phonotactic makes the phrases" in found["fallback"].found


async def test_an_api_that_cannot_be_reached_is_no_fault_of_the_key():
    found = await checks(**OPENAI, OPENAI_API_KEY=KEY)
    assert found["key"].level is Level.OK
    assert found["API"].level is Level.WARNING
    assert "cannot be reached" in found["API"].found


async def test_a_key_that_works(script, caplog):
    caplog.set_level(logging.DEBUG)
    found = await checks(**OPENAI, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=script.url, POSTCARDS_LANGUAGE_MODEL="m")
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert "takes the key and has the model m" in found["API"].found
    (looked,) = script.looked
    assert {name.lower(): value for name, value in looked.items()}["authorization"] == f"Bearer {KEY}"
    assert script.asked == []
    assert KEY not in repr(found) + caplog.text


@pytest.mark.parametrize(
    ("own", "advice"), [(False, "platform.openai.com/api-keys"), (True, "mend OPENAI_BASE_URL")], ids=["openai", "own"]
)
async def test_a_dead_key_is_missing_and_how_to_get_one(script, monkeypatch, caplog, tmp_path, own, advice):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(language_api, "OFFICIAL_URL", script.url)
    (tmp_path / "key").write_text(KEY)
    script.models = status(401)
    base = {"OPENAI_BASE_URL": script.url} if own else {}
    found = await checks(**OPENAI, **base, OPENAI_API_KEY_FILE=str(tmp_path / "key"))
    assert found["API"].level is Level.MISSING
    assert "refused the key from OPENAI_API_KEY_FILE" in found["API"].found
    assert advice in found["API"].advice
    assert KEY not in repr(found) + caplog.text


async def test_a_server_that_wants_a_key(script):
    script.models = status(401)
    found = await checks(**OPENAI, OPENAI_BASE_URL=script.url)
    assert found["API"].level is Level.MISSING
    assert "wants a key" in found["API"].found
    assert "authorization" not in {name.lower() for name in script.looked[0]}


async def test_a_model_that_is_not_listed(script):
    found = await checks(**OPENAI, OPENAI_BASE_URL=script.url, POSTCARDS_LANGUAGE_MODEL="gpt-99")
    assert found["API"].level is Level.WARNING
    assert "does not list the model gpt-99" in found["API"].found
    assert found["API"].advice == "set POSTCARDS_LANGUAGE_MODEL to m"
    named = [{"id": name} for name in ("\x1b[2J", "b")]
    script.models = status(200, {"data": named})
    found = await checks(**OPENAI, OPENAI_BASE_URL=script.url)
    assert found["API"].advice == "set POSTCARDS_LANGUAGE_MODEL to one that it lists"
    assert f"the model {LanguageSettings.model_fields['language_model'].default}" in found["API"].found


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        (status(403), Level.WARNING),
        (status(503), Level.WARNING),
        (status(404), Level.OK),
        (status(200, b"<html>"), Level.OK),
        (status(200, {"data": 7}), Level.OK),
        (status(200, {"data": [7]}), Level.OK),
        (status(200, {"data": []}), Level.OK),
    ],
)
async def test_a_server_that_lists_nothing(script, answer, level):
    script.models = answer
    found = await checks(**OPENAI, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=script.url)
    assert found["API"].level is level


async def test_a_dead_key_with_a_fallback_is_a_warning(script):
    script.models = status(401)
    settings = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": script.url, "POSTCARDS_LANGUAGE_FALLBACK": "phonotactic"}
    found = await checks(**OPENAI, **settings)
    assert found["API"].level is Level.WARNING
    assert "fallback" in found
