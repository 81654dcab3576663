"""Recipes of the places below: reef, abyss, cave."""

from collections.abc import Sequence

import numpy as np

from postcards_image.engines.creature.scenery.biomes.recipe import Canvas, Framing, Place, lay, number, sheet_of
from postcards_image.engines.creature.scenery.colour import encode, mix, oklch
from postcards_image.engines.creature.scenery.filters import shrunk, stretched
from postcards_image.engines.creature.scenery.ground import crowns, outline, paint_plain, paint_range
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep
from postcards_image.engines.creature.scenery.plants import fungi, leafy, mineral, sea
from postcards_image.engines.creature.scenery.plants.plant import Kind, plant
from postcards_image.engines.creature.scenery.plants.planting import breed, set_out, strew
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.stage import Stage, distance_field
from postcards_image.engines.creature.scenery.water import caustics, paint_depths, pool_mask, pools, rays
from postcards_image.engines.creature.scenery.weather import mist


def reef(stage: Stage) -> Canvas:
    """Coral gardens under shafts of light, kelp, a shoal far away, the net of light on the sand."""
    palette = stage.palette
    bright = float(np.clip(palette.light.colour.mean() * 1.3, 0.15, 1.0))
    canvas = paint_depths(stage, bright)
    for level in range(3):
        line = crowns(
            stage,
            stage.layout(f"reef/{level}"),
            stage.horizon + 0.03 * stage.unit,
            (0.28 - 0.05 * level) * stage.unit,
            7 + 4 * level,
        )
        canvas = paint_range(
            stage,
            canvas,
            line,
            mix(palette.rock, palette.leaf, 0.4),
            0.86 - 0.14 * level,
            rugged=0.4,
            base=stage.horizon + 0.05 * stage.unit,
        )
    canvas = _shoal(stage, canvas)
    tall = breed(stage, "kelp", [sea.kelp, sea.sea_fan], 2, leaf=oklch(0.55, 0.11, 115))
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        tall,
        "far kelp",
        count=number(stage, 5, 11),
        nearness=(0.05, 0.2),
        size=1.7,
        clearing=0.6,
        veil=0.68,
    )
    canvas = lay(stage, canvas, sheet, 0.3)
    canvas = paint_plain(stage, canvas, relief=0.4, patches=0.45, repeat=0.4, ripples=0.4)
    canvas = caustics(stage, canvas, 1.1 * (1 - 0.5 * palette.overcast))
    corals = breed(
        stage,
        "corals",
        [sea.staghorn, sea.sea_fan, sea.brain_coral, sea.tube_sponge, sea.anemone],
        5,
        individuals=2,
        height=(0.7, 1.2),
    )
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        corals,
        "far corals",
        count=number(stage, 9, 16),
        nearness=(0.1, 0.35),
        size=0.6,
        clearing=0.55,
        veil=0.52,
    )
    canvas = lay(stage, canvas, sheet, 0.3)
    canvas = rays(stage, canvas, (stage.orb[0], -0.15 * stage.height), 0.5 * bright, palette.light.colour, 1.1)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        corals,
        "middle",
        count=number(stage, 9, 17),
        nearness=(0.35, 0.8),
        size=0.3,
        clearing=0.7,
        veil=0.2,
    )
    strew(
        stage,
        sheet,
        "shells",
        count=90,
        nearness=(0.3, 1.5),
        size=0.009,
        colours=[
            palette.ground,
            mix(palette.leaf, palette.ground, 0.5),
            mix(palette.accent, palette.ground, 0.6),
            palette.rock,
        ],
    )
    set_out(stage, sheet, corals, "low", count=number(stage, 6, 14), nearness=(0.7, 0.95), size=0.09, clearing=0.4)
    return lay(stage, canvas, sheet, 0.35)


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


def reef_framing(stage: Stage) -> Framing:
    """Kelp and fans in the corners."""
    return Framing(
        sides=breed(stage, "kelp", [sea.kelp, sea.sea_fan], 2, leaf=oklch(0.55, 0.11, 115)),
        tufts=breed(stage, "corals", [sea.anemone, sea.staghorn], 2),
        size=0.72,
        dark=0.4,
    )


def abyss(stage: Stage) -> Canvas:
    """Blackness, a lamp's pool of light, lilies and worms, lights that drift and hunt."""
    palette = stage.palette
    canvas = paint_depths(stage, 0.06)
    for level in range(2):
        line = outline(
            stage,
            stage.layout(f"ridge/{level}"),
            stage.horizon + 0.02 * stage.unit,
            (0.24 - 0.08 * level) * stage.unit,
            4 + 2 * level,
            5,
        )
        canvas = paint_range(
            stage,
            canvas,
            line,
            palette.rock * 0.5,
            0.72 - 0.2 * level,
            rugged=0.5,
            base=stage.horizon + 0.05 * stage.unit,
        )
    vents = breed(stage, "vents", [mineral.vent, mineral.spire], 2, stem=palette.rock)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        vents,
        "vents",
        count=number(stage, 3, 6),
        nearness=(0.05, 0.2),
        size=1.2,
        clearing=0.7,
        veil=0.5,
        light=0.6,
    )
    canvas = lay(stage, canvas, sheet, 1.0)
    canvas = _drifters(stage, canvas)
    canvas = paint_plain(stage, canvas, relief=0.55, patches=0.5, repeat=0.45)
    garden = breed(
        stage,
        "garden",
        [sea.sea_lily, sea.tube_worms, sea.glass_sponge, sea.anemone, sea.sea_fan],
        4,
    )
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        garden,
        "far",
        count=number(stage, 6, 13),
        nearness=(0.12, 0.4),
        size=0.6,
        clearing=0.6,
        veil=0.45,
        light=0.7,
    )
    canvas = lay(stage, canvas, sheet, 1.1)
    canvas = _lamp(stage, canvas)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        garden,
        "middle",
        count=number(stage, 6, 13),
        nearness=(0.4, 0.8),
        size=0.34,
        clearing=0.75,
        veil=0.12,
    )
    strew(
        stage,
        sheet,
        "nodules",
        count=50,
        nearness=(0.25, 1.5),
        size=0.011,
        colours=[palette.rock, palette.ground, palette.patch],
    )
    set_out(stage, sheet, garden, "low", count=number(stage, 4, 9), nearness=(0.7, 0.95), size=0.1, clearing=0.4)
    return lay(stage, canvas, sheet, 0.9)


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


def abyss_framing(stage: Stage) -> Framing:
    """Fans and lilies in the corners, nearly black."""
    return Framing(
        sides=breed(stage, "garden", [sea.sea_fan, sea.sea_lily], 2),
        tufts=breed(stage, "tufts", [mineral.boulder], 1, stem=stage.palette.rock),
        size=0.55,
        dark=0.22,
    )


def cave(stage: Stage) -> Canvas:
    """Walls of stone around a lit opening, hanging and standing dripstone, crystals and pale fungi that glow."""
    palette = stage.palette
    opening = (stage.orb[0], 0.16 * stage.height)
    canvas = _walls(stage, opening)
    teeth = breed(stage, "teeth", [mineral.dripstone], 3, stem=palette.rock)
    for level, (veil, size) in enumerate(((0.68, 0.3), (0.45, 0.36))):
        sheet = sheet_of(stage)
        _hang(stage, sheet, teeth, f"teeth/{level}", 12 - 3 * level, size, veil)
        set_out(
            stage,
            sheet,
            teeth,
            f"stand/{level}",
            count=8,
            nearness=(0.03 + 0.12 * level, 0.1 + 0.2 * level),
            size=0.9 - 0.3 * level,
            clearing=0.7,
            veil=veil,
        )
        canvas = lay(stage, canvas, sheet)
        canvas = mist(stage, canvas, stage.horizon, 0.07, 0.4, f"cave/{level}")
    canvas = paint_plain(stage, canvas, relief=0.7, patches=0.45, repeat=0.5)
    canvas = pools(stage, canvas, pool_mask(stage, 0.42), stage.horizon + 0.02 * stage.height, 0.2, 0.03)
    canvas = rays(
        stage, canvas, (opening[0], -0.05 * stage.height), 0.55, mix(palette.horizon, palette.light.colour, 0.5), 0.75
    )
    things = breed(
        stage,
        "glowing",
        [
            mineral.crystals,
            fungi.bell_cluster,
            mineral.crystals,
            fungi.coral_fungus,
            leafy.lantern_stalks,
        ],
        4,
        leaf=mix(palette.leaf, palette.glow, 0.25),
    )
    sheet = sheet_of(stage)
    set_out(stage, sheet, things, "middle", count=number(stage, 9, 20), nearness=(0.15, 0.75), size=0.5, clearing=0.8)
    canvas = lay(stage, canvas, sheet, 1.0)
    sheet = sheet_of(stage)
    strew(
        stage,
        sheet,
        "pebbles",
        count=60,
        nearness=(0.2, 1.5),
        size=0.011,
        colours=[palette.rock, palette.ground, palette.patch],
    )
    stones = breed(stage, "stones", [mineral.boulder], 2, stem=palette.rock)
    set_out(stage, sheet, stones, "stones", count=number(stage, 4, 10), nearness=(0.3, 0.95), size=0.1, clearing=0.4)
    set_out(stage, sheet, things, "low", count=number(stage, 4, 10), nearness=(0.65, 0.95), size=0.08, clearing=0.4)
    return lay(stage, canvas, sheet, 0.9)


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


def cave_framing(stage: Stage) -> Framing:
    """Dark stone teeth in the corners and above."""
    teeth = breed(stage, "teeth", [mineral.dripstone], 2, stem=stage.palette.rock)
    return Framing(
        sides=teeth,
        hanging=teeth,
        tufts=breed(stage, "stones", [mineral.boulder], 1, stem=stage.palette.rock),
        size=0.5,
        dark=0.16,
    )


REEF = Place(reef, reef_framing, 0.36)
ABYSS = Place(abyss, abyss_framing, 0.12)
CAVE = Place(cave, cave_framing, 0.3)
