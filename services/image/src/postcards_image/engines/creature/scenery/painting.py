"""From a scene to its scenery."""

import numpy as np

from postcards_image.engines.creature.layers import FloatImage, Scenery
from postcards_image.engines.creature.scenery.biomes import depths, forests, high_land, open_land
from postcards_image.engines.creature.scenery.biomes.recipe import Canvas, Framing, Place, sheet_of
from postcards_image.engines.creature.scenery.colour import decode
from postcards_image.engines.creature.scenery.filters import blurred, recoloured, shrunk, stretched
from postcards_image.engines.creature.scenery.noise import smoothstep
from postcards_image.engines.creature.scenery.plants.plant import Kind, plant
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.stage import GROUND_Y, Stage, set_stage
from postcards_image.engines.creature.scenery.weather import (
    clearing_glow,
    flecks_behind,
    lightning,
    mist,
    weather_before,
)
from postcards_species.place.scene import Scene
from postcards_species.surroundings import Biome, Weather

PLACES: dict[Biome, Place] = {
    Biome.JUNGLE: forests.JUNGLE,
    Biome.SWAMP: forests.SWAMP,
    Biome.DESERT: open_land.DESERT,
    Biome.SAVANNA: open_land.SAVANNA,
    Biome.TUNDRA: high_land.TUNDRA,
    Biome.COAST: open_land.COAST,
    Biome.REEF: depths.REEF,
    Biome.ABYSS: depths.ABYSS,
    Biome.CAVE: depths.CAVE,
    Biome.FUNGAL_FOREST: forests.FUNGAL_FOREST,
    Biome.MOUNTAIN: high_land.MOUNTAIN,
    Biome.VOLCANIC: high_land.VOLCANIC,
}


_CLEAR = 0.29
"""Share of the width, left and right of the middle, that plants before the animal keep out of."""


def paint_scenery(scene: Scene, width: int, height: int, seed: int) -> Scenery:
    """Paints the habitat of `scene` at `width` by `height` pixels (64 to 2048 each).

    What grows there follows from `scene.flora_seed`; where it stands, and from where the light comes, from `seed`. The
    same arguments give the same scenery.
    """
    stage = set_stage(scene, width, height, seed)
    place = PLACES[scene.biome]
    canvas = place.backdrop(stage)
    canvas = _weather_behind(stage, canvas, place)
    canvas = _ground_shade(stage, canvas)
    return Scenery(
        backdrop=decode(canvas),
        foreground=_foreground(stage, place.framing),
        ground_y=GROUND_Y,
        light=stage.palette.light,
        haze=stage.palette.haze,
        haze_amount=0.10 + 0.16 * stage.palette.haze_amount,
        submerged=scene.biome.submerged,
        scale=0.66,
    )


def _weather_behind(stage: Stage, canvas: Canvas, place: Place) -> Canvas:
    """The weather between the land and the animal."""
    weather = stage.scene.weather
    if weather is Weather.STORM and not stage.scene.biome.submerged and stage.scene.biome is not Biome.CAVE:
        canvas = lightning(stage, canvas)
    if weather is Weather.MIST:
        canvas = mist(stage, canvas, stage.horizon - 0.03 * stage.unit, 0.12, 0.6, "bank")
        canvas = mist(stage, canvas, stage.row(0.45), 0.07, 0.5, "ground")
    elif weather in (Weather.RAIN, Weather.STORM):
        canvas = mist(stage, canvas, stage.horizon, 0.08, 0.35, "spray")
    canvas = clearing_glow(stage, canvas, place.veil * (1.0 + 0.3 * (weather is Weather.MIST)))
    return flecks_behind(stage, canvas)


def _ground_shade(stage: Stage, canvas: Canvas) -> Canvas:
    """Light where the animal stands, darker towards the lower edge and the corners; then a little contrast."""
    y = np.linspace(0, 1, stage.height, dtype=np.float32)[:, None]
    x = np.abs(np.linspace(-1, 1, stage.width, dtype=np.float32))[None, :]
    shade = 1 - 0.32 * smoothstep(0.86, 1.04, y) - 0.22 * smoothstep(0.5, 1.15, x) * smoothstep(0.25, 1.0, y)
    pool = np.exp(-((x / 0.62) ** 2)) * np.exp(-(((y - GROUND_Y) / 0.11) ** 2))
    canvas *= (shade + 0.16 * pool)[..., None]
    np.clip(canvas, 0, 1, out=canvas)
    canvas *= 0.86 + canvas * (0.50 - 0.36 * canvas)
    grey = np.full((3, 3), -0.14 / 3, np.float32) + np.eye(3, dtype=np.float32) * 1.14
    return np.clip(recoloured(canvas, grey), 0, 1)


def _foreground(stage: Stage, framing: Framing) -> FloatImage:
    """What stands out of focus before the animal, and the near weather; premultiplied linear RGBA."""
    near, nearer = sheet_of(stage), sheet_of(stage)
    rng = stage.layout("framing")
    _edge(stage, near, framing, rng)
    _corners(stage, nearer, framing, rng)
    first, second = _blurred(near, stage.unit * 0.0035), _blurred(nearer, stage.unit * 0.008)
    painted = second + first * (1 - second[..., 3:])
    alpha = painted[..., 3:]
    colour = decode(painted[..., :3] / np.maximum(alpha, 1e-4)) * alpha
    sheet = stretched(np.dstack([colour, alpha]), stage.width, stage.height)
    return np.clip(weather_before(stage, sheet), 0, 1).astype(np.float32)


def _blurred(sheet: Sheet, sigma: float) -> Canvas:
    """The sheet out of focus, at half its size."""
    height, width = sheet.pixels.shape[:2]
    return blurred(shrunk(sheet.pixels, max(2, width // 2), max(2, height // 2)), sigma / 2) / 255


def _corners(stage: Stage, sheet: Sheet, framing: Framing, rng: np.random.Generator) -> None:
    """Plants that rise at the two sides, one side taller, and hang from above."""
    heavy = float(rng.choice([-1.0, 1.0]))
    sides, hanging = framing.sides.bred(stage), framing.hanging.bred(stage) if framing.hanging else ()
    for hand in (-1.0, 1.0):
        share = 1.0 if hand == heavy else 0.62
        for _ in range(3 if hand == heavy else 2):
            kind = sides[int(rng.integers(len(sides)))]
            size = framing.size * share * stage.unit * float(rng.uniform(0.7, 1.1))
            reach = _breadth(kind) * size / stage.width
            x = 0.5 + hand * max(float(rng.uniform(0.46, 0.54)), float(rng.uniform(_CLEAR, _CLEAR + 0.06)) + reach)
            foot = stage.height * float(rng.uniform(1.0, 1.1))
            plant(sheet, kind, rng, (x * stage.width, foot), size, stage.palette, 0.0, -hand * 0.02, framing.dark)
    for _ in range(5 if hanging else 0):
        kind = hanging[int(rng.integers(len(hanging)))]
        x = 0.5 + float(rng.choice([-1.0, 1.0])) * float(rng.uniform(0.31, 0.5))
        size = stage.unit * float(rng.uniform(0.12, 0.34)) * (abs(x - 0.5) + 0.45)
        if kind.individuals[0].shapes[0][:, 1].max() > 0.5:
            size = -size
        plant(
            sheet, kind, rng, (x * stage.width, -0.02 * stage.height), size, stage.palette, 0.0, 0.0, framing.dark * 1.2
        )


def _breadth(kind: Kind) -> float:
    """How far a kind reaches to a side, in heights."""
    return max(float(np.abs(shape[:, 0]).max()) for individual in kind.individuals for shape in individual.shapes)


def _edge(stage: Stage, sheet: Sheet, framing: Framing, rng: np.random.Generator) -> None:
    """Low things along the lower edge."""
    tufts = framing.tufts.bred(stage) if framing.tufts else ()
    for _ in range(9 if tufts else 0):
        kind = tufts[int(rng.integers(len(tufts)))]
        x = float(rng.uniform(-0.05, 1.05))
        size = stage.unit * (0.06 + 0.13 * abs(x - 0.5)) * float(rng.uniform(0.7, 1.2))
        plant(
            sheet,
            kind,
            rng,
            (x * stage.width, stage.height * 1.02),
            size,
            stage.palette,
            0.0,
            0.0,
            0.55 + 0.3 * framing.dark,
        )
