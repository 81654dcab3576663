"""Recipes of the open places: desert, savanna, coast."""

import numpy as np

from postcards_image.engines.creature.scenery.biomes.recipe import Canvas, Framing, Place, lay, number, sheet_of
from postcards_image.engines.creature.scenery.biomes.stony import stony_floor
from postcards_image.engines.creature.scenery.colour import decode, encode, mix, oklch
from postcards_image.engines.creature.scenery.ground import on_plane, outline, paint_plain, paint_range, tile
from postcards_image.engines.creature.scenery.noise import clouds, ridge, smoothstep
from postcards_image.engines.creature.scenery.plants import leafy, mineral, woody
from postcards_image.engines.creature.scenery.plants.planting import breed, set_out, strew
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.sky import paint_sky
from postcards_image.engines.creature.scenery.stage import Stage
from postcards_image.engines.creature.scenery.water import pools

_GRASS = oklch(0.66, 0.10, 92)


def desert(stage: Stage) -> Canvas:
    """Mesas and towers of stone, dunes with ripples, cacti in flower."""
    palette = stage.palette
    canvas = paint_sky(stage)
    for level, (height, veil) in enumerate(((0.17, 0.8), (0.12, 0.66))):
        line = outline(stage, stage.layout(f"mesa/{level}"), stage.horizon, height * stage.unit, 5 + 3 * level, 4)
        step = 0.03 * stage.unit
        line = np.floor(line / step) * step * 0.65 + line * 0.35
        canvas = paint_range(stage, canvas, line, palette.rock, veil, rugged=0.55)
    sheet = sheet_of(stage)
    towers = breed(stage, "towers", [mineral.spire], 2, stem=palette.rock)
    set_out(
        stage,
        sheet,
        towers,
        "towers",
        count=number(stage, 2, 5),
        nearness=(0.02, 0.1),
        size=1.6,
        clearing=0.8,
        groups=0.2,
        veil=0.55,
    )
    canvas = lay(stage, canvas, sheet)
    for level in range(2):
        line = outline(stage, stage.layout(f"dune/{level}"), stage.row(0.10 + 0.1 * level), 0.05 * stage.unit, 2.5, 2)
        canvas = paint_range(
            stage, canvas, line, palette.ground, 0.52 - 0.2 * level, rugged=0.9, base=stage.row(0.25 + 0.1 * level)
        )
    near = paint_plain(stage, canvas.copy(), relief=0.4, patches=0.3, repeat=0.3, ripples=0.75)
    canvas = _blend_from(stage, canvas, near, 0.12)
    sheet = sheet_of(stage)
    plants = breed(
        stage,
        "cacti",
        [woody.column_cactus, woody.paddle_cactus, woody.barrel_cactus, leafy.rosette_spear],
        3,
    )
    set_out(
        stage,
        sheet,
        plants,
        "middle",
        count=number(stage, 5, 16),
        nearness=(0.16, 0.7),
        size=0.4,
        clearing=0.7,
        groups=0.3,
    )
    canvas = lay(stage, canvas, sheet)
    return stony_floor(stage, canvas, plants, 90)


def _blend_from(stage: Stage, canvas: Canvas, near: Canvas, nearness: float) -> Canvas:
    """`near` in front of `canvas`, beginning at a nearness."""
    y = np.arange(stage.height, dtype=np.float32)
    share = smoothstep(stage.row(nearness), stage.row(nearness + 0.12), y)[:, None, None]
    return canvas * (1 - share) + near * share


def desert_framing(stage: Stage) -> Framing:
    """Spears and pads in the corners."""
    return Framing(
        sides=breed(stage, "cacti", [leafy.rosette_spear, woody.paddle_cactus], 2),
        tufts=breed(stage, "tufts", [leafy.grass_tuft, mineral.boulder], 2, stem=stage.palette.rock),
        size=0.45,
    )


def savanna(stage: Stage) -> Canvas:
    """Grass to the horizon, flat-topped trees, a far scarp."""
    palette = stage.palette
    canvas = paint_sky(stage)
    line = outline(stage, stage.layout("scarp"), stage.horizon, 0.09 * stage.unit, 3, 4)
    canvas = paint_range(stage, canvas, line, palette.rock, 0.84, rugged=0.3)
    trees = breed(stage, "trees", [woody.umbrella_tree, woody.umbrella_tree, woody.bare_tree], 2)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "far trees",
        count=number(stage, 8, 18),
        nearness=(0.005, 0.05),
        size=0.62,
        clearing=0.2,
        veil=0.68,
    )
    canvas = lay(stage, canvas, sheet)
    canvas = paint_plain(stage, canvas, relief=0.55, patches=0.5, repeat=0.45)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "trees",
        count=number(stage, 2, 5),
        nearness=(0.12, 0.3),
        size=1.3,
        clearing=0.85,
        groups=0.0,
        veil=0.34,
    )
    canvas = lay(stage, canvas, sheet)
    grass = breed(stage, "grass", [leafy.grass_tuft, leafy.reeds], 3, leaf=mix(_GRASS, palette.ground, 0.4))
    sheet = sheet_of(stage)
    _sward(stage, sheet, (0.05, 0.95), 900)
    set_out(
        stage,
        sheet,
        grass,
        "middle",
        count=number(stage, 24, 46),
        nearness=(0.12, 0.85),
        size=0.2,
        clearing=0.5,
        groups=0.3,
    )
    canvas = lay(stage, canvas, sheet)
    return stony_floor(stage, canvas, grass, 40)


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


def savanna_framing(stage: Stage) -> Framing:
    """Tall grass in the corners and along the edge."""
    grass = breed(stage, "grass", [leafy.grass_tuft, leafy.reeds], 2, leaf=mix(_GRASS, stage.palette.ground, 0.4))
    return Framing(sides=grass, tufts=grass[:1], size=0.5, dark=0.42)


def coast(stage: Stage) -> Canvas:
    """Open sea with a path of light, stacks of rock, wet sand, shells and sea grass."""
    palette = stage.palette
    canvas = paint_sky(stage)
    line = outline(stage, stage.layout("cape"), stage.horizon, 0.11 * stage.unit, 3, 5)
    x = np.linspace(0, 1, stage.width)
    cape = smoothstep(0.42, 0.95, x if palette.side < 0 else 1 - x)
    canvas = paint_range(
        stage, canvas, stage.horizon + 1 - (stage.horizon + 1 - line) * cape, palette.rock, 0.72, rugged=0.6
    )
    stacks = breed(stage, "stacks", [mineral.spire, mineral.basalt, mineral.boulder], 2, stem=palette.rock)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        stacks,
        "far stacks",
        count=number(stage, 2, 6),
        nearness=(0.03, 0.12),
        size=0.95,
        clearing=0.8,
        groups=0.3,
        veil=0.55,
    )
    canvas = lay(stage, canvas, sheet)
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
    canvas = canvas + np.clip(edge, 0, 0.9)[..., None] * (white - canvas)
    sheet = sheet_of(stage)
    plants = breed(
        stage,
        "dune",
        [leafy.grass_tuft, leafy.rosette_spear, woody.crowned_tree, mineral.boulder],
        3,
        stem=palette.rock,
    )
    set_out(stage, sheet, plants, "middle", count=number(stage, 7, 18), nearness=(0.42, 0.85), size=0.28, clearing=0.85)
    canvas = lay(stage, canvas.astype(np.float32), sheet)
    sheet = sheet_of(stage)
    shells = [oklch(0.88, 0.05, 40), oklch(0.8, 0.08, 20), palette.rock, palette.ground]
    strew(stage, sheet, "shells", count=120, nearness=(0.45, 1.5), size=0.009, colours=shells)
    set_out(stage, sheet, plants[:1], "low", count=number(stage, 3, 9), nearness=(0.6, 0.95), size=0.1, clearing=0.5)
    return lay(stage, canvas, sheet)


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


def coast_framing(stage: Stage) -> Framing:
    """Sea grass in the corners."""
    plants = breed(stage, "dune", [leafy.grass_tuft, leafy.rosette_spear], 2)
    return Framing(sides=plants, tufts=plants[:1], size=0.42, dark=0.4)


DESERT = Place(desert, desert_framing, 0.2)
SAVANNA = Place(savanna, savanna_framing, 0.25)
COAST = Place(coast, coast_framing, 0.2)
