"""Gives the whole repository one version: set_version.py 0.2.0

The file VERSION is where it comes from. A package that is built alone and a manifest cannot read that file, so they
repeat it, and this writes it into each. What the changelog holds under "Unreleased" becomes the section of the version.
tests/deploy/test_version.py finds a place that disagrees or that is not listed here.
"""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORM = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?"
"""A version that both Python's packages and tags of images can have."""
PLACES = (
    ("libs/*/pyproject.toml", r'^version = "<>(?="$)'),
    ("services/*/pyproject.toml", r'^version = "<>(?="$)'),
    ("CITATION.cff", r"^version: <>$"),
    ("Dockerfile", r"^ARG VERSION=<>$"),
    ("docker-compose.yml", r"POSTCARDS_VERSION:-<>(?=})"),
    ("deploy/compose/*.yml", r"POSTCARDS_VERSION:-<>(?=})"),
    ("deploy/e2e/compose.yml", r"POSTCARDS_VERSION:-<>(?=})"),
    (".env.example", r"^#POSTCARDS_VERSION=<>$"),
    ("deploy/kubernetes/*/*.yaml", r" image: postcards/\w+:<>\b"),
    ("deploy/kubernetes/*/*/*.yaml", r" image: postcards/\w+:<>\b"),
    ("docs/how-to/*.md", r" postcards/\S+:<>\b"),
)
"""Globs of files, and where in them the version stands: at <>, between what is around it."""


def versions(root: Path) -> Iterator[tuple[Path, str]]:
    """Each place that repeats the version: its file, and what it says."""
    for glob, pattern in PLACES:
        for path in sorted(root.glob(glob)):
            for found in _compiled(pattern).finditer(path.read_text(encoding="utf-8")):
                yield path, found["version"]


def write(root: Path, version: str, today: date) -> None:
    """Writes the version everywhere below `root`, and begins its section in the changelog."""
    (root / "VERSION").write_text(f"{version}\n", encoding="utf-8")
    for glob, pattern in PLACES:
        for path in root.glob(glob):
            text = path.read_text(encoding="utf-8")
            path.write_text(_compiled(pattern).sub(rf"\g<before>{version}", text), encoding="utf-8")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(released(text, version, today), encoding="utf-8")


def released(changelog: str, version: str, today: date) -> str:
    """The changelog with what was unreleased as the section of the version, unless it has that section already."""
    if f"\n## [{version}]" in changelog:
        return changelog
    return changelog.replace("## [Unreleased]\n", f"## [Unreleased]\n\n## [{version}] - {today.isoformat()}\n", 1)


def _compiled(pattern: str) -> re.Pattern[str]:
    before, _, after = pattern.partition("<>")
    return re.compile(rf"(?P<before>{before})(?P<version>{FORM}){after}", re.MULTILINE)


def main() -> None:
    """Writes the version that the command line names."""
    if len(sys.argv) != 2 or not re.fullmatch(FORM, sys.argv[1]):
        sys.exit("set_version: say which, e.g. set_version.py 0.2.0 (or 0.2.0rc1)")
    write(ROOT, sys.argv[1], datetime.now(UTC).date())


if __name__ == "__main__":
    main()
