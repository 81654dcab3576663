"""Domes and spirals."""

import numpy as np

from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.mesh import (
    DORSAL,
    FLOW,
    LOCAL,
    Material,
    Mesh,
    blank_fields,
    grid_triangles,
    vertex_normals,
)
from postcards_image.engines.creature.geometry.space import unit
from postcards_species.body.kinds import LimbKind, ShellKind
from postcards_species.body.plan import BodyPlan


def grow_shell(plan: BodyPlan, skeleton: Skeleton) -> list[Mesh]:
    """The shell of `plan`: `LOCAL` is (share along, share around, 0 for a dome and 1 for a spiral)."""
    if plan.shell.kind is ShellKind.DOME and plan.shell.size > 0.1:
        return [_dome(plan, skeleton)]
    if plan.shell.kind is ShellKind.SPIRAL and plan.shell.size > 0.1:
        return [_spiral(plan, skeleton)]
    return []


def _dome(plan: BodyPlan, skeleton: Skeleton) -> Mesh:
    """A vault over the trunk whose rim flares."""
    frame = skeleton.frame(0.5)
    radius = float(skeleton.trunk_radius.max())
    # A small shell is a cap on the back, a large one covers the flanks.
    half_wide = radius * np.sqrt(plan.spine.flatness) * 1.16 * min(1.0, 0.5 + 0.5 * plan.shell.size)
    half_long = max(plan.shell.size * 0.5, half_wide * 0.6)
    high = plan.shell.height * plan.shell.size * 0.4 + radius / np.sqrt(plan.spine.flatness) * 0.92
    rows, columns = 25, 64
    polar = np.linspace(0, 1, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None, :]
    spread = np.sin(polar * np.pi / 2) ** 0.9
    flare = 1 + 0.07 * np.clip(polar - 0.86, 0, 1) / 0.14
    taper = 1 - 0.1 * np.cos(around) * -1
    x = half_long * spread * flare * np.cos(around)
    z = half_wide * spread * flare * np.sin(around) * taper
    y = high * np.cos(polar * np.pi / 2) ** 0.8 - 0.05 * radius + 0 * around
    position = (frame.origin + x[..., None] * frame.ahead + y[..., None] * frame.up + z[..., None] * frame.side).astype(
        np.float32
    )
    flat = position.reshape(-1, 3)
    triangles = grid_triangles(rows, columns, wrap=True)
    normal = vertex_normals(flat, triangles)
    if float((normal @ frame.up).mean()) < 0:
        normal, triangles = -normal, triangles[:, ::-1]
    fields = blank_fields(len(flat), unit(np.broadcast_to(-frame.ahead, flat.shape)))
    fields[:, LOCAL] = np.stack(((x / half_long).ravel(), (z / half_wide).ravel(), np.zeros(x.size)), 1)
    fields[:, DORSAL] = np.broadcast_to(1 - polar * 1.2, x.shape).ravel()
    return Mesh(
        flat,
        normal.astype(np.float32),
        fields,
        triangles.astype(np.int32),
        np.full(len(triangles), Material.SHELL, np.uint8),
    )


def _spiral(plan: BodyPlan, skeleton: Skeleton) -> Mesh:
    """A flat logarithmic spiral, like that of a nautilus, its mouth over the trunk."""
    size = plan.shell.size
    radius = float(skeleton.trunk_radius.max())
    legs_behind = any(limb.kind is LimbKind.LEG and limb.at < 0.4 for limb in plan.limbs)
    frame = skeleton.frame(0.5)
    turns = 2.35
    rows, columns = 110, 28
    t = np.linspace(0, 1, rows)
    angle = -turns * 2 * np.pi * (1 - t)
    growth = np.exp(1.13 * turns * (t - 1) * 1.0)
    centre_path = 0.36 * size * growth
    tube_radius = 0.31 * size * growth
    # The spiral ends below its middle, pointing ahead, where the body leaves it; over hind legs it rides on the back.
    middle = frame.at(-0.04 * size, 0.36 * size + (radius * 0.62 if legs_behind else radius * 0.06), 0)
    phase = -0.5 * np.pi
    x = np.cos(angle + phase) * centre_path
    y = np.sin(angle + phase) * centre_path
    path = middle + x[:, None] * frame.ahead + y[:, None] * frame.up
    outward = np.cos(angle + phase)[:, None] * frame.ahead + np.sin(angle + phase)[:, None] * frame.up
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    ring = outward[:, None] * np.cos(around)[None, :, None] * 1.0 + frame.side * np.sin(around)[None, :, None] * (
        0.72 + 0.5 * plan.shell.height * 0.3
    )
    position = (path[:, None] + ring * tube_radius[:, None, None]).astype(np.float32)
    flat = position.reshape(-1, 3)
    triangles = grid_triangles(rows, columns, wrap=True)
    normal = vertex_normals(flat, triangles)
    if float((normal * (flat - np.repeat(path, columns, 0))).sum(1).mean()) < 0:
        normal, triangles = -normal, triangles[:, ::-1]
    along = unit(np.gradient(path, axis=0))
    fields = blank_fields(len(flat), np.repeat(along, columns, 0))
    fields[:, 3] = np.repeat(t, columns)
    fields[:, 4] = np.tile(np.cos(around), rows)
    fields[:, 5] = 1.0
    fields[:, DORSAL] = normal[:, 1]
    fields[:, FLOW] = np.repeat(along, columns, 0)
    return Mesh(
        flat,
        normal.astype(np.float32),
        fields,
        triangles.astype(np.int32),
        np.full(len(triangles), Material.SHELL, np.uint8),
    )
