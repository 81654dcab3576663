"""One version, told by the file VERSION: every place that repeats it agrees, and a new version reaches them all."""

import re
import shutil
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

import set_version
from changelog_section import section

ROOT = Path(__file__).parents[2]
VERSION = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
OF_OTHERS = re.compile(r"requirements/|tests/|deploy/prometheus/tests/|VERSION$|CHANGELOG\.md$|.*package-lock\.json$")
"""Files that hold versions of other packages, or ones that were recorded or made up."""
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A call.\n\n## [0.1.0] - 2026-01-02\n\n- A card.\n"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The files that repeat the version, alone."""
    for path in {path for path, _ in set_version.versions(ROOT)} | {ROOT / "CHANGELOG.md"}:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def test_every_place_says_the_same_version() -> None:
    assert re.fullmatch(set_version.FORM, VERSION)
    assert {version for _, version in set_version.versions(ROOT)} == {VERSION}


@pytest.mark.parametrize("glob", [glob for glob, _ in set_version.PLACES])
def test_no_listed_place_is_gone(glob: str) -> None:
    assert {path for path, _ in set_version.versions(ROOT)} & set(ROOT.glob(glob))


def test_no_place_is_left_out() -> None:
    command = ["git", "grep", "--untracked", "-I", "-F", "--name-only", "-z", VERSION]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a checkout")
    said = re.compile(rf"(?<![\d.]){re.escape(VERSION)}(?![\d.])")
    names = [name for name in listing.stdout.split("\0") if name and not OF_OTHERS.match(name)]
    texts = {ROOT / name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    found = {path: len(said.findall(text)) for path, text in texts.items() if said.search(text)}
    assert found == Counter(path for path, _ in set_version.versions(ROOT))


def test_a_new_version_reaches_every_place(copied: Path) -> None:
    before = list(set_version.versions(copied))
    set_version.write(copied, "12.3.0rc1", date(2026, 3, 4))
    assert (copied / "VERSION").read_text(encoding="utf-8") == "12.3.0rc1\n"
    assert list(set_version.versions(copied)) == [(path, "12.3.0rc1") for path, _ in before]
    assert not [path for path, _ in before if f":{VERSION}" in path.read_text(encoding="utf-8")]
    set_version.write(copied, VERSION, date(2026, 3, 4))
    for path, _ in before:
        assert path.read_bytes() == (ROOT / path.relative_to(copied)).read_bytes()


def test_a_release_takes_what_was_unreleased() -> None:
    changelog = set_version.released(CHANGELOG, "0.2.0", date(2026, 3, 4))
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-03-04\n\n### Added\n\n- A call.\n\n## [0.1.0]" in changelog
    assert section(changelog, "0.2.0") == "### Added\n\n- A call."
    assert section(changelog, "0.1.0") == "- A card."
    assert set_version.released(changelog, "0.2.0", date(2027, 1, 1)) == changelog


@pytest.mark.parametrize("version", ["0.3.0", "0.1", "Unreleased"])
def test_a_version_of_which_nothing_is_said_has_no_section(version: str) -> None:
    with pytest.raises(LookupError, match="says nothing of"):
        section(set_version.released(CHANGELOG, "0.2.0", date(2026, 3, 4)), version)
