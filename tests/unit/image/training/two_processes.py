"""Trains three steps in each process and writes down what became of the weights.

Run by `accelerate launch`, see `test_training_run`.
"""

import os
import sys
from pathlib import Path

import numpy as np

from postcards_image.training.data.photos import Photos
from postcards_image.training.loop.events import Ended, Stepped
from postcards_image.training.loop.trainer import train
from postcards_image.training.recipe import Recipe

RECIPE = Recipe(
    resolution=16,
    patch_size=2,
    channels=(16, 16),
    attention=(1,),
    batch_size=4,
    warm_up=0,
    epochs=0.6,
    precision="fp32",
)


def main(folder: Path) -> None:
    photos = Photos(
        np.random.default_rng(0).integers(0, 255, (40, 20, 20, 3), dtype=np.uint8), np.zeros(40, int), ("a",)
    )
    events = list(train(photos, RECIPE, folder, name="t"))
    ended = events[-1]
    assert isinstance(ended, Ended)
    steps = [event for event in events if isinstance(event, Stepped)]
    total = sum(float(tensor.double().abs().sum()) for tensor in ended.averaged.network.state_dict().values())
    told = f"{len(steps)} {steps[-1].position.samples} {total:.9f}"
    (folder / f"process-{os.environ['RANK']}.txt").write_text(told)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
