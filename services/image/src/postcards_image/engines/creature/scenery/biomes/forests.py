"""Recipes of the wooded and wet places: jungle, swamp, fungal forest."""

import numpy as np

from postcards_image.engines.creature.scenery.biomes.recipe import Canvas, Framing, Place, lay, number, sheet_of
from postcards_image.engines.creature.scenery.colour import mix, oklch
from postcards_image.engines.creature.scenery.ground import crowns, paint_plain, paint_range
from postcards_image.engines.creature.scenery.plants import fungi, leafy, mineral, woody
from postcards_image.engines.creature.scenery.plants.planting import breed, set_out, strew
from postcards_image.engines.creature.scenery.sky import paint_sky
from postcards_image.engines.creature.scenery.stage import Stage
from postcards_image.engines.creature.scenery.water import pool_mask, pools, rays
from postcards_image.engines.creature.scenery.weather import mist


def _far_woods(stage: Stage, canvas: Canvas, levels: int, height: float, count: int) -> Canvas:
    """Silhouettes of crowns, one behind the other, mist between."""
    for level in range(levels):
        share = level / max(1, levels - 1)
        rng = stage.layout(f"woods/{level}")
        tall = height * (1.15 - 0.35 * share) * stage.unit
        line = crowns(stage, rng, stage.horizon + 0.02 * stage.unit, tall, count + 6 * level)
        albedo = mix(stage.palette.leaf, stage.palette.stem, 0.3)
        canvas = paint_range(stage, canvas, line, albedo, 0.86 - 0.34 * share, base=stage.horizon + 0.05 * stage.unit)
    return canvas


def _trunks(stage: Stage, canvas: Canvas, name: str, count: int, nearness: float, width: float, veil: float) -> Canvas:
    """Tall trunks that leave the frame, with buttressed feet, outside the middle."""
    rng, sheet, palette = stage.layout(name), sheet_of(stage), stage.palette
    base = stage.row(nearness)
    for _ in range(count):
        x = float(rng.random())
        if abs(x - 0.5) < 0.16:
            x = 0.5 + np.copysign(0.16 + abs(x - 0.5), x - 0.5)
        half = width * stage.unit * float(rng.uniform(0.5, 1.2)) / 2
        rows = np.linspace(base, -0.05 * stage.height, 12)
        up = (base - rows) / max(base, 1)
        sway = float(rng.normal(0, 0.03)) * stage.unit * np.sin(up * 3 + float(rng.uniform(0, 6)))
        flare = 1 + 1.7 * np.exp(-up * 14) - 0.25 * up
        left, right = x * stage.width + sway - half * flare, x * stage.width + sway + half * flare
        for low, high, facing in (
            (0.0, 1.0, -0.35),
            (0.0, 0.3, -0.35 - 0.6 * palette.side),
            (0.62, 1.0, -0.35 + 0.6 * palette.side),
            (0.3, 0.62, -0.2),
        ):
            a, b = left + (right - left) * low, left + (right - left) * high
            colour = palette.lit(palette.stem[None], np.array([facing]))[0]
            sheet.polygon(
                np.concatenate([np.stack([a, rows], 1), np.stack([b, rows], 1)[::-1]]), palette.veiled(colour, veil)
            )
    return lay(stage, canvas, sheet)


def jungle(stage: Stage) -> Canvas:
    """Crowns behind crowns, trunks in green air, ferns and broad leaves, shafts of light."""
    canvas = paint_sky(stage)
    canvas = _far_woods(stage, canvas, 4, 0.36, 12)
    canvas = paint_plain(stage, canvas, relief=0.5, patches=0.55, repeat=0.5)
    trees = breed(stage, "trees", [woody.canopy_tree, woody.crowned_tree], 2)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "far trees",
        count=number(stage, 5, 10),
        nearness=(0.06, 0.22),
        size=1.15,
        clearing=0.35,
        veil=0.6,
    )
    canvas = lay(stage, canvas, sheet)
    canvas = _trunks(stage, canvas, "trunks/far", number(stage, 4, 9), 0.2, 0.045, 0.62)
    canvas = mist(stage, canvas, stage.horizon, 0.10, 0.5, "woods")
    canvas = _trunks(stage, canvas, "trunks/near", number(stage, 2, 4), 0.42, 0.085, 0.34)
    under = breed(
        stage,
        "under",
        [leafy.frond_rosette, leafy.broad_leaves, leafy.lantern_stalks, woody.crowned_tree],
        3,
    )
    sheet = sheet_of(stage)
    set_out(stage, sheet, under, "middle", count=number(stage, 14, 26), nearness=(0.22, 0.7), size=0.40)
    canvas = lay(stage, canvas, sheet, 0.5)
    source = (stage.orb[0], min(stage.orb[1], 0.0))
    canvas = rays(stage, canvas, source, 0.42 * (1 - 0.6 * stage.palette.overcast), stage.palette.light.colour, 1.0)
    return _floor(stage, canvas, 90)


def _floor(stage: Stage, canvas: Canvas, litter: int) -> Canvas:
    """Leaf litter and low plants around the feet."""
    sheet = sheet_of(stage)
    palette = stage.palette
    strew(
        stage,
        sheet,
        "litter",
        count=litter,
        nearness=(0.25, 1.5),
        size=0.016,
        colours=[palette.patch, palette.stem, mix(palette.accent, palette.stem, 0.82)],
    )
    low = breed(stage, "low", [leafy.cushion, leafy.grass_tuft, mineral.boulder], 3, stem=palette.rock)
    set_out(stage, sheet, low, "low", count=number(stage, 14, 28), nearness=(0.35, 0.94), size=0.07, clearing=0.2)
    return lay(stage, canvas, sheet, 0.5)


def jungle_framing(stage: Stage) -> Framing:
    """Big leaves in the corners, lianas above."""
    return Framing(
        sides=breed(stage, "under", [leafy.broad_leaves, leafy.frond_rosette], 2),
        hanging=breed(stage, "liana", [leafy.liana], 2),
        tufts=breed(stage, "low", [leafy.grass_tuft], 1),
        dark=0.3,
    )


def swamp(stage: Stage) -> Canvas:
    """Drowned trees with beards, reeds, pools that mirror them, banks of mist."""
    canvas = paint_sky(stage)
    canvas = _far_woods(stage, canvas, 3, 0.22, 16)
    canvas = paint_plain(stage, canvas, relief=0.4, patches=0.6, repeat=0.45)
    trees = breed(stage, "trees", [woody.hung_tree, woody.bare_tree], 2)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "far trees",
        count=number(stage, 6, 11),
        nearness=(0.03, 0.16),
        size=0.95,
        clearing=0.5,
        veil=0.66,
    )
    canvas = lay(stage, canvas, sheet)
    canvas = mist(stage, canvas, stage.horizon + 0.01 * stage.unit, 0.05, 0.6, "far")
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        trees,
        "near trees",
        count=number(stage, 2, 4),
        nearness=(0.2, 0.38),
        size=1.25,
        clearing=0.9,
        groups=0.0,
        veil=0.3,
    )
    canvas = lay(stage, canvas, sheet)
    canvas = pools(stage, canvas, pool_mask(stage, 0.66), stage.horizon + 0.012 * stage.height, 0.3, 0.035)
    reeds = breed(stage, "reeds", [leafy.reeds, leafy.lantern_stalks, leafy.grass_tuft], 3)
    sheet = sheet_of(stage)
    set_out(stage, sheet, reeds, "middle", count=number(stage, 16, 30), nearness=(0.18, 0.75), size=0.32, clearing=0.65)
    canvas = lay(stage, canvas, sheet, 0.7)
    canvas = mist(stage, canvas, stage.row(0.25), 0.05, 0.45, "near")
    return _floor(stage, canvas, 60)


def swamp_framing(stage: Stage) -> Framing:
    """Reeds in the corners, beards above."""
    return Framing(
        sides=breed(stage, "reeds", [leafy.reeds, leafy.grass_tuft], 2),
        hanging=breed(stage, "liana", [leafy.liana], 1),
        tufts=breed(stage, "low", [leafy.grass_tuft], 1),
        dark=0.3,
    )


def fungal_forest(stage: Stage) -> Canvas:
    """Fungi as tall as trees, glowing kin at their feet, spores in violet air."""
    canvas = paint_sky(stage)
    palette = stage.palette
    giants = breed(stage, "giants", [fungi.parasol], 3, height=(0.7, 1.35))
    canvas = _far_woods(stage, canvas, 2, 0.2, 9)
    for level, (near, veil, count) in enumerate((((0.02, 0.06), 0.80, 6), ((0.07, 0.14), 0.64, 6))):
        sheet = sheet_of(stage)
        set_out(
            stage,
            sheet,
            giants,
            f"giants/{level}",
            count=count,
            nearness=near,
            size=2.2 - 0.3 * level,
            clearing=0.45,
            veil=veil,
        )
        canvas = lay(stage, canvas, sheet, 0.3)
        canvas = mist(stage, canvas, stage.horizon, 0.07, 0.4, f"giants/{level}")
    canvas = paint_plain(stage, canvas, relief=0.5, patches=0.55, repeat=0.45)
    sheet = sheet_of(stage)
    set_out(
        stage,
        sheet,
        giants,
        "near giants",
        count=number(stage, 4, 7),
        nearness=(0.2, 0.4),
        size=1.05,
        clearing=0.72,
        groups=0.1,
        veil=0.32,
    )
    canvas = lay(stage, canvas, sheet, 0.5)
    small = breed(
        stage,
        "small",
        [fungi.bell_cluster, fungi.coral_fungus, fungi.puffballs, fungi.parasol],
        4,
    )
    sheet = sheet_of(stage)
    set_out(stage, sheet, small, "middle", count=number(stage, 14, 26), nearness=(0.3, 0.8), size=0.26, clearing=0.6)
    canvas = lay(stage, canvas, sheet, 0.9)
    canvas = rays(
        stage, canvas, (stage.orb[0], -0.1 * stage.height), 0.25, mix(palette.light.colour, palette.glow, 0.3), 0.9
    )
    sheet = sheet_of(stage)
    strew(
        stage,
        sheet,
        "litter",
        count=50,
        nearness=(0.25, 1.5),
        size=0.013,
        colours=[palette.patch, palette.leaf, palette.stem],
    )
    set_out(stage, sheet, small, "low", count=number(stage, 10, 22), nearness=(0.6, 0.95), size=0.08, clearing=0.3)
    return lay(stage, canvas, sheet, 0.8)


def fungal_framing(stage: Stage) -> Framing:
    """Bells and caps in the corners, threads above."""
    return Framing(
        sides=breed(stage, "small", [fungi.bell_cluster, fungi.parasol], 2),
        hanging=breed(stage, "liana", [leafy.liana], 1, leaf=oklch(0.6, 0.1, 300)),
        tufts=breed(stage, "tufts", [fungi.coral_fungus, leafy.cushion], 2),
        size=0.5,
        dark=0.3,
    )


JUNGLE = Place(jungle, jungle_framing, 0.42)
SWAMP = Place(swamp, swamp_framing, 0.34)
FUNGAL_FOREST = Place(fungal_forest, fungal_framing, 0.36)
