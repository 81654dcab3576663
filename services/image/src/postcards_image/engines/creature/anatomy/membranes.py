"""Thin parts: fins, flukes, ears, feathers and insect wings."""

from collections.abc import Sequence

import numpy as np

from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.flesh import Flesh
from postcards_image.engines.creature.geometry.mesh import HEAD, LIMB, LOCAL, TINT, Material, Mesh, join, sheet
from postcards_image.engines.creature.geometry.space import UP, Floats, cross, profile, spline, unit
from postcards_species.body.plan import BodyPlan


def fan(
    base: Floats,
    tips: Floats,
    material: Material,
    *,
    rows: int = 9,
    columns: int = 25,
    notch: float = 0.12,
    rays: int = 9,
    bow: Floats | None = None,
) -> Mesh:
    """A membrane from the line `base` (n, 3) to the line `tips` (n, 3), its free edge notched between `rays` rays.

    `bow` (3,) moves the middle of every ray, to curve it.
    """
    start, end = spline(base, columns), spline(tips, columns)
    share = np.linspace(0, 1, columns, dtype=np.float32)
    edge = 1 - notch * np.abs(np.sin(share * np.pi * rays))
    grid = np.empty((rows, columns, 3), np.float32)
    for i, t in enumerate(np.linspace(0, 1, rows)):
        grid[i] = start + (end - start) * (edge[:, None] * t)
        if bow is not None:
            grid[i] += bow * float(np.sin(np.pi * min(1.0, t * 0.75)))
    part = sheet(grid, material)
    part.fields[:, 5] = rays
    return part


def feather(
    root: Floats,
    way: Floats,
    face: Floats,
    length: float,
    width: float,
    *,
    bend: Floats | None = None,
    tint: float = 0.0,
    rows: int = 9,
    point: float = 0.35,
) -> Mesh:
    """One feather from `root` along `way`, its flat side towards `face`; `LOCAL` is (share of length, across, 1)."""
    aside = unit(cross(way, face))
    t = np.linspace(0, 1, rows, dtype=np.float32)
    outline = profile((0.3, 0.72, 1.0, 0.96, point), rows) * np.where(t > 0.97, 0.45, 1.0)
    middle = root + way * (length * t)[:, None]
    if bend is not None:
        middle = middle + bend * (length * t * t)[:, None]
    cup = face * (0.16 * width)
    grid = np.stack(
        [middle + aside * (outline * width * 0.5 * s)[:, None] - cup * abs(s) for s in (-1.0, -0.5, 0.0, 0.5, 1.0)], 1
    )
    part = sheet(grid.astype(np.float32), Material.FEATHER, tint=tint)
    part.fields[:, 5] = 1.0
    return part


def grow_ears(plan: BodyPlan, skeleton: Skeleton, flesh: Flesh) -> list[Mesh]:
    """Cupped ears: a sheet whose hollow side is pale (`TINT` 1 in the hollow)."""
    ears, frame, size = plan.ears, skeleton.skull, plan.head.size
    if ears.length < 0.08:
        return []
    meshes: list[Mesh] = []
    for side in (-1, 1):
        spread = ears.spread
        way = frame.towards(-0.16, 1.0 - 0.75 * spread, side * (0.42 + 0.75 * spread))
        # The root is high and behind the eyes; the ear then stands or hangs.
        root = flesh.skin_along(frame.origin, way, 2.0 * size) - way * 0.07 * size
        hang = max(0.0, spread - 0.7) / 0.3
        grow = frame.towards(
            -0.3 - 0.1 * spread, 1.0 - 1.0 * spread - 0.9 * hang, side * (0.3 + 0.8 * spread - 0.45 * hang)
        )
        opening = unit(frame.ahead * (0.84 - 0.4 * hang) + frame.side * side * (0.54 + 0.5 * hang))
        meshes.append(_ear(root, grow, opening, ears.length * size, ears.width, ears.point, hang))
    return meshes


def _ear(root: Floats, grow: Floats, opening: Floats, length: float, width: float, point: float, hang: float) -> Mesh:
    aside = unit(cross(grow, opening))
    face = cross(aside, grow)
    rows, columns = 15, 13
    t = np.linspace(0, 1, rows, dtype=np.float32)
    round_edge = np.sqrt(np.clip(1 - (np.clip(t - 0.42, 0, 1) / 0.585) ** 2, 0, 1))
    sharp_edge = np.clip((1 - t) / 0.58, 0, 1) ** 0.85
    outline = np.where(
        t < 0.42, 0.5 + 0.5 * np.sin(t / 0.42 * np.pi / 2), round_edge * (1 - point) + sharp_edge * point
    )
    middle = root + grow * (length * t)[:, None] + face * (0.1 * length * np.sin(np.pi * t))[:, None]
    middle -= UP * (hang * 0.25 * length * t * t)[:, None]
    s = np.linspace(-1, 1, columns, dtype=np.float32)
    curl = (1.05 - 0.6 * hang) * (1 - t * 0.5)
    across = np.sin(s[None, :] * (1.25 * curl[:, None])) / np.maximum(1.25 * curl[:, None], 1e-3)
    depth = (1 - np.cos(s[None, :] * 1.25 * curl[:, None])) * 0.9
    half = (outline * 0.5 * width * length)[:, None]
    grid = middle[:, None] + aside * (across * half)[..., None] + face * ((depth - 0.1) * half)[..., None]
    front = sheet(grid.astype(np.float32), Material.HIDE)
    hollow = (1 - np.abs(np.tile(s, rows)) ** 2.2) * np.repeat(
        np.sin(np.pi * np.clip(t * 0.93 + 0.04, 0, 1)) ** 0.7, columns
    )
    thick = 0.035 * length
    back = sheet((grid - face * (thick * (1 - np.abs(s) ** 4)[None, :, None])).astype(np.float32), Material.HIDE)
    facing = float((front.normal @ face).mean())
    if facing < 0:
        front = Mesh(front.position, -front.normal, front.fields, front.triangles[:, ::-1], front.material)
    else:
        back = Mesh(back.position, -back.normal, back.fields, back.triangles[:, ::-1], back.material)
    front.fields[:, TINT] = hollow
    for part in (front, back):
        part.fields[:, HEAD] = 0.55
        part.fields[:, LOCAL] = 9.0
        part.fields[:, 6] = 0.6
        part.fields[:, 7] = 1.25
        part.fields[:, 10] = 0.35
    return join((front, back))


def insect_wing(
    root: Floats, way: Floats, back: Floats, face: Floats, length: float, outline: Sequence[float], tint: float
) -> Mesh:
    """A membrane with veins; `outline` gives its width behind the leading edge over its length, root to tip."""
    rows, columns = 27, 13
    t = np.linspace(0, 1, rows, dtype=np.float32)
    rounding = np.sqrt(np.clip(1 - (np.clip(t - 0.72, 0, 1) / 0.285) ** 2, 0, 1))
    width = profile(tuple(outline), rows) * length * rounding
    droop = 0.5 * float(np.interp(0.8, np.linspace(0, 1, len(outline)), outline)) * (1 - rounding)
    lead = root + way * (length * t)[:, None] + back * (length * (droop - 0.07 * np.sin(np.pi * t)))[:, None]
    s = np.linspace(0, 1, columns, dtype=np.float32)
    ripple = face * (0.03 * length)
    grid = lead[:, None] + back * (s[None, :] * width[:, None])[..., None]
    grid = grid + ripple * (np.sin(s * np.pi)[None, :] * np.sin(t * np.pi)[:, None])[..., None]
    part = sheet(grid.astype(np.float32), Material.MEMBRANE, tint=tint)
    part.fields[:, 5] = 40.0
    part.fields[:, LIMB] = 0.5
    return part
