"""Which paths and servers URLs name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_client.locations import is_web_url, local_path


@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(lambda n: n != "..")
)
def test_file_urls_name_their_paths(name):
    path = Path("/folder") / name
    assert local_path(path.as_uri()) == path


@pytest.mark.parametrize("url", ["", "s3://b/k", "https://h/p", "file://elsewhere/p", "relative", "http://[::1"])
def test_other_urls_are_no_paths(url):
    assert local_path(url) is None


@pytest.mark.parametrize(("url", "answer"), [("https://h/p", True), ("http://h:1", True), ("http:///p", False)])
def test_what_is_on_the_web(url, answer):
    assert is_web_url(url) is answer
    assert not is_web_url("http://[::1")
