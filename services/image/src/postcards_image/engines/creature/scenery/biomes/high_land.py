"""Recipes of the bare and the high: tundra, mountain, volcanic plain."""

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
    rock,
    sheet_of,
    shine,
)
from postcards_image.engines.creature.scenery.biomes.stony import stony_floor
from postcards_image.engines.creature.scenery.colour import encode, mix, oklch
from postcards_image.engines.creature.scenery.ground import on_plane, paint_range, tile
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep
from postcards_image.engines.creature.scenery.plants import leafy, mineral, woody
from postcards_image.engines.creature.scenery.sky import paint_sky
from postcards_image.engines.creature.scenery.stage import Stage

_FROZEN = oklch(0.95, 0.012, 240)
_CONIFERS = Flora("trees", [woody.conifer, woody.conifer, woody.bare_tree], 2)
_ICE = Flora(
    "ice",
    [mineral.ice, leafy.cushion, mineral.boulder, leafy.grass_tuft],
    4,
    stem=rock,
    leaf=lambda _: oklch(0.82, 0.05, 225),
)

TUNDRA = Place(
    paint_sky,
    (
        Ridge("range/0", 0.26, 5, 6, 0.74, rough=0.52, rugged=0.9, cap=_FROZEN, cap_height=0.26 * 0.75),
        Ridge("range/1", 0.16, 7, 6, 0.6, rough=0.52, rugged=0.9, cap=_FROZEN, cap_height=0.16 * 0.75),
        Layer(Stand(_CONIFERS, "far trees", (14, 40), (0.005, 0.07), 0.62, clearing=0.4, veil=0.56)),
        Mist("wood", 0.04, 0.5, foot=0.01),
        Plain(0.42, 0.32, 0.22),
        Layer(
            Stand(_CONIFERS, "trees", (2, 5), (0.16, 0.34), 0.95, clearing=0.9, groups=0.1, veil=0.3),
            Stand(_ICE, "middle", (6, 16), (0.15, 0.75), 0.2, clearing=0.7),
        ),
        stony_floor(Flora("low", [leafy.grass_tuft, leafy.cushion], 2), 15),
    ),
    Framing(
        sides=Flora("trees", [woody.conifer, woody.bare_tree], 2),
        tufts=Flora("low", [leafy.grass_tuft], 1),
        size=0.6,
    ),
    0.25,
)
"""White ranges, a wood of conifers, pressed ice, snow with blue hollows."""

_SNOW = oklch(0.96, 0.01, 240)
_FIRS = Flora("trees", [woody.conifer], 2)
_ROCKS = Flora("rocks", [mineral.boulder, mineral.boulder, mineral.spire], 3, stem=rock)
_ALPINE = Flora("alpine", [leafy.cushion, leafy.grass_tuft, leafy.rosette_spear], 3)


def _peak(level: int, height: float, veil: float) -> Ridge:
    """One of the peaks behind peaks, 0 the farthest."""
    return Ridge(
        f"peak/{level}",
        height,
        3.5 + 2 * level,
        7,
        veil,
        rugged=1.0,
        foot=0.02,
        base=0.05,
        tint=rock if level < 2 else lambda palette: mix(palette.rock, palette.leaf, 0.5),
        cap=_SNOW,
        cap_height=0.22 - 0.09 * level,
    )


MOUNTAIN = Place(
    paint_sky,
    (
        _peak(0, 0.46, 0.72),
        Mist("valley/0", 0.035, 0.45, foot=-0.10),
        _peak(1, 0.32, 0.58),
        Mist("valley/1", 0.035, 0.45, foot=-(0.10 - 0.04)),
        _peak(2, 0.18, 0.42),
        Mist("valley/2", 0.035, 0.45, foot=-(0.10 - 0.04 * 2)),
        Layer(Stand(_FIRS, "far trees", (16, 44), (0.01, 0.1), 0.55, clearing=0.35, veil=0.5)),
        Plain(0.6, 0.6, 0.4),
        Layer(
            Stand(_FIRS, "trees", (2, 5), (0.15, 0.34), 1.0, clearing=0.9, groups=0.1, veil=0.28),
            Stand(_ROCKS, "rocks", (5, 12), (0.15, 0.75), 0.24, clearing=0.7),
            Stand(_ALPINE, "middle", (10, 24), (0.3, 0.85), 0.13, clearing=0.5),
        ),
        stony_floor(_ALPINE, 50),
    ),
    Framing(
        sides=Flora("alpine", [leafy.rosette_spear, leafy.grass_tuft], 2),
        tufts=Flora("tufts", [leafy.cushion, leafy.grass_tuft], 2),
        size=0.4,
    ),
    0.3,
)
"""Peaks behind peaks, snow on the high ones, conifers on the shoulders, alpine flowers."""


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


_BURNT = Flora("burnt", [mineral.basalt, woody.bare_tree, mineral.vent, mineral.spire], 4, stem=rock)
_FIRE_PLANTS = [leafy.rosette_spear, leafy.lantern_stalks, leafy.grass_tuft]

VOLCANIC = Place(
    paint_sky,
    (
        _cone,
        Ridge("ridge/0", 0.12, 6, 6, 0.66, rough=0.6, rugged=0.8, foot=0.01),
        Ridge("ridge/1", 0.09, 9, 6, 0.5, rough=0.6, rugged=0.8, foot=0.01),
        Plain(0.75, 0.5, 0.5),
        _fissures,
        Layer(Stand(_BURNT, "far", (6, 14), (0.03, 0.25), 0.8, clearing=0.75, veil=0.48)),
        Mist("smoke", 0.04, 0.4, nearness=0.15),
        Layer(Stand(_BURNT, "near", (6, 12), (0.25, 0.7), 0.42, clearing=0.85)),
        stony_floor(Flora("fire plants", _FIRE_PLANTS, 2, stem=lambda palette: palette.stem), 55),
    ),
    Framing(
        sides=Flora("burnt", [woody.bare_tree, mineral.basalt], 2, stem=rock),
        tufts=Flora("tufts", [mineral.boulder], 1, stem=rock),
        size=0.5,
        dark=0.25,
    ),
    0.3,
)
"""A smoking cone, columns of basalt, charred trees, ground split by fire."""
