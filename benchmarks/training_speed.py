"""How fast a preset trains, and what share that is of what the machine can multiply.

    python benchmarks/training_speed.py --preset best --seconds 30

The training loop itself runs, on made-up photographs. Its arithmetic is counted from the operations of one forward and
backward pass (matrix products and convolutions, two operations for each product and sum); what the machine can do is
measured in the same run, by multiplying large matrices in the same precision before and after.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

try:
    import torch
except ImportError:
    sys.exit("benchmarks/training_speed.py needs torch: make setup-train")

import numpy as np
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from postcards_image.training.data.batches import Batches
from postcards_image.training.data.photos import Photos, side_for
from postcards_image.training.loop.events import Began, Stepped
from postcards_image.training.loop.trainer import Intervals, train
from postcards_image.training.network.building import build, describe
from postcards_image.training.network.objective import Loss
from postcards_image.training.recipe import PRESETS, Recipe

_SIDES = {"cpu": 2048, "cuda": 8192}
_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
_GEMM_SECONDS = 1.5
_WARM_UP_STEPS = 3


@dataclass(frozen=True)
class Speed:
    """What was measured of one preset."""

    preset: str
    """Its name."""
    device: str
    """Where it ran, "cpu" or "cuda", with its name where it has one."""
    threads: int
    """Threads of the processor that torch used."""
    precision: str
    """Arithmetic of the network, "fp32" or "bf16"."""
    parameters: int
    """Trained numbers."""
    batch_size: int
    """Images of one step."""
    images_per_second: float
    """Images trained on, the making of batches, the optimiser and the averaging of weights included."""
    gflop_per_image: float
    """Operations of forward and backward pass, 10^9."""
    peak_gflops: dict[str, float]
    """What multiplying large matrices reaches by precision, 10^9 operations a second."""

    @property
    def share_of_peak(self) -> float:
        """How much of that peak, in the precision of the network, the training reaches, 0 to 1."""
        return self.images_per_second * self.gflop_per_image / self.peak_gflops[self.precision]


def measure(preset: str, recipe: Recipe, device: str, threads: int | None, seconds: float) -> Speed:
    """Trains for about `seconds` and compares with the machine's peak."""
    if threads:
        torch.set_num_threads(threads)
    photos = made_up(count=256, side=side_for(recipe.resolution), classes=36)
    before = {name: peak_gflops(device, kind) for name, kind in _PRECISIONS.items()}
    began, steps = run(recipe, photos, seconds)
    after = {name: peak_gflops(device, kind) for name, kind in _PRECISIONS.items()}
    first, last = steps[_WARM_UP_STEPS - 1].position, steps[-1].position
    return Speed(
        preset=preset,
        device=f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else "cpu",
        threads=torch.get_num_threads(),
        precision=began.precision,
        parameters=began.parameters,
        batch_size=recipe.batch_size,
        images_per_second=(last.samples - first.samples) / (last.seconds - first.seconds),
        gflop_per_image=gflop_per_image(recipe, photos),
        peak_gflops={name: max(before[name], after[name]) for name in _PRECISIONS},
    )


def run(recipe: Recipe, photos: Photos, seconds: float) -> tuple[Began, list[Stepped]]:
    """What the trainer tells while it trains for `seconds` after its first steps."""
    began, steps = None, []
    with tempfile.TemporaryDirectory() as folder:
        never = Intervals(checkpoint=float("inf"), samples=float("inf"))
        for event in train(photos, recipe, Path(folder), name="speed", intervals=never):
            if isinstance(event, Began):
                began = event
            if isinstance(event, Stepped):
                steps.append(event)
                warm = steps[min(len(steps), _WARM_UP_STEPS) - 1].position.seconds
                if len(steps) > _WARM_UP_STEPS and event.position.seconds - warm >= seconds:
                    break
    assert began is not None  # noqa: S101 - the first event of every run
    return began, steps


def gflop_per_image(recipe: Recipe, photos: Photos) -> float:
    """Operations of a training step for each image, counted on the processor, 10^9."""
    description = describe(recipe, photos.classes, "counted")
    network, loss = build(recipe, description), Loss(recipe, description)
    rows = min(4, recipe.batch_size)
    batch = Batches(photos, replace(recipe, batch_size=rows), description, 0, 1).batch(0)
    pictures, classes = batch.tensors(torch.device("cpu"))
    # Attention in its plain form: the counter does not know the fused one of processors.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss(network, pictures, classes, torch.Generator().manual_seed(0)).backward()
    return counter.get_total_flops() / rows / 1e9


def peak_gflops(device: str, kind: torch.dtype) -> float:
    """The best rate of multiplying square matrices, 10^9 operations a second."""
    side = _SIDES[device]
    factor = torch.randn(side, side, device=device).to(kind)
    best, end = float("inf"), time.monotonic() + _GEMM_SECONDS
    while time.monotonic() < end or best == float("inf"):
        _wait(device)
        begun = time.perf_counter()
        torch.matmul(factor, factor)
        _wait(device)
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best / 1e9


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def made_up(count: int, side: int, classes: int) -> Photos:
    """Photographs of noise."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return Photos(images, np.arange(count) % classes, tuple(f"class {index}" for index in range(classes)))


def table(speeds: list[Speed]) -> str:
    """One line for each preset."""
    head = (
        f"{'preset':<8} {'parameters':>11} {'arithmetic':>10} {'images/s':>9} {'GFLOP/image':>12}"
        f" {'GFLOP/s':>9} {'peak GFLOP/s':>13} {'share':>6}"
    )
    return "\n".join([head, *map(line, speeds)])


def line(speed: Speed) -> str:
    """The figures of one preset."""
    return (
        f"{speed.preset:<8} {speed.parameters / 1e6:>9.1f} M {speed.precision:>10} {speed.images_per_second:>9.1f}"
        f" {speed.gflop_per_image:>12.2f} {speed.images_per_second * speed.gflop_per_image:>9.0f}"
        f" {speed.peak_gflops[speed.precision]:>13.0f} {speed.share_of_peak:>6.0%}"
    )


def in_processes_of_their_own(jobs: list[tuple[str, Recipe, str, int | None, float]]) -> list[Speed]:
    """Measures one after the other; accelerate keeps to one arithmetic for as long as a process lives."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context, max_tasks_per_child=1) as pool:
        return list(pool.map(measure, *zip(*jobs, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=[*PRESETS, "all"], default="all", help="what to train")
    parser.add_argument("--seconds", type=float, default=10, help="how long to train each")
    parser.add_argument("--batch-size", type=int, help="images of one step, instead of the preset's")
    parser.add_argument("--threads", type=int, help="threads of the processor; all cores unless given")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="where to train; a GPU unless given, if there is one")
    parser.add_argument("--out", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args()
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no GPU here")
    if device == "cpu":
        # accelerate, which places the network, takes a GPU where there is one.
        os.environ["ACCELERATE_USE_CPU"] = "true"
    names = list(PRESETS) if options.preset == "all" else [options.preset]
    recipes = [replace(PRESETS[name], minutes=1e4, epochs=None) for name in names]
    if options.batch_size:
        recipes = [replace(recipe, batch_size=options.batch_size) for recipe in recipes]
    jobs = [
        (name, recipe, device, options.threads, options.seconds) for name, recipe in zip(names, recipes, strict=True)
    ]
    speeds = [measure(*jobs[0])] if len(jobs) == 1 else in_processes_of_their_own(jobs)
    print(f"{speeds[0].device}, {speeds[0].threads} threads, torch {torch.__version__}")
    print(table(speeds))
    if options.out:
        figures = [asdict(speed) | {"share_of_peak": speed.share_of_peak} for speed in speeds]
        options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
