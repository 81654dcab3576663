"""The protos: commented to the last field, and their generated code as committed."""

import filecmp
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proto_rules import descriptor, stated_rules

ROOT = Path(__file__).resolve().parents[2]
PROTOS = sorted((ROOT / "protos" / "postcards").rglob("*.proto"))
STUBS = ROOT / "libs" / "stubs" / "src"
BUF = shutil.which("buf", path=str(Path(sys.executable).parent))

_DECLARATION = re.compile(
    r"^\s*(?:message|enum|service|rpc|oneof)\s+(\w+)|^\s*(?:[\w.<>, ]+\s)?(\w+)\s*=\s*\d+\s*[;\[]"
)


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
        "// A.\nmessage A {\n  // B.\n  string b = 1;\n  map<string, string> c = 2 [\n    x = 1\n  ];\n"
        "  repeated x.y.D d = 3 [deprecated = true];\n}\n"
    )
    assert declarations(proto) == [("A", True), ("b", True), ("c", False), ("d", False)]


def test_every_real_number_says_its_range_or_unit():
    silent = [
        f"{path.name}: {name}"
        for path in PROTOS
        for message, name, comment in _real_numbers(path)
        if not (_has_range(message, name) or re.search(r"seconds|LUFS|by unit", comment))
    ]
    assert not silent


def _real_numbers(path: Path) -> list[tuple[str, str, str]]:
    """Message, field and comment of every field of a float type."""
    lines = path.read_text(encoding="utf-8").splitlines()
    package = next(line.split()[1].rstrip(";") for line in lines if line.startswith("package "))
    message, found = "", []
    for number, line in enumerate(lines):
        if declared := re.match(r"message (\w+) \{", line):
            message = f"{package}.{declared[1]}"
        elif match := re.match(r"^\s*(?:optional |repeated )?(?:float|double)\s+(\w+)\s*= \d+", line):
            found.append((message, match[1], _comment_above(lines, number)))
    return found


def _comment_above(lines: list[str], number: int) -> str:
    comment = []
    while number > 0 and lines[number - 1].lstrip().startswith("//"):
        number -= 1
        comment.insert(0, lines[number].strip().removeprefix("//"))
    return " ".join(comment)


def _has_range(message: str, name: str) -> bool:
    rules = stated_rules(descriptor(message).fields_by_name[name])
    stated = rules.repeated.items if rules.WhichOneof("type") == "repeated" else rules
    bounds = {bound.name for bound, _ in getattr(stated, stated.WhichOneof("type") or "double").ListFields()}
    return bool(bounds & {"gte", "gt"} and bounds & {"lte", "lt"})


def test_the_committed_stubs_are_those_of_the_protos(tmp_path):
    subprocess.run([ROOT / "scripts" / "generate_stubs.sh", tmp_path], cwd=ROOT, check=True, capture_output=True)
    fresh = {path.relative_to(tmp_path) for path in tmp_path.rglob("*_pb2*.py*")}
    committed = {path.relative_to(STUBS) for path in STUBS.rglob("*_pb2*.py*") if "__pycache__" not in path.parts}
    assert fresh == committed, "run `make protos`"
    changed = [str(name) for name in sorted(fresh) if not filecmp.cmp(tmp_path / name, STUBS / name, shallow=False)]
    assert not changed, "run `make protos`"


def test_the_stubs_need_no_rules_to_be_imported_and_say_them_in_words():
    generated = [path for path in sorted(STUBS.rglob("*_pb2*.py*")) if path.suffix != ".pyc"]
    assert not [path.name for path in generated if re.search(r"buf[./]validate", path.read_text(encoding="utf-8"))]
    words = (STUBS / "postcards/image/v1/image_pb2.pyi").read_text(encoding="utf-8")
    assert "Width in pixels, a multiple of 8. Range: 64 to 2048. Default: the engine's own" in words
    assert "Each: at most 96 characters." in words


@pytest.mark.skipif(BUF is None, reason="needs buf: pip install buf-bin")
def test_buf_finds_nothing_to_complain_about():
    done = subprocess.run([BUF, "lint"], cwd=ROOT / "protos", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
