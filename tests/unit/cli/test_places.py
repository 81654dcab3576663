"""Where a command keeps things."""

from pathlib import Path

import pytest

from postcards_cli.shell.options import place
from postcards_cli.shell.session import plan


@pytest.fixture(autouse=True)
def no_setting(monkeypatch, tmp_path):
    monkeypatch.delenv("POSTCARDS_STORE_URL", raising=False)
    monkeypatch.chdir(tmp_path)


def started(out: str = "", **options):
    return plan(place("", True, options.get("port_base"), out))


def test_without_a_word_everything_is_in_out(tmp_path):
    assert started().folder == tmp_path / "out"
    assert started().store_url == (tmp_path / "out").as_uri()
    assert started().log("image") == tmp_path / "out" / "logs" / "image.log"


def test_the_folder_that_was_named(tmp_path):
    assert started("a b").store_url == f"file://{tmp_path}/a%20b"


def test_a_folder_store_of_the_settings(monkeypatch):
    monkeypatch.setenv("POSTCARDS_STORE_URL", "file:///srv/cards")
    assert started().store_url == "file:///srv/cards"
    assert started().folder == Path("/srv/cards")
    assert started("/mine").store_url == "file:///mine"


def test_an_object_store_of_the_settings_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("POSTCARDS_STORE_URL", "s3://jungle")
    assert started().store_url == "s3://jungle"
    assert started().folder == tmp_path / "out"
    assert started("/mine").store_url == "s3://jungle"
    assert started("/mine").folder == Path("/mine")
