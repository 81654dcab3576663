"""Whose pictures a run learns from is said once and kept."""

import pytest

from postcards_image.training.data.credit import FILE, Credit, keep, kept


def test_what_was_said_when_the_run_began_stays(tmp_path):
    keep(tmp_path, Credit("CC0-1.0", "Pictures by Zoë"))
    assert kept(tmp_path, Credit()) == Credit("CC0-1.0", "Pictures by Zoë")
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_what_is_said_now_comes_first(tmp_path):
    keep(tmp_path, Credit("CC0-1.0", "Ada"))
    assert kept(tmp_path, Credit("MIT")) == Credit("MIT", "Ada")


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff", b'{"licence": null}', b'{"other": 1}'])
def test_a_run_that_kept_nothing_has_said_nothing(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    assert kept(tmp_path, Credit("", "Ada")) == Credit("", "Ada")
