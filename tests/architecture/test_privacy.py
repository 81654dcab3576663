"""Nothing reports to anyone what runs here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_runtime_of_models_keeps_no_identity_of_the_machine(tmp_path: Path):
    """Where ONNX Runtime may report, its import alone leaves an identifier of the machine and a queue of reports."""
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    code = "import postcards_image, onnxruntime"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("variable", ["ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"])
def test_it_cannot_be_turned_on_by_accident(variable: str):
    code = f"import os, postcards_image; print(os.environ[{variable!r}])"
    environment = os.environ | {variable: "0"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "1"


def test_no_one_else_runs_models():
    """The image package says no before the runtime starts; another package would have to do so too."""
    starts = re.compile(r"""\b(import|import_module\(["'])\s*onnxruntime""")
    users = [path for path in ROOT.glob("*/*/src/**/*.py") if starts.search(path.read_text(encoding="utf-8"))]
    assert users
    assert all("postcards_image" in path.parts for path in users)
