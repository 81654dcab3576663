"""Surfaces of triangles that carry what the skin needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.geometry.space import Floats, carry_frame, cross, unit

Indices = NDArray[np.int32]


class Material(IntEnum):
    """What a triangle is made of."""

    HIDE = 0
    HARD = 1
    SHELL = 2
    MEMBRANE = 3
    EYE = 4
    COMPOUND = 5
    TOOTH = 6
    FLESH = 7
    FEATHER = 8
    LEG_SKIN = 9
    QUILL = 10


FLOW = slice(0, 3)
"""Fields: the direction in which hair, scales and feathers lie."""
LOCAL = slice(3, 6)
"""Fields: coordinates within the part, by material (on hide: in the skull's frame, in skulls)."""
DORSAL = 6
"""Field: 1 on the back, -1 on the belly."""
ALONG = 7
"""Field: 0 at the rump, 1 at the shoulder, 2 at the tip of the snout; below 0 along the tail."""
LIMB = 8
"""Field: 0 on the trunk, up to 1 at the end of a limb."""
HEAD = 9
"""Field: 1 on the head."""
SHAG = 10
"""Field: length of the hair here relative to the rest (a mane has more)."""
TINT = 11
"""Field: which colour of its material a part has, 0 to 1."""
FIELD_COUNT = 12


@dataclass(frozen=True)
class Mesh:
    """A surface of `m` triangles over `n` vertices, in trunk lengths, with the fields that the skin is painted by."""

    position: Floats
    """(n, 3)."""
    normal: Floats
    """(n, 3), unit."""
    fields: Floats
    """(n, FIELD_COUNT), see the constants above."""
    triangles: Indices
    """(m, 3), counter-clockwise seen from outside."""
    material: NDArray[np.uint8]
    """(m,) of Material."""


def join(meshes: Sequence[Mesh]) -> Mesh:
    """All of `meshes` as one."""
    offsets = np.cumsum([0, *(len(mesh.position) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.position for mesh in meshes]),
        np.concatenate([mesh.normal for mesh in meshes]),
        np.concatenate([mesh.fields for mesh in meshes]),
        np.concatenate([mesh.triangles + offset for mesh, offset in zip(meshes, offsets, strict=True)]).astype(
            np.int32
        ),
        np.concatenate([mesh.material for mesh in meshes]),
    )


def blank_fields(count: int, flow: Floats | None = None) -> Floats:
    """Fields (count, FIELD_COUNT) of zeros, with hair of usual length and the given flow."""
    fields = np.zeros((count, FIELD_COUNT), np.float32)
    fields[:, SHAG] = 1
    if flow is not None:
        fields[:, FLOW] = flow
    return fields


def grid_triangles(rows: int, columns: int, wrap: bool = False) -> Indices:
    """Triangles of a grid of rows * columns vertices, optionally closed around the columns."""
    r = np.arange(rows - 1)[:, None]
    c = np.arange(columns if wrap else columns - 1)[None, :]
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.stack((np.stack((a, b, d), -1), np.stack((b, e, d), -1)), 2).reshape(-1, 3).astype(np.int32)


def vertex_normals(position: Floats, triangles: Indices) -> Floats:
    """Area-weighted normals (n, 3)."""
    a, b, c = (position[triangles[:, i]] for i in range(3))
    face = cross(b - a, c - a)
    total = np.zeros_like(position)
    for i in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(triangles[:, i], face[:, axis], len(position)).astype(np.float32)
    return unit(total)


def tube(
    path: Floats,
    radius: Floats,
    material: Material,
    *,
    up: Floats,
    sides: int = 8,
    flatness: float = 1.0,
    tint: float = 0.0,
) -> Mesh:
    """A tube along `path` (n, 3) with `radius` (n,); `flatness` is width over height of its cross-section.

    `LOCAL` holds (share of the length, cosine and sine of the angle around, 0 on the side).
    """
    along, side, ups = carry_frame(path, up)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False, dtype=np.float32)
    wide, high = np.sqrt(flatness), 1 / np.sqrt(flatness)
    cosine, sine = np.cos(angle)[None, :, None], np.sin(angle)[None, :, None]
    outward = side[:, None] * cosine * wide + ups[:, None] * sine * high
    position = path[:, None] + outward * radius[:, None, None]
    slope = np.gradient(radius) / np.maximum(np.sqrt((np.gradient(path, axis=0) ** 2).sum(1)), 1e-6)
    normal = unit(side[:, None] * cosine / wide + ups[:, None] * sine / high - along[:, None] * slope[:, None, None])
    rows = len(path)
    fields = blank_fields(rows * sides, np.repeat(along, sides, 0))
    share = np.linspace(0, 1, rows, dtype=np.float32)
    fields[:, LOCAL] = np.stack(
        (
            np.repeat(share, sides),
            np.tile(np.cos(angle), rows),
            np.tile(np.sin(angle), rows),
        ),
        1,
    )
    fields[:, DORSAL] = np.repeat(ups[:, 1], sides) * fields[:, 5]
    fields[:, TINT] = tint
    triangles = grid_triangles(rows, sides, wrap=True)[:, ::-1]
    # The caps close on the two end points so that no tube shows its inside.
    ends = np.stack((path[0], path[-1]))
    position = np.concatenate((position.reshape(-1, 3), ends)).astype(np.float32)
    normal = np.concatenate((normal.reshape(-1, 3), np.stack((-along[0], along[-1])))).astype(np.float32)
    fields = np.concatenate((fields, fields[[0, -1]]))
    fields[-2:, 4:6] = 0
    ring = np.arange(sides)
    following = (ring + 1) % sides
    first, last = rows * sides, rows * sides + 1
    start = (rows - 1) * sides
    caps = np.concatenate(
        (
            np.stack((np.full(sides, first), ring, following), 1),
            np.stack((np.full(sides, last), start + following, start + ring), 1),
        )
    )
    triangles = np.concatenate((triangles, caps)).astype(np.int32)
    triangles = _outward(position, normal, triangles)
    return Mesh(position, normal, fields, triangles, np.full(len(triangles), material, np.uint8))


def sheet(grid: Floats, material: Material, *, flow: Floats | None = None, tint: float = 0.0) -> Mesh:
    """A thin sheet through `grid` (rows, columns, 3); `LOCAL` holds (share of rows, share of columns, 0)."""
    rows, columns = grid.shape[:2]
    position = grid.reshape(-1, 3).astype(np.float32)
    triangles = grid_triangles(rows, columns)
    normal = vertex_normals(position, triangles)
    fields = blank_fields(len(position))
    if flow is None:
        flow = unit(np.gradient(grid, axis=0)).reshape(-1, 3)
    fields[:, FLOW] = flow
    fields[:, 3] = np.repeat(np.linspace(0, 1, rows, dtype=np.float32), columns)
    fields[:, 4] = np.tile(np.linspace(0, 1, columns, dtype=np.float32), rows)
    fields[:, DORSAL] = 0.4
    fields[:, TINT] = tint
    return Mesh(position, normal, fields, triangles, np.full(len(triangles), material, np.uint8))


def ball(
    centre: Floats, axes: Floats, radii: tuple[float, float, float], material: Material, *, rings: int = 12
) -> Mesh:
    """An ellipsoid; `axes` (3, 3) rows are its unit axes. `LOCAL` holds the direction along those axes."""
    columns = rings * 2
    polar = np.linspace(0, np.pi, rings, dtype=np.float32)[:, None]
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False, dtype=np.float32)[None, :]
    local = np.stack(
        (np.cos(polar) + 0 * around, np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around)), -1
    ).reshape(-1, 3)
    scale = np.asarray(radii, np.float32)
    position = (centre + (local * scale) @ axes).astype(np.float32)
    normal = unit((local / scale) @ axes)
    fields = blank_fields(len(position), unit(np.broadcast_to(axes[0], position.shape)))
    fields[:, LOCAL] = local
    fields[:, DORSAL] = normal[:, 1]
    triangles = _outward(position, normal, grid_triangles(rings, columns, wrap=True))
    return Mesh(position, normal, fields, triangles, np.full(len(triangles), material, np.uint8))


def _outward(position: Floats, normal: Floats, triangles: Indices) -> Indices:
    """`triangles` turned so that they face along the normals."""
    a, b, c = (position[triangles[:, i]] for i in range(3))
    facing = (cross(b - a, c - a) * normal[triangles].sum(1)).sum(1)
    return np.where((facing < 0)[:, None], triangles[:, ::-1], triangles).astype(np.int32)
