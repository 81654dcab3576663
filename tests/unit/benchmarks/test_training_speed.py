"""How fast training is: what is counted, and that the command runs."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch: make setup-train")

import training_speed  # noqa: E402
from postcards_image.training.recipe import Recipe  # noqa: E402
from training_speed import Speed, gflop_per_image, made_up  # noqa: E402

SMALL = Recipe(
    resolution=16, patch_size=2, channels=(32, 32), attention=(), batch_size=4, epochs=1, precision="fp32", dropout=0.0
)


def test_the_count_is_of_one_image_whatever_the_batch():
    photos = made_up(8, 20, 2)
    few, many = (gflop_per_image(replace(SMALL, batch_size=rows), photos) for rows in (1, 4))
    assert few == pytest.approx(many)


def test_the_count_follows_the_number_of_pixels():
    photos = made_up(8, 40, 2)
    small, large = (gflop_per_image(replace(SMALL, resolution=side), photos) for side in (16, 32))
    # Not four times: noise level and class cost the same at any size, attention in the middle more than four times.
    assert 3.9 < large / small < 4.1


def test_attention_counts():
    photos = made_up(8, 20, 2)
    assert gflop_per_image(replace(SMALL, attention=(1,)), photos) > gflop_per_image(SMALL, photos)


def test_the_share_is_of_the_peak_in_the_same_arithmetic():
    speed = Speed("quick", "cpu", 2, "bf16", 1, 64, 100.0, 1.5, {"fp32": 150.0, "bf16": 300.0})
    assert speed.share_of_peak == pytest.approx(0.5)


def test_the_command_trains_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(training_speed, "PRESETS", {"tiny": SMALL})
    monkeypatch.setattr(training_speed, "_GEMM_SECONDS", 0)
    monkeypatch.setitem(training_speed._SIDES, "cpu", 64)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    out = tmp_path / "speed.json"
    monkeypatch.setattr(sys, "argv", ["training_speed.py", "--seconds", "0.01", "--device", "cpu", "--out", str(out)])
    training_speed.main()
    assert "tiny" in capsys.readouterr().out
    (figures,) = json.loads(out.read_text())
    assert figures["images_per_second"] > 0
    assert figures["share_of_peak"] == pytest.approx(
        figures["images_per_second"] * figures["gflop_per_image"] / figures["peak_gflops"]["fp32"]
    )
