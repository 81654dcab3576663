"""Smooth random fields, the same at every size of the picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.scenery.filters import smoothed_up

Field = NDArray[np.float32]


def generator(seed: int, name: str) -> np.random.Generator:
    """A random generator of its own for each purpose."""
    return np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, *name.encode()])


def clouds(
    rng: np.random.Generator,
    width: int,
    height: int,
    cells: float,
    octaves: int = 4,
    stretch: float = 1.0,
    persistence: float = 0.5,
) -> Field:
    """Fractal value noise of shape (height, width) in about 0 to 1.

    `cells` counts the coarsest cells across the shorter side; `stretch` above 1 draws them out sideways. The same
    generator state gives the same field at any size of the same shape.
    """
    total = np.zeros((height, width), np.float32)
    unit = min(width, height)
    weight, weights = 1.0, 0.0
    for _ in range(octaves):
        columns = max(2, round(cells * width / unit / stretch)) + 3
        rows = max(2, round(cells * height / unit)) + 3
        grid = rng.random((rows, columns), dtype=np.float32)
        if columns < width * 1.5 and rows < height * 1.5:
            total += weight * smoothed_up(grid, width, height)
            weights += weight
        weight *= persistence
        cells *= 2.0
    return np.asarray(total / max(weights, 1e-6), np.float32)


def smoothstep(low: NDArray[Any] | float, high: NDArray[Any] | float, x: NDArray[Any] | float) -> Field:
    """0 below `low`, 1 above `high`, smooth between; `low` may exceed `high`, which turns it round."""
    t = np.clip(
        (np.asarray(x, np.float32) - np.asarray(low, np.float32)) / np.asarray(high - low, np.float32), 0.0, 1.0
    )
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def ridge(rng: np.random.Generator, count: int, cells: float, octaves: int = 5, persistence: float = 0.5) -> Field:
    """A rugged line of `count` heights in about -1 to 1."""
    line = np.zeros(count, np.float32)
    weight, weights = 1.0, 0.0
    at = np.linspace(0.0, 1.0, count, dtype=np.float32)
    for _ in range(octaves):
        n = int(cells) + 4
        knots = rng.random(n).astype(np.float32) * 2 - 1
        line += weight * np.interp(at * (n - 1), np.arange(n), knots).astype(np.float32)
        weights += weight
        weight *= persistence
        cells *= 2
    return np.asarray(line / weights, np.float32)
