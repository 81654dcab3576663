"""Recipes of the wooded and wet places: jungle, swamp, fungal forest."""

import numpy as np

from postcards_image.engines.creature.scenery.biomes.recipe import (
    Canvas,
    Flora,
    Framing,
    Layer,
    Mist,
    Place,
    Plain,
    Stand,
    Step,
    Strewn,
    lay,
    number,
    rock,
    sheet_of,
)
from postcards_image.engines.creature.scenery.colour import mix, oklch
from postcards_image.engines.creature.scenery.ground import crowns, paint_range
from postcards_image.engines.creature.scenery.plants import fungi, leafy, mineral, woody
from postcards_image.engines.creature.scenery.sky import paint_sky
from postcards_image.engines.creature.scenery.stage import Stage
from postcards_image.engines.creature.scenery.water import pool_mask, pools, rays


def _far_woods(levels: int, height: float, count: int) -> Step:
    """Silhouettes of crowns, one behind the other, mist between."""

    def paint(stage: Stage, canvas: Canvas) -> Canvas:
        for level in range(levels):
            share = level / max(1, levels - 1)
            rng = stage.layout(f"woods/{level}")
            tall = height * (1.15 - 0.35 * share) * stage.unit
            line = crowns(stage, rng, stage.horizon + 0.02 * stage.unit, tall, count + 6 * level)
            albedo = mix(stage.palette.leaf, stage.palette.stem, 0.3)
            canvas = paint_range(
                stage, canvas, line, albedo, 0.86 - 0.34 * share, base=stage.horizon + 0.05 * stage.unit
            )
        return canvas

    return paint


def _trunks(name: str, count: tuple[int, int], nearness: float, width: float, veil: float) -> Step:
    """Tall trunks that leave the frame, with buttressed feet, outside the middle."""

    def paint(stage: Stage, canvas: Canvas) -> Canvas:
        rng, sheet, palette = stage.layout(name), sheet_of(stage), stage.palette
        base = stage.row(nearness)
        for _ in range(number(stage, *count)):
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

    return paint


def _floor(litter: int) -> Layer:
    """Leaf litter and low plants around the feet."""
    low = Flora("low", [leafy.cushion, leafy.grass_tuft, mineral.boulder], 3, stem=rock)
    return Layer(
        Strewn("litter", litter, 0.016, lambda p: [p.patch, p.stem, mix(p.accent, p.stem, 0.82)]),
        Stand(low, "low", (14, 28), (0.35, 0.94), 0.07, clearing=0.2),
        bloom=0.5,
    )


def _shafts(stage: Stage, canvas: Canvas) -> Canvas:
    """Light through the crowns."""
    source = (stage.orb[0], min(stage.orb[1], 0.0))
    return rays(stage, canvas, source, 0.42 * (1 - 0.6 * stage.palette.overcast), stage.palette.light.colour, 1.0)


_CANOPY = Flora("trees", [woody.canopy_tree, woody.crowned_tree], 2)
_UNDER = [leafy.frond_rosette, leafy.broad_leaves, leafy.lantern_stalks, woody.crowned_tree]

JUNGLE = Place(
    paint_sky,
    (
        _far_woods(4, 0.36, 12),
        Plain(0.5, 0.55, 0.5),
        Layer(Stand(_CANOPY, "far trees", (5, 10), (0.06, 0.22), 1.15, clearing=0.35, veil=0.6)),
        _trunks("trunks/far", (4, 9), 0.2, 0.045, 0.62),
        Mist("woods", 0.10, 0.5),
        _trunks("trunks/near", (2, 4), 0.42, 0.085, 0.34),
        Layer(Stand(Flora("under", _UNDER, 3), "middle", (14, 26), (0.22, 0.7), 0.40), bloom=0.5),
        _shafts,
        _floor(90),
    ),
    Framing(
        sides=Flora("under", [leafy.broad_leaves, leafy.frond_rosette], 2),
        hanging=Flora("liana", [leafy.liana], 2),
        tufts=Flora("low", [leafy.grass_tuft], 1),
        dark=0.3,
    ),
    0.42,
)
"""Crowns behind crowns, trunks in green air, ferns and broad leaves, shafts of light."""


def _swamp_pools(stage: Stage, canvas: Canvas) -> Canvas:
    return pools(stage, canvas, pool_mask(stage, 0.66), stage.horizon + 0.012 * stage.height, 0.3, 0.035)


_DROWNED = Flora("trees", [woody.hung_tree, woody.bare_tree], 2)
_REEDS = Flora("reeds", [leafy.reeds, leafy.lantern_stalks, leafy.grass_tuft], 3)

SWAMP = Place(
    paint_sky,
    (
        _far_woods(3, 0.22, 16),
        Plain(0.4, 0.6, 0.45),
        Layer(Stand(_DROWNED, "far trees", (6, 11), (0.03, 0.16), 0.95, clearing=0.5, veil=0.66)),
        Mist("far", 0.05, 0.6, foot=0.01),
        Layer(Stand(_DROWNED, "near trees", (2, 4), (0.2, 0.38), 1.25, clearing=0.9, groups=0.0, veil=0.3)),
        _swamp_pools,
        Layer(Stand(_REEDS, "middle", (16, 30), (0.18, 0.75), 0.32, clearing=0.65), bloom=0.7),
        Mist("near", 0.05, 0.45, nearness=0.25),
        _floor(60),
    ),
    Framing(
        sides=Flora("reeds", [leafy.reeds, leafy.grass_tuft], 2),
        hanging=Flora("liana", [leafy.liana], 1),
        tufts=Flora("low", [leafy.grass_tuft], 1),
        dark=0.3,
    ),
    0.34,
)
"""Drowned trees with beards, reeds, pools that mirror them, banks of mist."""


def _violet_shafts(stage: Stage, canvas: Canvas) -> Canvas:
    palette = stage.palette
    source = (stage.orb[0], -0.1 * stage.height)
    return rays(stage, canvas, source, 0.25, mix(palette.light.colour, palette.glow, 0.3), 0.9)


_GIANTS = Flora("giants", [fungi.parasol], 3, height=(0.7, 1.35))
_SMALL = Flora("small", [fungi.bell_cluster, fungi.coral_fungus, fungi.puffballs, fungi.parasol], 4)

FUNGAL_FOREST = Place(
    paint_sky,
    (
        _far_woods(2, 0.2, 9),
        Layer(Stand(_GIANTS, "giants/0", (6, 6), (0.02, 0.06), 2.2, clearing=0.45, veil=0.80), bloom=0.3),
        Mist("giants/0", 0.07, 0.4),
        Layer(Stand(_GIANTS, "giants/1", (6, 6), (0.07, 0.14), 1.9, clearing=0.45, veil=0.64), bloom=0.3),
        Mist("giants/1", 0.07, 0.4),
        Plain(0.5, 0.55, 0.45),
        Layer(Stand(_GIANTS, "near giants", (4, 7), (0.2, 0.4), 1.05, clearing=0.72, groups=0.1, veil=0.32), bloom=0.5),
        Layer(Stand(_SMALL, "middle", (14, 26), (0.3, 0.8), 0.26, clearing=0.6), bloom=0.9),
        _violet_shafts,
        Layer(
            Strewn("litter", 50, 0.013, lambda p: [p.patch, p.leaf, p.stem]),
            Stand(_SMALL, "low", (10, 22), (0.6, 0.95), 0.08, clearing=0.3),
        ),
    ),
    Framing(
        sides=Flora("small", [fungi.bell_cluster, fungi.parasol], 2),
        hanging=Flora("liana", [leafy.liana], 1, leaf=lambda _: oklch(0.6, 0.1, 300)),
        tufts=Flora("tufts", [fungi.coral_fungus, leafy.cushion], 2),
        size=0.5,
        dark=0.3,
    ),
    0.36,
)
"""Fungi as tall as trees, glowing kin at their feet, spores in violet air."""
