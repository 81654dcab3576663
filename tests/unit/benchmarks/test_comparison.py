"""Comparing whole sets of pictures, and the command that does it."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make setup-measure")

from measures.comparison import Comparison  # noqa: E402
from measures.mobilenet import MobileNetV2, WeightsMissing, installed_weights  # noqa: E402
from postcards_image.engines.ddpm.engine import DEFAULT_GUIDANCE  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]


def discs(count: int, seed: int, colour: tuple[int, int, int], side: int = 48) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        picture = random.integers(0, 60, (side, side, 3), dtype=np.uint8)
        middle = tuple(int(place) for place in random.integers(side // 3, side - side // 3, 2))
        cv2.circle(picture, middle, side // 4, colour, -1)
        pictures.append(picture)
    return pictures


@pytest.fixture(scope="module")
def network() -> MobileNetV2:
    torch.manual_seed(0)
    return MobileNetV2().eval()


def test_more_of_the_same_is_nearer_than_something_else(network: MobileNetV2):
    compare = Comparison(network, discs(12, 0, (200, 30, 30)), resolution=16, count=10)
    same, other = compare.row(discs(10, 1, (200, 30, 30))), compare.row(discs(10, 1, (20, 220, 90)))
    assert same.kernel_distance.value < other.kernel_distance.value
    assert same.frechet_distance < other.frechet_distance
    assert (same.pictures, 0 <= same.animal_share <= 1) == (10, True)


def test_sets_of_another_size_have_no_frechet_distance(network: MobileNetV2):
    compare = Comparison(network, discs(6, 0, (200, 30, 30)), resolution=16, count=10)
    assert compare.row(discs(5, 1, (200, 30, 30))).frechet_distance is None


def test_remembered_photographs_are_found_mirrored_ones_too(network: MobileNetV2):
    trained, unseen = discs(8, 0, (200, 30, 30)), discs(8, 1, (200, 30, 30))
    compare = Comparison(network, unseen, resolution=16, count=8)
    memory = compare.memory([trained[5], trained[2][:, ::-1]], trained, unseen)
    assert memory.pairs.indices[0] == 5
    assert memory.pairs.distances[0] == pytest.approx(0, abs=1e-4)
    assert memory.pixels.least == 0
    assert memory.pixels.median == 0
    assert memory.pixels.suspicious == 1
    assert memory.pixels.least_unseen > 1


def has_weights() -> bool:
    try:
        return installed_weights().is_file()
    except WeightsMissing:
        return False


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "benchmarks" / "model_quality.py"
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.skipif(not has_weights(), reason="needs ImageNet's weights: make setup-measure")
def test_the_command_measures_a_model(tmp_path: Path):
    for name, colour in (("okapi", (30, 30, 200)), ("panda", (200, 30, 30))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index, picture in enumerate(discs(14, len(name), colour)):
            cv2.imwrite(str(tmp_path / "photos" / name / f"{index}.png"), picture)
    out = tmp_path / "quality"
    done = run(
        *("--model", "tests/models/tiny.onnx", "--data", str(tmp_path / "photos"), "--held-out", "0.4"),
        *("--samples", "8", "--steps", "4", "--drawings", "0", "--threads", "1", "--out", str(out)),
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads((out / "quality.json").read_text())
    rows = figures["distances"]["16"]
    own = [f"model, guidance {guidance:g}" for guidance in (1, DEFAULT_GUIDANCE)]
    assert list(rows) == [*own, "other photographs", "mean of each class", "noise"]
    assert rows["other photographs"]["kernel_distance"]["value"] < rows["noise"]["kernel_distance"]["value"]
    assert figures["photographs"]["classes"] == 2
    assert cv2.imread(str(out / "nearest.png")) is not None
    assert all(name in done.stdout for name in rows)


@pytest.mark.skipif(not has_weights(), reason="needs ImageNet's weights: make setup-measure")
def test_a_fault_is_one_line(tmp_path: Path):
    done = run("--model", "tests/models/tiny.onnx", "--data", str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("benchmarks/model_quality.py: ")
    assert "Traceback" not in done.stderr
