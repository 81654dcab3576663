"""What every biome's recipe is made with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from postcards_image.engines.creature.scenery.filters import blurred, shrunk, stretched
from postcards_image.engines.creature.scenery.plants.plant import Kind
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.stage import Stage

Canvas = np.ndarray


@dataclass(frozen=True)
class Framing:
    """What stands out of focus before the animal."""

    sides: Sequence[Kind]
    """Rises from the lower corners."""
    hanging: Sequence[Kind] = ()
    """Hangs from the upper edge, drawn to grow downwards."""
    tufts: Sequence[Kind] = ()
    """Along the lower edge."""
    size: float = 0.52
    """Height of the sides as a share of the unit."""
    dark: float = 0.35
    """Light that falls on it."""


@dataclass(frozen=True)
class Place:
    """The recipe of a biome."""

    backdrop: Callable[[Stage], Canvas]
    """Everything behind the animal, the ground included, before the weather."""
    framing: Callable[[Stage], Framing]
    """What stands before it."""
    veil: float = 0.3
    """Strength of the lit air behind the animal."""


def sheet_of(stage: Stage) -> Sheet:
    """An empty sheet of the stage's size."""
    return Sheet(stage.width, stage.height)


def lay(stage: Stage, canvas: Canvas, sheet: Sheet, bloom: float = 0.8) -> Canvas:
    """Lays a sheet on the canvas; what glows in it shines around itself."""
    if sheet.shade.any():
        soft = blurred(sheet.shade, max(0.6, stage.unit * 0.0022))
        canvas *= 1 - stretched(soft, stage.width, stage.height)[..., None] * np.float32(0.55 / 255)
    canvas = sheet.over(canvas)
    if sheet.glows:
        canvas = shine(stage, canvas, sheet.glow, bloom)
    return canvas


def shine(stage: Stage, canvas: Canvas, glow: np.ndarray, strength: float) -> Canvas:
    """Adds the halo of glowing shapes (h, w, 3 of uint8)."""
    quarter = (max(8, stage.width // 4), max(8, stage.height // 4))
    small = shrunk(glow, *quarter).astype(np.float32) / 255
    unit = min(quarter)
    halo = blurred(small, max(0.6, unit * 0.012)) * 0.8 + blurred(small, max(0.8, unit * 0.05)) * 1.5
    halo = stretched(halo, stage.width, stage.height)
    canvas += np.minimum(halo * np.float32(strength), 0.95) * (1.0 - canvas)
    return canvas


def number(stage: Stage, few: int, many: int) -> int:
    """A count that follows the scene's density."""
    return round(few + (many - few) * stage.scene.density)
