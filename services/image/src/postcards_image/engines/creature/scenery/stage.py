"""Where things stand in the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.scenery.appearance import APPEARANCES
from postcards_image.engines.creature.scenery.noise import generator
from postcards_image.engines.creature.scenery.palette import Palette, mix_palette
from postcards_species.place.scene import Scene
from postcards_species.surroundings import Biome, TimeOfDay, Weather

GROUND_Y = 0.845
"""Where the feet stand, as a share of the height."""


@dataclass(frozen=True)
class Stage:
    """The frame, its horizon and its light; positions in pixels, y down."""

    scene: Scene
    palette: Palette
    seed: int
    width: int
    height: int
    unit: float
    """The shorter side; sizes are shares of it."""
    horizon: float
    feet: float
    orb: tuple[float, float]
    """Where the sun or the moon stands; it may be outside the frame."""

    @property
    def lean(self) -> float:
        """How far the wind bends what grows: sideways shift of the top per height."""
        force = {Weather.WIND: 0.24, Weather.STORM: 0.30}.get(self.scene.weather, 0.0)
        return -self.palette.side * force * (0.5 if self.scene.biome.submerged else 1.0)

    def layout(self, name: str) -> np.random.Generator:
        """Random choices of where things stand: another picture, another layout."""
        return generator(self.seed, f"layout/{name}")

    def flora(self, name: str) -> np.random.Generator:
        """Random choices of what things look like: the same on every picture of the species."""
        return generator(self.scene.flora_seed, f"flora/{name}")

    def nearness(self, y: float) -> float:
        """How near the ground at row `y` is: 0 at the horizon, 1 at the feet, more below."""
        return (y - self.horizon) / max(self.feet - self.horizon, 1.0)

    def row(self, nearness: float) -> float:
        """The row of the ground at a nearness."""
        return self.horizon + nearness * (self.feet - self.horizon)

    def veil(self, nearness: float) -> float:
        """Share of air between the viewer and things at a nearness."""
        return self.palette.haze_amount * min(1.0, max(0.0, 1.0 - nearness)) ** 1.2


def set_stage(scene: Scene, width: int, height: int, seed: int) -> Stage:
    """Chooses side and height of the light and the horizon from `seed`, and lays out the frame."""
    rng = generator(seed, "stage")
    side = 1.0 if rng.random() < 0.5 else -1.0
    raised = float(rng.random())
    palette = mix_palette(scene, side, raised)
    look = APPEARANCES[scene.biome]
    horizon = (look.horizon + rng.uniform(-0.025, 0.02)) * height
    low = {
        TimeOfDay.DAWN: (0.30, 0.10 + 0.10 * raised),
        TimeOfDay.DAY: (0.36, 0.50 + 0.06 * raised),
        TimeOfDay.DUSK: (0.28, 0.045 + 0.07 * raised),
        TimeOfDay.NIGHT: (0.31, 0.40 + 0.05 * raised),
    }[scene.time_of_day]
    across, up = low
    orb_y = horizon - up * height
    if scene.biome in (Biome.REEF, Biome.ABYSS, Biome.CAVE):
        across, orb_y = 0.22, -0.12 * height
    return Stage(
        scene=scene,
        palette=palette,
        seed=seed,
        width=width,
        height=height,
        unit=float(min(width, height)),
        horizon=horizon,
        feet=GROUND_Y * height,
        orb=((0.5 + side * across) * width, orb_y),
    )


def distance_field(stage: Stage, at: tuple[float, float], squash: float = 1.0, coarse: int = 1) -> NDArray[np.float32]:
    """Distance to a point in units; `squash` above 1 makes it grow faster upwards and downwards.

    Its shape is (h, w), divided by `coarse`, which suits what is soft anyway.
    """
    columns, rows = max(2, stage.width // coarse), max(2, stage.height // coarse)
    x = (np.linspace(0.5, columns - 0.5, columns) * (stage.width / columns) - 0.5 - at[0]) / stage.unit
    y = (np.linspace(0.5, rows - 0.5, rows) * (stage.height / rows) - 0.5 - at[1]) / stage.unit * squash
    return np.sqrt(x[None, :] ** 2 + y[:, None] ** 2).astype(np.float32)
