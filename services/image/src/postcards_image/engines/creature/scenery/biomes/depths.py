"""Recipes of the places below: reef, abyss, cave."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postcards_image.engines.creature.scenery.biomes.recipe import (
    Canvas,
    Flora,
    Framing,
    Layer,
    Mist,
    Place,
    Plain,
    Ridge,
    Stand,
    Strewn,
    lay,
    number,
    rock,
    sheet_of,
)
from postcards_image.engines.creature.scenery.biomes.stony import STONES, pebbles
from postcards_image.engines.creature.scenery.colour import encode, mix, oklch
from postcards_image.engines.creature.scenery.filters import shrunk, stretched
from postcards_image.engines.creature.scenery.ground import crowns, paint_range
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep
from postcards_image.engines.creature.scenery.plants import fungi, leafy, mineral, sea
from postcards_image.engines.creature.scenery.plants.plant import Kind, plant
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.stage import Stage, distance_field
from postcards_image.engines.creature.scenery.water import caustics, paint_depths, pool_mask, pools, rays


def _brightness(stage: Stage) -> float:
    """How much light comes down to the reef."""
    return float(np.clip(stage.palette.light.colour.mean() * 1.3, 0.15, 1.0))


def _far_reefs(stage: Stage, canvas: Canvas) -> Canvas:
    """Coral heads, one behind the other."""
    for level in range(3):
        rng, foot = stage.layout(f"reef/{level}"), stage.horizon + 0.03 * stage.unit
        line = crowns(stage, rng, foot, (0.28 - 0.05 * level) * stage.unit, 7 + 4 * level)
        albedo = mix(stage.palette.rock, stage.palette.leaf, 0.4)
        base = stage.horizon + 0.05 * stage.unit
        canvas = paint_range(stage, canvas, line, albedo, 0.86 - 0.14 * level, rugged=0.4, base=base)
    return canvas


def _shoal(stage: Stage, canvas: Canvas) -> Canvas:
    """A far shoal of small fish."""
    rng, sheet = stage.layout("shoal"), Sheet(stage.width, stage.height)
    centre = np.array([0.5 - stage.palette.side * 0.24, 0.24]) * np.array([stage.width, stage.height])
    tone = stage.palette.veiled(stage.palette.zenith * 0.3, 0.45)
    for _ in range(60):
        at = centre + rng.normal(0, 1, 2) * np.array([0.11, 0.045]) * stage.unit
        size = 0.008 * stage.unit * float(rng.uniform(0.5, 1.1))
        body = np.array(
            [[1.2, 0], [0.4, -0.38], [-0.7, -0.05], [-1.3, -0.42], [-1.1, 0], [-1.3, 0.42], [-0.7, 0.05], [0.4, 0.38]]
        )
        sheet.polygon((body * size * np.array([stage.palette.side, 1]) + at).astype(np.float32), tone)
    return sheet.over(canvas, 0.7)


def _light_on_sand(stage: Stage, canvas: Canvas) -> Canvas:
    return caustics(stage, canvas, 1.1 * (1 - 0.5 * stage.palette.overcast))


def _sunbeams(stage: Stage, canvas: Canvas) -> Canvas:
    source = (stage.orb[0], -0.15 * stage.height)
    return rays(stage, canvas, source, 0.5 * _brightness(stage), stage.palette.light.colour, 1.1)


_KELP = Flora("kelp", [sea.kelp, sea.sea_fan], 2, leaf=lambda _: oklch(0.55, 0.11, 115))
_CORALS = Flora(
    "corals",
    [sea.staghorn, sea.sea_fan, sea.brain_coral, sea.tube_sponge, sea.anemone],
    5,
    individuals=2,
    height=(0.7, 1.2),
)

REEF = Place(
    lambda stage: paint_depths(stage, _brightness(stage)),
    (
        _far_reefs,
        _shoal,
        Layer(Stand(_KELP, "far kelp", (5, 11), (0.05, 0.2), 1.7, clearing=0.6, veil=0.68), bloom=0.3),
        Plain(0.4, 0.45, 0.4, 0.4),
        _light_on_sand,
        Layer(Stand(_CORALS, "far corals", (9, 16), (0.1, 0.35), 0.6, clearing=0.55, veil=0.52), bloom=0.3),
        _sunbeams,
        Layer(
            Stand(_CORALS, "middle", (9, 17), (0.35, 0.8), 0.3, clearing=0.7, veil=0.2),
            Strewn(
                "shells",
                90,
                0.009,
                lambda p: [p.ground, mix(p.leaf, p.ground, 0.5), mix(p.accent, p.ground, 0.6), p.rock],
                (0.3, 1.5),
            ),
            Stand(_CORALS, "low", (6, 14), (0.7, 0.95), 0.09, clearing=0.4),
            bloom=0.35,
        ),
    ),
    Framing(sides=_KELP, tufts=Flora("corals", [sea.anemone, sea.staghorn], 2), size=0.72, dark=0.4),
    0.36,
)
"""Coral gardens under shafts of light, kelp, a shoal far away, the net of light on the sand."""


def _lamp(stage: Stage, canvas: Canvas) -> Canvas:
    """A pool of lamp light on the bottom; beyond it the dark closes in."""
    gap = distance_field(stage, (stage.width * 0.5 + stage.palette.side * 0.08 * stage.unit, stage.row(0.85)), 2.0)
    pool = smoothstep(0.75, 0.15, gap)
    shade = 0.52 + 0.62 * pool
    below = smoothstep(-0.05, 0.15, (np.arange(stage.height, dtype=np.float32) - stage.horizon) / stage.height)[:, None]
    return canvas * (1 + (shade - 1) * below)[..., None]


def _drifters(stage: Stage, canvas: Canvas) -> Canvas:
    """Jellies and chains of light in open water, off the middle."""
    rng, sheet, palette = stage.layout("drifters"), sheet_of(stage), stage.palette
    for _ in range(number(stage, 4, 8)):
        x = float(rng.choice([-1, 1])) * float(rng.uniform(0.2, 0.48)) + 0.5
        y, size = float(rng.uniform(0.06, 0.42)), stage.unit * float(rng.uniform(0.02, 0.055))
        hue = mix(palette.glow, palette.accent, float(rng.random()))
        at = np.array([x * stage.width, y * stage.height])
        arc = np.linspace(0, np.pi, 15)
        bell = np.stack([np.cos(arc), -np.sin(arc) * 0.9], 1)
        shapes = [bell * size + at, bell * size * 0.72 + at, bell * size * 0.4 + at + np.array([0, -0.3 * size])]
        tones = np.stack([hue * 0.10, hue * 0.22, hue * 0.5])
        sheet.polygons([s.astype(np.float32) for s in shapes], tones.astype(np.float32), np.array([False, False, True]))
        for k in range(7):
            sway = rng.normal(0, 0.12)
            t = np.linspace(0, 1, 9)
            px = at[0] + (k - 3) / 3.4 * size + size * sway * np.sin(t * 6) * t * 3
            sheet.lines(
                [np.stack([px, at[1] + t * size * 2.6 * float(rng.uniform(0.6, 1.2))], 1).astype(np.float32)],
                hue * 0.3,
                stage.unit * 0.0016,
            )
        for k in range(9):
            turn = np.pi * k / 8
            sheet.disc(at[0] + np.cos(turn) * size, at[1] - np.sin(turn) * size * 0.06, size * 0.05, hue)
    return lay(stage, canvas, sheet, 1.3)


def _bottom(level: int, veil: float) -> Ridge:
    """A rise of the sea floor, 0 the farthest."""
    return Ridge(
        f"ridge/{level}",
        0.24 - 0.08 * level,
        4 + 2 * level,
        5,
        veil,
        rugged=0.5,
        foot=0.02,
        base=0.05,
        tint=lambda palette: palette.rock * 0.5,
    )


_VENTS = Flora("vents", [mineral.vent, mineral.spire], 2, stem=rock)
_GARDEN = Flora("garden", [sea.sea_lily, sea.tube_worms, sea.glass_sponge, sea.anemone, sea.sea_fan], 4)

ABYSS = Place(
    lambda stage: paint_depths(stage, 0.06),
    (
        _bottom(0, 0.72),
        _bottom(1, 0.72 - 0.2),
        Layer(Stand(_VENTS, "vents", (3, 6), (0.05, 0.2), 1.2, clearing=0.7, veil=0.5, light=0.6), bloom=1.0),
        _drifters,
        Plain(0.55, 0.5, 0.45),
        Layer(Stand(_GARDEN, "far", (6, 13), (0.12, 0.4), 0.6, clearing=0.6, veil=0.45, light=0.7), bloom=1.1),
        _lamp,
        Layer(
            Stand(_GARDEN, "middle", (6, 13), (0.4, 0.8), 0.34, clearing=0.75, veil=0.12),
            Strewn("nodules", 50, 0.011, lambda p: [p.rock, p.ground, p.patch]),
            Stand(_GARDEN, "low", (4, 9), (0.7, 0.95), 0.1, clearing=0.4),
            bloom=0.9,
        ),
    ),
    Framing(
        sides=Flora("garden", [sea.sea_fan, sea.sea_lily], 2),
        tufts=Flora("tufts", [mineral.boulder], 1, stem=rock),
        size=0.55,
        dark=0.22,
    ),
    0.12,
)
"""Blackness, a lamp's pool of light, lilies and worms, lights that drift and hunt."""


def _opening(stage: Stage) -> tuple[float, float]:
    """Where the light comes into the cave."""
    return (stage.orb[0], 0.16 * stage.height)


def _walls(stage: Stage, opening: tuple[float, float]) -> Canvas:
    """Receding arches of rock around the opening."""
    palette = stage.palette
    width, height = max(8, stage.width // 2), max(8, stage.height // 2)
    gap = shrunk(distance_field(stage, opening, 1.1, 2), width, height)
    rough = clouds(stage.layout("walls"), width, height, 5, 6, persistence=0.55)
    strata = clouds(stage.layout("strata"), width, height, 9, 4, stretch=3.5)
    light = mix(palette.horizon, palette.light.colour, 0.5) * 1.3
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = light
    facing = ((strata - 0.5) * 1.8 + (rough - 0.5) * 1.5 - 0.2).astype(np.float32)
    stone = palette.shaded(palette.rock, facing)
    for level, radius in enumerate((0.07, 0.2, 0.36, 0.56)):
        edge = gap + (rough - 0.5) * (0.16 + 0.1 * level) + (strata - 0.5) * 0.08
        inside = smoothstep(radius, radius + 0.012, edge)
        glow = np.exp(-(edge - radius).clip(0) * 9.0)
        air = 0.74 - 0.2 * level
        tone = stone * (1 - air) + palette.haze * air * 0.8 + glow[..., None] * light * (0.46 - 0.09 * level)
        canvas += inside[..., None] * (tone - canvas)
    return stretched(encode(canvas), stage.width, stage.height)


def _hang(stage: Stage, sheet: Sheet, kinds: Sequence[Kind], name: str, count: int, size: float, veil: float) -> None:
    """Dripstone from above, shorter in the middle; drawn upside down."""
    upside = sheet_of(stage)
    rng = stage.layout(name)
    for _ in range(count):
        x = float(rng.uniform(-0.05, 1.05))
        tall = size * stage.unit * float(rng.uniform(0.4, 1.1)) * (0.5 + abs(x - 0.5))
        plant(
            upside,
            kinds[int(rng.integers(len(kinds)))],
            rng,
            (x * stage.width, stage.height + 2.0),
            tall,
            stage.palette,
            veil,
        )
    flipped = upside.pixels[::-1]
    share = 1 - flipped[..., 3:].astype(np.float32) / 255
    sheet.pixels = np.ascontiguousarray(flipped + (sheet.pixels * share).astype(np.uint8))


_TEETH = Flora("teeth", [mineral.dripstone], 3, stem=rock)


@dataclass(frozen=True)
class _Hanging:
    """Teeth of stone above."""

    name: str
    count: int
    size: float
    veil: float

    def put(self, stage: Stage, sheet: Sheet) -> None:
        """Hangs them on a sheet."""
        _hang(stage, sheet, _TEETH.bred(stage), self.name, self.count, self.size, self.veil)


def _cave_pools(stage: Stage, canvas: Canvas) -> Canvas:
    return pools(stage, canvas, pool_mask(stage, 0.42), stage.horizon + 0.02 * stage.height, 0.2, 0.03)


def _daylight(stage: Stage, canvas: Canvas) -> Canvas:
    palette = stage.palette
    source = (_opening(stage)[0], -0.05 * stage.height)
    return rays(stage, canvas, source, 0.55, mix(palette.horizon, palette.light.colour, 0.5), 0.75)


_GLOWING = Flora(
    "glowing",
    [mineral.crystals, fungi.bell_cluster, mineral.crystals, fungi.coral_fungus, leafy.lantern_stalks],
    4,
    leaf=lambda palette: mix(palette.leaf, palette.glow, 0.25),
)

CAVE = Place(
    lambda stage: _walls(stage, _opening(stage)),
    (
        Layer(
            _Hanging("teeth/0", 12, 0.3, 0.68),
            Stand(_TEETH, "stand/0", (8, 8), (0.03, 0.1), 0.9, clearing=0.7, veil=0.68),
        ),
        Mist("cave/0", 0.07, 0.4),
        Layer(
            _Hanging("teeth/1", 9, 0.36, 0.45),
            Stand(_TEETH, "stand/1", (8, 8), (0.03 + 0.12, 0.1 + 0.2), 0.9 - 0.3, clearing=0.7, veil=0.45),
        ),
        Mist("cave/1", 0.07, 0.4),
        Plain(0.7, 0.45, 0.5),
        _cave_pools,
        _daylight,
        Layer(Stand(_GLOWING, "middle", (9, 20), (0.15, 0.75), 0.5, clearing=0.8), bloom=1.0),
        Layer(
            pebbles(60, (0.2, 1.5)),
            Stand(STONES, "stones", (4, 10), (0.3, 0.95), 0.1, clearing=0.4),
            Stand(_GLOWING, "low", (4, 10), (0.65, 0.95), 0.08, clearing=0.4),
            bloom=0.9,
        ),
    ),
    Framing(
        sides=Flora("teeth", [mineral.dripstone], 2, stem=rock),
        hanging=Flora("teeth", [mineral.dripstone], 2, stem=rock),
        tufts=Flora("stones", [mineral.boulder], 1, stem=rock),
        size=0.5,
        dark=0.16,
    ),
    0.3,
)
"""Walls of stone around a lit opening, hanging and standing dripstone, crystals and pale fungi that glow."""
