"""Every link in every document leads somewhere, and every path that a document names is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
DOCUMENTS = [name for name in TRACKED if name.endswith(".md") and (ROOT / name).is_file()]
PLACES = {*TRACKED, *(str(parent) for name in TRACKED for parent in Path(name).parents)}
OURS = ("libs/", "services/", "docs/", "deploy/", "tests/", "benchmarks/", "protos/", "scripts/", "requirements/")
OF_THE_PAST = ("CHANGELOG.md", "docs/decisions/")
"""What tells of how things were may name what is gone."""


def prose(document: str) -> str:
    """A document without its blocks of code."""
    return re.sub(
        r"^( *)```.*?^\1```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def anchors(document: str) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(document), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = 0
        while (numbered := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(numbered)
    return found


def links(document: str) -> list[tuple[str, str]]:
    """The path and the anchor of every link to a place in this repository."""
    targets = re.findall(r"\]\(<?([^)>\s]+)>?(?: +\"[^\"]*\")?\)", prose(document))
    own = [target for target in targets if not re.match(r"[a-z][a-z+.-]*:", target)]
    return [(path, anchor) for path, _, anchor in (target.partition("#") for target in own)]


def is_made_by_its_user(name: str) -> bool:
    """Whether git is told to leave a place alone: secrets, results."""
    return subprocess.run(["git", "check-ignore", "-q", f"{name}/x"], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document):
    broken = []
    for path, anchor in links(document):
        target = (ROOT / document).parent / path if path else ROOT / document
        name = str(target.resolve().relative_to(ROOT))
        if name not in PLACES and name != ".":
            broken.append(path)
        elif anchor and name.endswith(".md") and anchor not in anchors(name):
            broken.append(f"{path}#{anchor}")
    assert not broken


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if not name.startswith(OF_THE_PAST)])
def test_every_path_that_is_named_is_there(document):
    named = re.findall(r"`([\w./{}*,-]+)`", prose(document))
    plain = [name.rstrip("/") for name in named if name.startswith(OURS) and not re.search(r"[{}*<>]", name)]
    assert not [name for name in plain if name not in PLACES and not is_made_by_its_user(name)]


def test_every_page_is_on_the_map():
    pages = {name for name in DOCUMENTS if re.match(r"docs/(tutorial|how-to|reference|explanation)/", name)}
    mapped = {str(((ROOT / "docs") / path).resolve().relative_to(ROOT)) for path, _ in links("docs/README.md")}
    assert pages <= mapped


def test_a_heading_has_the_anchor_that_github_gives_it(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "a.md").write_text("# Two commands, `make` it!\n## Two\n## Two\n### [A link](b.md) to\n")
    assert anchors("a.md") == {"two-commands-make-it", "two", "two-1", "a-link-to"}
