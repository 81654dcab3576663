"""The key of the language engine and the API that it asks."""

import socket

import pytest

from postcards_client.doctor import language
from postcards_client.doctor.finding import Level

OPENAI = {"POSTCARDS_LANGUAGE_ENGINE": "openai"}
KEY = "sk-" + "k" * 40


async def checks(**settings):
    return {finding.check: finding for finding in await language.look(settings)}


async def test_the_embedded_engine():
    (finding,) = (await checks()).values()
    assert finding.level is Level.OK


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


async def test_a_server_of_ones_own():
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
