"""The protos: commented to the last field, and their generated code as committed."""

import filecmp
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROTOS = sorted((ROOT / "protos").rglob("*.proto"))
STUBS = ROOT / "libs" / "stubs" / "src"
BUF = shutil.which("buf", path=str(Path(sys.executable).parent))

_DECLARATION = re.compile(r"^\s*(?:message|enum|service|rpc|oneof)\s+(\w+)|^\s*(?:[\w.<>, ]+\s)?(\w+)\s*=\s*\d+\s*;")


def declarations(path: Path) -> list[tuple[str, bool]]:
    """Names of everything declared in a proto, and whether a comment stands right above it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        match = _DECLARATION.match(line)
        if match:
            found.append((match[1] or match[2], number > 0 and lines[number - 1].lstrip().startswith("//")))
    return found


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.name)
def test_everything_declared_is_commented(path):
    found = declarations(path)
    assert found
    assert not [name for name, commented in found if not commented]


def test_the_check_of_comments_sees_what_is_missing(tmp_path):
    proto = tmp_path / "x.proto"
    proto.write_text(
        "// A.\nmessage A {\n  // B.\n  string b = 1;\n  map<string, string> c = 2;\n  repeated x.y.D d = 3;\n}\n"
    )
    assert declarations(proto) == [("A", True), ("b", True), ("c", False), ("d", False)]


def test_every_real_number_says_its_range_or_unit():
    silent = []
    for path in PROTOS:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            match = re.match(r"^\s*(?:optional |repeated )?(float|double)\s+(\w+)\s*=", line)
            if match and not re.search(r"\d[^.]* to \d|seconds|LUFS", _comment_above(lines, number)):
                silent.append(f"{path.name}: {match[2]}")
    assert not silent


def _comment_above(lines: list[str], number: int) -> str:
    comment = []
    while number > 0 and lines[number - 1].lstrip().startswith("//"):
        number -= 1
        comment.insert(0, lines[number].strip().removeprefix("//"))
    return " ".join(comment)


def test_the_committed_stubs_are_those_of_the_protos(tmp_path):
    subprocess.run([ROOT / "scripts" / "generate_stubs.sh", tmp_path], cwd=ROOT, check=True, capture_output=True)
    fresh = {path.relative_to(tmp_path) for path in tmp_path.rglob("*_pb2*.py*")}
    committed = {path.relative_to(STUBS) for path in STUBS.rglob("*_pb2*.py*") if "__pycache__" not in path.parts}
    assert fresh == committed, "run `make protos`"
    changed = [str(name) for name in sorted(fresh) if not filecmp.cmp(tmp_path / name, STUBS / name, shallow=False)]
    assert not changed, "run `make protos`"


@pytest.mark.skipif(BUF is None, reason="needs buf: pip install buf-bin")
def test_buf_finds_nothing_to_complain_about():
    done = subprocess.run([BUF, "lint"], cwd=ROOT / "protos", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
