"""Recipes of the bare and the high: tundra, mountain, volcanic plain."""

import numpy as np

from postcards_image.engines.creature.scenery.biomes.recipe import Canvas, Framing, Place, lay, number, sheet_of, shine
from postcards_image.engines.creature.scenery.biomes.stony import stony_floor
from postcards_image.engines.creature.scenery.colour import encode, mix, oklch
from postcards_image.engines.creature.scenery.ground import on_plane, outline, paint_plain, paint_range, tile
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep
from postcards_image.engines.creature.scenery.plants import leafy, mineral, woody
from postcards_image.engines.creature.scenery.plants.planting import breed, set_out
from postcards_image.engines.creature.scenery.sky import paint_sky
from postcards_image.engines.creature.scenery.stage import Stage
from postcards_image.engines.creature.scenery.weather import mist


def tundra(stage: Stage) -> Canvas:
    """White ranges, a wood of conifers, pressed ice, snow with blue hollows."""
    palette = stage.palette
    canvas = paint_sky(stage)
    snow = oklch(0.95, 0.012, 240)
    for level, (height, veil) in enumerate(((0.26, 0.74), (0.16, 0.6))):
        line = outline(
            stage, stage.layout(f"range/{level}"), stage.horizon, height * stage.unit, 5 + 2 * level, 6, 0.52
        )
        canvas = paint_range(
            stage, canvas, line, palette.rock, veil, rugged=0.9, cap=snow, cap_height=height * 0.75 * stage.unit
        )
    trees = breed(stage, "trees", [woody.conifer, woody.conifer, woody.bare_tree], 2)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "far trees",
        count=number(stage, 14, 40),
        nearness=(0.005, 0.07),
        size=0.62,
        clearing=0.4,
        veil=0.56,
    )
    canvas = lay(stage, canvas, sheet)
    canvas = mist(stage, canvas, stage.horizon + 0.01 * stage.unit, 0.04, 0.5, "wood")
    canvas = paint_plain(stage, canvas, relief=0.42, patches=0.32, repeat=0.22)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "trees",
        count=number(stage, 2, 5),
        nearness=(0.16, 0.34),
        size=0.95,
        clearing=0.9,
        groups=0.1,
        veil=0.3,
    )
    plants = breed(
        stage,
        "ice",
        [mineral.ice, leafy.cushion, mineral.boulder, leafy.grass_tuft],
        4,
        stem=palette.rock,
        leaf=oklch(0.82, 0.05, 225),
    )
    set_out(stage, sheet, plants, "middle", count=number(stage, 6, 16), nearness=(0.15, 0.75), size=0.2, clearing=0.7)
    canvas = lay(stage, canvas, sheet)
    return stony_floor(stage, canvas, breed(stage, "low", [leafy.grass_tuft, leafy.cushion], 2), 30)


def tundra_framing(stage: Stage) -> Framing:
    """Boughs and blades of frost in the corners."""
    return Framing(
        sides=breed(stage, "trees", [woody.conifer, woody.bare_tree], 2),
        tufts=breed(stage, "low", [leafy.grass_tuft], 1),
        size=0.6,
    )


def mountain(stage: Stage) -> Canvas:
    """Peaks behind peaks, snow on the high ones, conifers on the shoulders, alpine flowers."""
    palette = stage.palette
    canvas = paint_sky(stage)
    snow = oklch(0.96, 0.01, 240)
    for level, (height, veil) in enumerate(((0.46, 0.72), (0.32, 0.58), (0.18, 0.42))):
        line = outline(
            stage,
            stage.layout(f"peak/{level}"),
            stage.horizon + 0.02 * stage.unit,
            height * stage.unit,
            3.5 + 2 * level,
            7,
            0.5,
        )
        canvas = paint_range(
            stage,
            canvas,
            line,
            palette.rock if level < 2 else mix(palette.rock, palette.leaf, 0.5),
            veil,
            rugged=1.0,
            cap=snow,
            cap_height=(0.22 - 0.09 * level) * stage.unit,
            base=stage.horizon + 0.05 * stage.unit,
        )
        canvas = mist(stage, canvas, stage.horizon - (0.10 - 0.04 * level) * stage.unit, 0.035, 0.45, f"valley/{level}")
    trees = breed(stage, "trees", [woody.conifer], 2)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "far trees",
        count=number(stage, 16, 44),
        nearness=(0.01, 0.1),
        size=0.55,
        clearing=0.35,
        veil=0.5,
    )
    canvas = lay(stage, canvas, sheet)
    canvas = paint_plain(stage, canvas, relief=0.6, patches=0.6, repeat=0.4)
    sheet = sheet_of(stage)
    rocks = breed(stage, "rocks", [mineral.boulder, mineral.boulder, mineral.spire], 3, stem=palette.rock)
    set_out(
        stage,
        sheet,
        trees,
        "trees",
        count=number(stage, 2, 5),
        nearness=(0.15, 0.34),
        size=1.0,
        clearing=0.9,
        groups=0.1,
        veil=0.28,
    )
    set_out(stage, sheet, rocks, "rocks", count=number(stage, 5, 12), nearness=(0.15, 0.75), size=0.24, clearing=0.7)
    plants = breed(stage, "alpine", [leafy.cushion, leafy.grass_tuft, leafy.rosette_spear], 3)
    set_out(stage, sheet, plants, "middle", count=number(stage, 10, 24), nearness=(0.3, 0.85), size=0.13, clearing=0.5)
    canvas = lay(stage, canvas, sheet)
    return stony_floor(stage, canvas, plants, 100)


def mountain_framing(stage: Stage) -> Framing:
    """Flowers and boughs in the corners."""
    return Framing(
        sides=breed(stage, "alpine", [leafy.rosette_spear, leafy.grass_tuft], 2),
        tufts=breed(stage, "tufts", [leafy.cushion, leafy.grass_tuft], 2),
        size=0.4,
    )


def volcanic(stage: Stage) -> Canvas:
    """A smoking cone, columns of basalt, charred trees, ground split by fire."""
    palette = stage.palette
    canvas = paint_sky(stage)
    canvas = _cone(stage, canvas)
    for level, (height, veil) in enumerate(((0.12, 0.66), (0.09, 0.5))):
        line = outline(
            stage,
            stage.layout(f"ridge/{level}"),
            stage.horizon + 0.01 * stage.unit,
            height * stage.unit,
            6 + 3 * level,
            6,
            0.6,
        )
        canvas = paint_range(stage, canvas, line, palette.rock, veil, rugged=0.8)
    canvas = paint_plain(stage, canvas, relief=0.75, patches=0.5, repeat=0.5)
    canvas = _fissures(stage, canvas)
    things = breed(stage, "burnt", [mineral.basalt, woody.bare_tree, mineral.vent, mineral.spire], 4, stem=palette.rock)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        things,
        "far",
        count=number(stage, 6, 14),
        nearness=(0.03, 0.25),
        size=0.8,
        clearing=0.75,
        veil=0.48,
    )
    canvas = lay(stage, canvas, sheet, 0.8)
    canvas = mist(stage, canvas, stage.row(0.15), 0.04, 0.4, "smoke")
    sheet = sheet_of(stage)
    set_out(stage, sheet, things, "near", count=number(stage, 6, 12), nearness=(0.25, 0.7), size=0.42, clearing=0.85)
    canvas = lay(stage, canvas, sheet, 0.8)
    plants = breed(
        stage,
        "fire plants",
        [leafy.rosette_spear, leafy.lantern_stalks, leafy.grass_tuft],
        2,
        stem=palette.stem,
    )
    return stony_floor(stage, canvas, plants, 110)


def _cone(stage: Stage, canvas: Canvas) -> Canvas:
    """The far volcano: a cone beside the middle, its plume, rivers of lava."""
    rng, palette = stage.layout("cone"), stage.palette
    peak = (0.5 - palette.side * float(rng.uniform(0.12, 0.26))) * stage.width
    height, spread = float(rng.uniform(0.28, 0.38)) * stage.unit, float(rng.uniform(0.26, 0.36)) * stage.unit
    x = np.arange(stage.width, dtype=np.float32)
    away = np.abs(x - peak) / spread
    rough = clouds(rng, stage.width, 2, 30, 3)[0] - 0.5
    line = stage.horizon - height * np.exp(-away * 1.15) + rough * 0.02 * stage.unit
    line = np.maximum(line, stage.horizon - height * 0.86)
    smoke = clouds(stage.layout("plume"), stage.width, stage.height, 5, 5)
    rows = np.arange(stage.height, dtype=np.float32)[:, None]
    rise = (stage.horizon - height * 0.8 - rows) / stage.unit
    drift = peak + palette.side * stage.unit * np.maximum(rise, 0) ** 1.4 * 0.9
    wide = (0.035 + 0.42 * np.maximum(rise, 0)) * stage.unit
    body = np.exp(-(((x[None, :] - drift) / wide) ** 2)) * (rise > -0.02)
    plume = smoothstep(0.32, 0.62, body * (0.35 + 1.1 * smoke)) * 0.85
    base = np.exp(-np.maximum(rise, 0) * 20)[..., None]
    tone = mix(palette.zenith, palette.rock, 0.5) * (0.45 + 1.1 * smoke[..., None]) + base * oklch(0.70, 0.2, 45) * 0.8
    canvas = canvas + plume[..., None] * (encode(tone) - canvas)
    canvas = paint_range(stage, canvas.astype(np.float32), line.astype(np.float32), palette.rock, 0.6, rugged=0.8)
    sheet = sheet_of(stage)
    for _ in range(4):
        steps = np.linspace(0, 1, 10)
        slide = float(rng.uniform(-0.7, 0.7))
        px = peak + slide * spread * steps**1.2 + np.cumsum(rng.normal(0, 0.006, 10)) * stage.unit
        py = stage.horizon - height * 0.86 + steps * height * 0.8
        floor = line[np.clip(px, 0, stage.width - 1).astype(np.int64)]
        path = np.stack([px, np.maximum(py, floor)], 1).astype(np.float32)
        sheet.lines([path], oklch(0.74, 0.2, 48), stage.unit * 0.004)
    canvas = sheet.over(canvas, 0.8)
    return shine(stage, canvas, sheet.pixels[..., :3], 0.8)


def _fissures(stage: Stage, canvas: Canvas) -> Canvas:
    """Cracks in the ground with fire in them, fewer where the animal stands."""
    rng = stage.flora("fissures")
    texture = tile(rng, 4, 4)
    laid, top = on_plane(stage, np.clip(1 - np.abs(texture * 2 - 1) * 7, 0, 1).astype(np.float32), 0.5)
    patchy, _ = on_plane(stage, tile(rng, 4, 2), 0.25)
    x = np.abs(np.linspace(-1, 1, stage.width, dtype=np.float32))[None, :]
    keep = smoothstep(0.35, 0.6, patchy) * (0.35 + 0.65 * smoothstep(0.1, 0.75, x))
    heat = laid * keep
    hot = encode(mix(oklch(0.62, 0.22, 38), oklch(0.92, 0.14, 90), 0.35))
    ember = encode(oklch(0.55, 0.21, 32))
    full = np.zeros((stage.height, stage.width), np.float32)
    full[top:] = heat
    share = smoothstep(0.3, 0.8, full)[..., None]
    canvas = canvas + np.clip(full * 1.1, 0, 1)[..., None] * ((ember + share * (hot - ember)) - canvas)
    return shine(stage, canvas.astype(np.float32), (full[..., None] * hot * 255).astype(np.uint8), 0.7)


def volcanic_framing(stage: Stage) -> Framing:
    """Charred claws in the corners."""
    rock = stage.palette.rock
    return Framing(
        sides=breed(stage, "burnt", [woody.bare_tree, mineral.basalt], 2, stem=rock),
        tufts=breed(stage, "tufts", [mineral.boulder], 1, stem=rock),
        size=0.5,
        dark=0.25,
    )


TUNDRA = Place(tundra, tundra_framing, 0.25)
MOUNTAIN = Place(mountain, mountain_framing, 0.3)
VOLCANIC = Place(volcanic, volcanic_framing, 0.3)
