"""Where a command keeps things, and which paths URLs name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postcards.composer.v1 import composer_pb2 as pb

from postcards_cli.shell.options import place
from postcards_cli.shell.session import plan
from postcards_client.downloads import DownloadFailed, download
from postcards_client.locations import local_path


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


@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(lambda n: n != "..")
)
def test_file_urls_name_their_paths(name):
    path = Path("/folder") / name
    assert local_path(path.as_uri()) == path


@pytest.mark.parametrize("url", ["", "s3://b/k", "https://h/p", "file://elsewhere/p", "relative"])
def test_other_urls_are_no_paths(url):
    assert local_path(url) is None


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "C:x", "a\0b"])
async def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    postcard = pb.Postcard(id="a" * 26, files=[pb.File(name=name, url="file:///etc/hostname")])
    with pytest.raises(DownloadFailed, match="unsafe"):
        await download(postcard, tmp_path)
    with pytest.raises(DownloadFailed, match="unsafe"):
        await download(pb.Postcard(id=name), tmp_path)


@pytest.mark.parametrize("url", ["", "ftp://h/p", "data:,x", "s3://b/k"])
async def test_files_without_a_readable_url_are_refused(tmp_path, url):
    with pytest.raises(DownloadFailed, match="no URL"):
        await download(pb.Postcard(id="a" * 26, files=[pb.File(name="card.html", url=url)]), tmp_path)


async def test_a_file_that_is_gone(tmp_path):
    url = (tmp_path / "gone").as_uri()
    with pytest.raises(DownloadFailed, match="cannot be read"):
        await download(pb.Postcard(id="a" * 26, files=[pb.File(name="card.html", url=url)]), tmp_path)
