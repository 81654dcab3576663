"""Recipes of the open places: desert, savanna, coast."""

import numpy as np

from postcards_image.engines.creature.scenery.biomes.recipe import (
    Canvas,
    Flora,
    Framing,
    Layer,
    Place,
    Plain,
    Ridge,
    Stand,
    Strewn,
    rock,
)
from postcards_image.engines.creature.scenery.biomes.stony import stony_floor
from postcards_image.engines.creature.scenery.colour import Colour, decode, encode, mix, oklch
from postcards_image.engines.creature.scenery.ground import on_plane, outline, paint_plain, paint_range, tile
from postcards_image.engines.creature.scenery.noise import clouds, ridge, smoothstep
from postcards_image.engines.creature.scenery.palette import Palette
from postcards_image.engines.creature.scenery.plants import leafy, mineral, woody
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.sky import paint_sky
from postcards_image.engines.creature.scenery.stage import Stage
from postcards_image.engines.creature.scenery.water import pools


def _mesas(stage: Stage, canvas: Canvas) -> Canvas:
    """Two rows of tables of stone, in steps."""
    for level, (height, veil) in enumerate(((0.17, 0.8), (0.12, 0.66))):
        line = outline(stage, stage.layout(f"mesa/{level}"), stage.horizon, height * stage.unit, 5 + 3 * level, 4)
        step = 0.03 * stage.unit
        line = np.floor(line / step) * step * 0.65 + line * 0.35
        canvas = paint_range(stage, canvas, line, stage.palette.rock, veil, rugged=0.55)
    return canvas


def _dunes(stage: Stage, canvas: Canvas) -> Canvas:
    """Two rows of dunes, and sand with ripples before them."""
    for level in range(2):
        line = outline(stage, stage.layout(f"dune/{level}"), stage.row(0.10 + 0.1 * level), 0.05 * stage.unit, 2.5, 2)
        base = stage.row(0.25 + 0.1 * level)
        canvas = paint_range(stage, canvas, line, stage.palette.ground, 0.52 - 0.2 * level, rugged=0.9, base=base)
    near = paint_plain(stage, canvas.copy(), relief=0.4, patches=0.3, repeat=0.3, ripples=0.75)
    return _blend_from(stage, canvas, near, 0.12)


def _blend_from(stage: Stage, canvas: Canvas, near: Canvas, nearness: float) -> Canvas:
    """`near` in front of `canvas`, beginning at a nearness."""
    y = np.arange(stage.height, dtype=np.float32)
    share = smoothstep(stage.row(nearness), stage.row(nearness + 0.12), y)[:, None, None]
    return canvas * (1 - share) + near * share


_TOWERS = Flora("towers", [mineral.spire], 2, stem=rock)
_CACTI = Flora("cacti", [woody.column_cactus, woody.paddle_cactus, woody.barrel_cactus, leafy.rosette_spear], 3)

DESERT = Place(
    paint_sky,
    (
        _mesas,
        Layer(Stand(_TOWERS, "towers", (2, 5), (0.02, 0.1), 1.6, clearing=0.8, groups=0.2, veil=0.55)),
        _dunes,
        Layer(Stand(_CACTI, "middle", (5, 16), (0.16, 0.7), 0.4, clearing=0.7, groups=0.3)),
        stony_floor(_CACTI, 45),
    ),
    Framing(
        sides=Flora("cacti", [leafy.rosette_spear, woody.paddle_cactus], 2),
        tufts=Flora("tufts", [leafy.grass_tuft, mineral.boulder], 2, stem=rock),
        size=0.45,
    ),
    0.2,
)
"""Mesas and towers of stone, dunes with ripples, cacti in flower."""

_GRASS = oklch(0.66, 0.10, 92)


def _grass(palette: Palette) -> Colour:
    return mix(_GRASS, palette.ground, 0.4)


class _Sward:
    """Grass over the ground."""

    def put(self, stage: Stage, sheet: Sheet) -> None:
        """Draws it on a sheet."""
        _sward(stage, sheet, (0.05, 0.95), 900)


def _sward(stage: Stage, sheet: Sheet, nearness: tuple[float, float], count: int) -> None:
    """Blades of grass over the ground, denser and smaller far away."""
    rng, palette = stage.layout("sward"), stage.palette
    wind = 0.35 * palette.side
    albedo = mix(_GRASS, palette.ground, 0.5)
    for tone in range(8):
        share = (tone + 0.5) / 8
        near = nearness[0] + (nearness[1] - nearness[0]) * share
        colour = palette.veiled(
            palette.lit(albedo[None] * rng.uniform(0.75, 1.2), np.array([rng.uniform(-0.5, 0.5)]))[0], stage.veil(near)
        )
        n = count // 8
        depth = near + rng.uniform(-0.06, 0.06, n)
        x = rng.random(n) * stage.width
        y = stage.horizon + depth * (stage.feet - stage.horizon)
        length = 0.05 * stage.unit * depth * rng.uniform(0.4, 1.2, n)
        lean = rng.normal(wind, 0.25, n)
        t = np.array([0.0, 0.5, 1.0])
        px = x[:, None] + length[:, None] * lean[:, None] * t**2
        py = y[:, None] - length[:, None] * t
        sheet.lines(list(np.stack([px, py], 2).astype(np.float32)), colour, stage.unit * 0.0022 * near)


_ACACIAS = Flora("trees", [woody.umbrella_tree, woody.umbrella_tree, woody.bare_tree], 2)
_TUFTS = Flora("grass", [leafy.grass_tuft, leafy.reeds], 3, leaf=_grass)

SAVANNA = Place(
    paint_sky,
    (
        Ridge("scarp", 0.09, 3, 4, 0.84, rugged=0.3),
        Layer(Stand(_ACACIAS, "far trees", (8, 18), (0.005, 0.05), 0.62, clearing=0.2, veil=0.68)),
        Plain(0.55, 0.5, 0.45),
        Layer(Stand(_ACACIAS, "trees", (2, 5), (0.12, 0.3), 1.3, clearing=0.85, groups=0.0, veil=0.34)),
        Layer(_Sward(), Stand(_TUFTS, "middle", (24, 46), (0.12, 0.85), 0.2, clearing=0.5, groups=0.3)),
        stony_floor(_TUFTS, 20),
    ),
    Framing(
        sides=Flora("grass", [leafy.grass_tuft, leafy.reeds], 2, leaf=_grass),
        tufts=Flora("grass", [leafy.grass_tuft, leafy.reeds], 2, leaf=_grass, first=1),
        size=0.5,
        dark=0.42,
    ),
    0.25,
)
"""Grass to the horizon, flat-topped trees, a far scarp."""


def _cape(stage: Stage, canvas: Canvas) -> Canvas:
    """High land that falls to the sea on one side."""
    line = outline(stage, stage.layout("cape"), stage.horizon, 0.11 * stage.unit, 3, 5)
    x = np.linspace(0, 1, stage.width)
    cape = smoothstep(0.42, 0.95, x if stage.palette.side < 0 else 1 - x)
    line = stage.horizon + 1 - (stage.horizon + 1 - line) * cape
    return paint_range(stage, canvas, line, stage.palette.rock, 0.72, rugged=0.6)


def _shore(stage: Stage, canvas: Canvas) -> Canvas:
    """The sea, wet sand, the foam between."""
    palette = stage.palette
    shore = 0.34
    land = paint_plain(stage, canvas.copy(), relief=0.35, patches=0.4, repeat=0.4, ripples=0.45)
    y = np.arange(stage.height, dtype=np.float32)[:, None]
    tide = (stage.row(shore) + stage.unit * 0.025 * ridge(stage.layout("tide"), stage.width, 4, 3))[None, :]
    water = smoothstep(2.0, -2.0, y - tide)
    sea = _sea(stage, canvas.copy())
    canvas = np.where(y[..., None] < stage.horizon, canvas, land * (1 - water[..., None]) + sea * water[..., None])
    wet = smoothstep(0.09 * stage.unit, 0.0, y - tide) * (1 - water) * (y > stage.horizon)
    canvas = pools(stage, canvas, wet * 0.55, stage.horizon + 2, 0.3, 0.02)
    foam = clouds(stage.layout("foam"), stage.width, stage.height, 26, 3, stretch=2.0)
    edge = np.exp(-(((y - tide) / (0.011 * stage.unit)) ** 2)) * smoothstep(0.3, 0.6, foam)
    edge += 0.6 * np.exp(-(((y - tide + 0.03 * stage.unit) / (0.006 * stage.unit)) ** 2)) * smoothstep(0.45, 0.7, foam)
    white = encode(palette.lit(np.ones((1, 3), np.float32), np.array([0.4]))[0])
    return canvas + np.clip(edge, 0, 0.9)[..., None] * (white - canvas)


def _sea(stage: Stage, canvas: Canvas) -> Canvas:
    """The sea from the horizon down: mirrored sky, swell, the path of the sun or the moon."""
    palette = stage.palette
    ones = np.ones((stage.height, stage.width), np.float32)
    canvas = pools(stage, canvas, ones, stage.horizon, 0.25, 0.05)
    waves, top = on_plane(stage, tile(stage.layout("swell"), 16, 4), 0.9)
    x = (np.arange(stage.width, dtype=np.float32) - stage.orb[0])[None, :] / stage.unit
    y = (np.arange(top, stage.height, dtype=np.float32) - stage.horizon)[:, None] / stage.unit
    path = np.exp(-((x / (0.05 + 0.5 * y)) ** 2)) * smoothstep(0.40, 0.75, waves) * (1 - 0.8 * palette.overcast)
    deep = mix(palette.middle, oklch(0.42, 0.09, 215), 0.45) * (0.35 + 0.4 * float(palette.light.colour.mean()))
    part = decode(canvas[top:])
    share = smoothstep(0.0, 0.25, y)[..., None] * 0.6
    part = part * (1 - share) + deep * share * (0.7 + 0.6 * waves[..., None])
    part += path[..., None] * palette.orb * 0.75
    canvas[top:] = encode(part)
    return canvas


_STACKS = Flora("stacks", [mineral.spire, mineral.basalt, mineral.boulder], 2, stem=rock)
_DUNE = [leafy.grass_tuft, leafy.rosette_spear, woody.crowned_tree, mineral.boulder]

COAST = Place(
    paint_sky,
    (
        _cape,
        Layer(Stand(_STACKS, "far stacks", (2, 6), (0.03, 0.12), 0.95, clearing=0.8, groups=0.3, veil=0.55)),
        _shore,
        Layer(Stand(Flora("dune", _DUNE, 3, stem=rock), "middle", (7, 18), (0.42, 0.85), 0.28, clearing=0.85)),
        Layer(
            Strewn(
                "shells",
                120,
                0.009,
                lambda p: [oklch(0.88, 0.05, 40), oklch(0.8, 0.08, 20), p.rock, p.ground],
                (0.45, 1.5),
            ),
            Stand(Flora("dune", _DUNE, 3, stem=rock, first=1), "low", (3, 9), (0.6, 0.95), 0.1, clearing=0.5),
        ),
    ),
    Framing(
        sides=Flora("dune", [leafy.grass_tuft, leafy.rosette_spear], 2),
        tufts=Flora("dune", [leafy.grass_tuft, leafy.rosette_spear], 2, first=1),
        size=0.42,
        dark=0.4,
    ),
    0.2,
)
"""Open sea with a path of light, stacks of rock, wet sand, shells and sea grass."""
