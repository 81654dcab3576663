"""Everything that is not hide: eyes, beaks and horns, shells, membranes, feathers, flesh, teeth."""

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.geometry.mesh import LOCAL, TINT, Material
from postcards_image.engines.creature.geometry.space import Floats, smoothstep
from postcards_image.engines.creature.surface.skin import Seen, Skin, blend, linear
from postcards_species.body.kinds import CoveringKind, EyeKind, PatternKind
from postcards_species.body.plan import BodyPlan

_CATCH = (-0.3, 0.46)
"""Where in the eye a window is mirrored: view-space x and y of the normal."""


def paint_parts(plan: BodyPlan, seen: Seen, skin: Skin) -> None:
    """Paints every part of another material onto `skin`."""
    painters = {
        Material.EYE: _eye,
        Material.COMPOUND: _facets,
        Material.HARD: _horn,
        Material.SHELL: _shell,
        Material.MEMBRANE: _membrane,
        Material.FEATHER: _feather,
        Material.FLESH: _flesh,
        Material.TOOTH: _tooth,
        Material.LEG_SKIN: _leg_skin,
        Material.QUILL: _quill,
    }
    for material, painter in painters.items():
        index = np.flatnonzero(seen.material == material)
        if len(index):
            painter(plan, seen, skin, index)


_Index = NDArray[np.intp]


def _eye(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    gaze, up, side = seen.fields[index, LOCAL].T
    length = np.sqrt(gaze**2 + up**2 + side**2) + 1e-6
    gaze, up, side = gaze / length, up / length, side / length
    away = np.arccos(np.clip(gaze, -1, 1))
    angle = np.arctan2(up, side)
    iris_size = 0.92
    rng = np.random.default_rng(plan.pose_seed)
    iris = linear(plan.palette.iris)
    fibres = np.zeros_like(angle)
    for n in (7, 13, 19, 31, 43):
        fibres += np.cos(n * angle + rng.uniform(0, 6.28) + 2.0 * away) / 5
    depth = np.clip(away / iris_size, 0, 1)
    glow_below = 0.75 - 0.75 * up
    tone = (0.45 + 0.75 * depth * (1 - depth) * 2 + 0.28 * fibres) * glow_below
    colour = iris * np.clip(tone, 0.05, 2.2)[:, None] * 1.7 + 0.015
    colour = blend(colour, iris * 0.12, smoothstep(0.78, 0.98, depth))
    white = 0.10 * linear(plan.palette.belly) + 0.03
    colour = blend(colour, white, smoothstep(iris_size * 0.97, iris_size * 1.04, away))
    kind = plan.eyes.kind
    if kind is EyeKind.SLIT:
        pupil = smoothstep(1.0, 0.86, np.abs(side) / (0.115 * np.sqrt(np.clip(1 - (up / 0.66) ** 2, 1e-4, 1))))
        pupil *= np.abs(up) < 0.66
    elif kind is EyeKind.BAR:
        pupil = smoothstep(1.0, 0.88, (np.abs(side) / 0.48) ** 4 + (np.abs(up) / 0.17) ** 2)
    else:
        pupil = smoothstep(0.47, 0.43, away)
    colour = blend(colour, np.float32(0.004) * np.ones(3, np.float32), pupil * (gaze > 0))
    lid_line = 0.95 - 1.25 * plan.eyes.lid + 0.1 * side
    elevation = np.arcsin(np.clip(up, -1, 1))
    upper = smoothstep(lid_line - 0.03, lid_line + 0.05, elevation)
    lower = smoothstep(-0.86, -0.95, elevation - 0.1 * np.abs(side))
    rim = smoothstep(1.2, 1.32, away)
    lid = np.maximum(np.maximum(upper, lower), rim)
    dark = 0.3 * linear(plan.palette.mark) + 0.2 * linear(plan.palette.base)
    skin_colour = dark * (0.55 + 0.4 * smoothstep(0.1, 0.5, elevation - lid_line))[:, None]
    shaded = 1 - 0.6 * smoothstep(lid_line - 0.42, lid_line, elevation)
    colour = blend(colour * shaded[:, None], skin_colour, lid)
    lash = smoothstep(0.075, 0.02, np.abs(elevation - lid_line)) * (away < 1.3)
    colour *= 1 - 0.85 * lash[:, None]
    skin.albedo[index] = colour
    skin.gloss[index] = np.where(lid > 0.5, 0.3, 0.97)
    skin.soft[index] = 0.2
    skin.ink[index] = np.maximum(pupil, lash)
    _catch_light(seen, skin, index, 1 - lid)


def _catch_light(seen: Seen, skin: Skin, index: _Index, open_: Floats) -> None:
    n = seen.normal[index]
    far = np.sqrt((n[:, 0] - _CATCH[0]) ** 2 + (n[:, 1] - _CATCH[1]) ** 2)
    window = smoothstep(0.19, 0.14, far)
    below = smoothstep(0.5, 0.1, np.sqrt((n[:, 0] - 0.35) ** 2 + (n[:, 1] + 0.5) ** 2)) * 0.06
    skin.glow[index] += ((window * 0.95 + below) * open_)[:, None]


def _facets(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    gaze, up, side = seen.fields[index, LOCAL].T
    length = np.sqrt(gaze**2 + up**2 + side**2) + 1e-6
    u, v = np.arcsin(np.clip(side / length, -1, 1)) * 11, np.arcsin(np.clip(up / length, -1, 1)) * 11
    row = np.floor(v / 0.866)
    cell_u = u - 0.5 * (row % 2)
    du, dv = cell_u - np.floor(cell_u) - 0.5, v / 0.866 - row - 0.5
    edge = smoothstep(0.34, 0.5, np.maximum(np.abs(du), np.abs(dv)))
    iris = linear(plan.palette.iris)
    n = seen.normal[index]
    turn = 0.5 + 0.5 * np.sin(5 * n[:, 2] + 3 * n[:, 1])[:, None]
    colour = iris * (0.55 + 0.9 * turn) + np.array((0.02, 0.05, 0.07), np.float32) * (1 - turn)
    colour *= (1 - 0.55 * edge)[:, None]
    watching = smoothstep(0.9, 0.97, n[:, 2])
    skin.albedo[index] = colour * (1 - 0.7 * watching)[:, None]
    skin.gloss[index] = 0.85
    skin.soft[index] = 0.2
    skin.ink[index] = edge * 0.4
    _catch_light(seen, skin, index, np.full(len(index), 0.75, np.float32))


def _horn(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    share = seen.fields[index, LOCAL.start]
    hard = linear(plan.palette.hard)
    rings = 0.5 + 0.5 * np.cos(share * 70 + 2 * seen.tone[index])
    colour = hard * (1.12 - 0.42 * seen.fields[index, TINT] * 0.6)[:, None]
    colour = colour * (1 - 0.2 * rings * (1 - share))[:, None] * (1 + 0.12 * seen.grain[index])[:, None]
    colour = blend(colour, colour * 0.38, smoothstep(0.62, 1.0, share) * 0.7)
    skin.albedo[index] = colour
    skin.gloss[index] = 0.5
    skin.soft[index] = 0.5
    skin.thin[index] = 0.0


def _tooth(_plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    share = seen.fields[index, LOCAL.start]
    ivory = np.array((0.72, 0.64, 0.48), np.float32)
    skin.albedo[index] = ivory * (1.1 - 0.35 * smoothstep(0.4, 0.0, share))[:, None]
    skin.gloss[index] = 0.55
    skin.soft[index] = 0.8


def _shell(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    spiral = seen.fields[index, LOCAL.start + 2] > 0.5
    shell, mark = linear(plan.palette.shell), linear(plan.palette.mark)
    x, z, _ = seen.fields[index, LOCAL].T
    if plan.covering.kind is CoveringKind.CHITIN:
        dome_colour, groove = _carapace(x, z, shell, plan, seen, index)
    else:
        dome_colour, groove = _scutes(x, z, shell, plan, seen, index)
    share, outer = np.clip(x, 0, 1), z
    bands = np.sin(96 * share**1.4 + 1.6 * np.sin(5 * outer) + 1.3 * seen.tone[index])
    stripe = smoothstep(-0.05, 0.25, bands) * smoothstep(0.97, 0.7, share) * smoothstep(-0.75, 0.0, outer)
    spiral_colour = blend(shell * (1 + 0.06 * seen.tone[index])[:, None], mark, stripe * 0.92)
    lines = 0.5 + 0.5 * np.sin(900 * share**1.3)
    spiral_colour = spiral_colour * (1 - 0.07 * lines)[:, None]
    skin.albedo[index] = np.where(spiral[:, None], spiral_colour, dome_colour)
    skin.gloss[index] = np.where(spiral, 0.6, 0.42)
    skin.soft[index] = 0.35
    skin.ink[index] = np.where(spiral, stripe * 0.3, groove)
    bump = np.where(spiral, 0, groove)
    skin.albedo[index] *= (1 - 0.62 * bump)[:, None]


def _carapace(x: Floats, z: Floats, shell: Floats, plan: BodyPlan, seen: Seen, index: _Index) -> tuple[Floats, Floats]:
    """One smooth plate, grainy and mottled, with a furrow that follows its rim."""
    radius = np.sqrt(x * x + z * z)
    furrow = (
        smoothstep(0.03, 0.012, np.abs(radius - 0.88))
        + smoothstep(0.03, 0.01, np.abs(np.abs(z) - 0.22 - 0.18 * x * x)) * (np.abs(x) < 0.6) * 0.6
    )
    spots = smoothstep(0.25, 0.75, np.sin(17 * x + 2 * seen.tone[index]) * np.sin(15 * np.abs(z) + 2))
    colour = shell * (1 + 0.22 * seen.tone[index] + 0.1 * seen.grain[index])[:, None]
    colour = blend(colour, linear(plan.palette.mark), spots * 0.55 * plan.pattern.contrast)
    colour = blend(colour, 0.5 * linear(plan.palette.belly) + 0.5 * shell, smoothstep(0.8, 1.0, radius) * 0.5)
    return colour, np.clip(furrow, 0, 1) * 0.7


def _scutes(x: Floats, z: Floats, shell: Floats, plan: BodyPlan, seen: Seen, index: _Index) -> tuple[Floats, Floats]:
    """Plates of a dome: five on the crest, four on each flank, small ones along the rim."""
    radius = np.sqrt(x * x + z * z)
    crest = np.abs(z) < 0.3
    u = np.where(crest, (x + 1) * 2.5, (x + 1) * 2.0 + 0.25)
    cell = u - np.floor(u)
    angle = np.arctan2(z, x)
    rim = radius > 0.83
    around = angle / (2 * np.pi) * 25
    gap_rim = np.minimum(np.abs(around - np.round(around)) * 0.22, np.abs(radius - 0.83) * 1.0)
    gap = np.minimum(np.minimum(cell, 1 - cell) * 0.4, np.abs(np.abs(z) - 0.3 - 0.03 * np.sin(u * 2 * np.pi)))
    gap = np.minimum(gap, np.abs(radius - 0.83))
    gap = np.where(rim, gap_rim, gap)
    groove = smoothstep(0.022, 0.006, gap)
    across = np.where(crest, np.arctan2(z, cell - 0.2), np.arctan2(cell - 0.5, np.abs(z) - 0.34))
    streaks = np.sin(13 * across + 2.2 * seen.tone[index] + 3 * np.floor(u)) * smoothstep(0.0, 0.12, gap + 0.04)
    growth = 0.5 + 0.5 * np.cos(gap * 190)
    light = linear(plan.palette.belly)
    colour = shell * (1 + 0.12 * seen.tone[index])[:, None] * (1 - 0.16 * growth)[:, None]
    colour = blend(colour, 0.6 * light + 0.4 * shell, smoothstep(0.35, 0.95, streaks) * 0.55)
    return blend(colour, 0.5 * linear(plan.palette.mark), smoothstep(-0.3, -0.9, streaks) * 0.5), groove


def _membrane(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    """Fins with rays (tint under 0.8), fleshy fins (0.9), wings that are clear (0) or painted (1)."""
    length, across, rays = seen.fields[index, LOCAL].T
    tint = seen.fields[index, TINT]
    accent, base, mark = (linear(c) for c in (plan.palette.accent, plan.palette.base, plan.palette.mark))
    ray = np.abs(((across * np.maximum(rays, 1)) % 1) - 0.5) * 2
    colour = blend(accent, 0.5 * base + 0.5 * accent, smoothstep(0.9, 0.2, length))
    colour = colour * (0.72 + 0.5 * smoothstep(0.0, 0.8, ray))[:, None] * (1 + 0.15 * seen.tone[index])[:, None]
    spots = np.sin(rays * across * 6.28 + 1.5) * np.sin(length * 16 + seen.tone[index])
    colour = blend(colour, mark, smoothstep(0.35, 0.6, spots) * 0.5 * plan.pattern.contrast)
    fleshy = (tint > 0.8) & (tint < 0.95)
    colour = np.where(fleshy[:, None], base * (0.95 - 0.25 * length)[:, None], colour)
    painted = (tint >= 0.95) & (rays > 30)
    if painted.any():
        colour = np.where(painted[:, None], _wing_painting(plan, length, across, seen.tone[index]), colour)
    clear = (tint < 0.05) & (rays > 30)
    if clear.any():
        veins = _veins(length, across)
        pale = blend(0.5 * accent + 0.35, 0.25 * mark, veins)
        colour = np.where(clear[:, None], pale, colour)
        skin.ink[index] = np.where(clear, veins, 0)
    edge = smoothstep(0.93, 1.0, length)
    skin.albedo[index] = colour * (1 - 0.35 * edge * ~painted)[:, None]
    skin.gloss[index] = np.where(clear, 0.85, np.where(painted, 0.15, 0.45))
    skin.thin[index] = np.where(fleshy, 0.4, 0.8)
    skin.soft[index] = 0.7


def _veins(length: Floats, across: Floats) -> Floats:
    """Ribs along the wing and cells between them."""
    ribs = np.abs(((across * 6 + 0.8 * length * across) % 1) - 0.5)
    cross = np.abs(((length * 13 + 0.5 * np.floor(across * 6)) % 1) - 0.5)
    vein = np.maximum(smoothstep(0.07, 0.02, ribs), 0.75 * smoothstep(0.06, 0.015, cross))
    return np.maximum(vein, smoothstep(0.05, 0.01, across))


def _wing_painting(plan: BodyPlan, length: Floats, across: Floats, tone: Floats) -> Floats:
    """A butterfly's wing: dark ribs and border, bright cells, pale spots in the border, one eye."""
    accent, mark, belly = (linear(c) for c in (plan.palette.accent, plan.palette.mark, plan.palette.belly))
    angle = across * 7
    cell = np.abs((angle % 1) - 0.5) * 2
    colour = blend(accent * 1.1, 0.55 * accent + 0.25 * belly, smoothstep(0.1, 0.6, length) * 0.6)
    colour = colour * (1 + 0.14 * tone)[:, None]
    rib = smoothstep(0.8, 0.93, cell + 0.05 * (1 - length))
    border = smoothstep(0.74, 0.8, np.maximum(length + 0.04 * np.cos(angle * 6.28), across * 0.86 + 0.04))
    dark = np.maximum(rib * 0.9, border)
    colour = blend(colour, mark * 0.6, dark)
    spots = smoothstep(
        0.42, 0.3, np.sqrt(((angle % 1) - 0.5) ** 2 + ((np.maximum(length, across * 0.86) - 0.89) * 9) ** 2)
    )
    colour = blend(colour, 0.6 * belly + 0.5, spots * 0.85)
    ring = np.sqrt(((length - 0.5) * 2.2) ** 2 + (across - 0.5) ** 2)
    colour = blend(colour, mark * 0.5, smoothstep(0.2, 0.18, ring))
    colour = blend(colour, 0.7 * belly + 0.3 * accent, smoothstep(0.15, 0.13, ring))
    return blend(colour, mark * 0.3, smoothstep(0.09, 0.07, ring))


def _feather(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    length, across, _ = seen.fields[index, LOCAL].T
    tint = seen.fields[index, TINT]
    base, mark, accent, belly = (
        linear(c) for c in (plan.palette.base, plan.palette.mark, plan.palette.accent, plan.palette.belly)
    )
    off = np.abs(across - 0.5) * 2
    colour = blend(
        base * (1 + 0.1 * seen.tone[index])[:, None], 0.45 * accent + 0.55 * base, smoothstep(0.0, 0.4, tint) * 0.35
    )
    colour = blend(colour, mark, smoothstep(0.45, 0.9, tint) * (0.45 + 0.5 * plan.pattern.contrast))
    if plan.pattern.kind in (PatternKind.BANDS, PatternKind.STRIPES, PatternKind.ROSETTES, PatternKind.MAZE):
        bars = smoothstep(0.1, 0.4, np.sin(length * 26 + 2 * off))
        colour = blend(colour, mark, bars * 0.6 * plan.pattern.contrast)
    if plan.pattern.kind in (PatternKind.SPOTS, PatternKind.PATCHES):
        eye = smoothstep(0.2, 0.14, np.sqrt((length - 0.78) ** 2 + (0.3 * off) ** 2))
        colour = blend(colour, mark, eye * plan.pattern.contrast)
    colour = blend(colour, 0.4 * belly + 0.6 * colour, smoothstep(0.86, 1.0, length) * 0.5 * (tint < 0.5))
    barbs = 0.5 + 0.5 * np.sin((length * 60 + off * 14) * 2.0)
    colour = colour * (0.86 + 0.2 * barbs)[:, None] * (1 - 0.3 * smoothstep(0.75, 1.0, off))[:, None]
    rachis = smoothstep(0.1, 0.02, off)
    colour = blend(colour, 0.5 * colour + 0.3, rachis * 0.5)
    iridescent = plan.covering.gloss > 0.3
    if iridescent:
        n = seen.normal[index]
        sheen = np.stack([0.5 + 0.5 * np.sin(6 * n[:, 2] + phase) for phase in (4.0, 1.6, 0.0)], 1)
        colour = colour + 0.09 * sheen * smoothstep(0.4, 0.9, tint)[:, None]
    skin.albedo[index] = colour
    skin.gloss[index] = 0.12 + 0.5 * plan.covering.gloss
    skin.soft[index] = 0.6
    skin.thin[index] = 0.45
    skin.ink[index] = np.maximum(0.5 * rachis, 0.6 * smoothstep(0.9, 1.0, off))


def _flesh(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    accent = linear(plan.palette.accent)
    tongue = seen.fields[index, TINT] > 0.5
    colour = np.where(tongue[:, None], np.array((0.5, 0.13, 0.14), np.float32), accent)
    skin.albedo[index] = colour * (1 + 0.2 * seen.grain[index] + 0.15 * seen.tone[index])[:, None]
    skin.gloss[index] = np.where(tongue, 0.75, 0.35)
    skin.soft[index] = 1.0
    skin.thin[index] = 0.5


def _leg_skin(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    share, around, _ = seen.fields[index, LOCAL].T
    chitin = plan.covering.kind is CoveringKind.CHITIN
    colour = 0.55 * linear(plan.palette.accent) + 0.45 * linear(plan.palette.hard)
    if chitin:
        colour = 0.75 * linear(plan.palette.base) + 0.25 * linear(plan.palette.mark)
    rings = smoothstep(0.25, 0.45, np.abs((share * 22) % 1 - 0.5))
    skin.albedo[index] = colour * (1 - 0.4 * rings * (0.4 + 0.6 * np.abs(around)))[:, None]
    skin.gloss[index] = 0.35
    skin.soft[index] = 0.5
    skin.ink[index] = 0.3 * rings


def _quill(plan: BodyPlan, seen: Seen, skin: Skin, index: _Index) -> None:
    share = seen.fields[index, LOCAL.start]
    pale, dark = linear(plan.palette.hard), 0.6 * linear(plan.palette.mark)
    bands = smoothstep(0.3, 0.45, share) * smoothstep(0.8, 0.68, share)
    skin.albedo[index] = blend(pale * (1 + 0.2 * seen.tone[index])[:, None], dark, bands)
    skin.gloss[index] = 0.4
    skin.soft[index] = 0.5
