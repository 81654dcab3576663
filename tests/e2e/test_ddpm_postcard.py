"""A postcard whose picture a trained model draws: the command, the four services, the store."""

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from free_ports import free_port_base

COMMAND = str(Path(sys.executable).with_name("postcards"))
TINY = Path(__file__).parents[1] / "models" / "tiny.onnx"
LIMIT = 180.0


def create(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`postcards create --start --json` with settings of the services."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("POSTCARDS_")}
    small = ("--width", "256", "--height", "256", "--seconds", "1", "--port-base", str(free_port_base()))
    return subprocess.run(
        [COMMAND, "create", "--start", "--json", "--out", str(folder), *small, *arguments],
        env=clean | settings,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_a_model_draws_the_picture_of_a_postcard(tmp_path):
    done = create(
        tmp_path,
        "--seed",
        "7",
        POSTCARDS_IMAGE_ENGINE="ddpm",
        POSTCARDS_IMAGE_MODEL=str(TINY),
        POSTCARDS_IMAGE_THREADS="1",
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["state"] == "ACTIVE"
    folder = Path(made["location"])
    folder = folder if folder.is_dir() else folder.parent
    assert size(folder / "image.png") == (256, 256)
    assert size(folder / "raw.png") == (16, 16)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (picture,) = [part for part in manifest["parts"] if part["kind"] == "image"]
    assert picture["provenance"]["engine"] == "ddpm"
    assert picture["provenance"]["model"] == "tiny"
    assert {file["name"] for file in manifest["files"]} >= {"image.png", "raw.png", "preview.webp"}
    assert (folder / "card.html").is_file()
    stages = [line for line in done.stderr.splitlines() if line.startswith("picture: ")]
    assert {"picture: bones", "picture: print"} <= {line.split(",")[0] for line in stages}


def test_a_model_that_is_not_there_is_said_at_the_start(tmp_path):
    done = create(tmp_path, POSTCARDS_IMAGE_ENGINE="ddpm", POSTCARDS_IMAGE_MODEL=str(tmp_path / "gone.onnx"))
    assert done.returncode != 0
    assert "gone.onnx" in done.stderr
