"""OpenTelemetry stands behind three doors, and what starts without an endpoint never opens them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("libs", "services") for path in (ROOT / folder).glob("*/src/**/*.py"))
DOORS = {
    "libs/serving/src/postcards_serving/telemetry/otel.py",
    "libs/client/src/postcards_client/tracing.py",
    "libs/cli/src/postcards_cli/tracing.py",
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_three_modules_know_opentelemetry():
    assert SOURCES
    users = {path for path in SOURCES if any(name.split(".")[0] == "opentelemetry" for name in imported(path))}
    assert {str(path.relative_to(ROOT)) for path in users} == DOORS


def test_one_place_opens_the_door_of_the_services():
    openers = {path for path in SOURCES if "postcards_serving.telemetry.otel" in imported(path)}
    assert {path.name for path in openers} == {"tracing.py"}


@pytest.mark.parametrize(
    "module", ["postcards_composer.__main__", "postcards_image.__main__", "postcards_client.client"]
)
def test_starting_brings_nothing_of_it(module):
    code = f"import {module}, sys; print(*sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
