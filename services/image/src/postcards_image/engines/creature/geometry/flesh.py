"""Flesh on bones: tapered capsules blended into one implicit surface, then meshed.

Distances follow https://iquilezles.org/articles/distfunctions (capsule, polynomial smooth minimum); the mesh is made by
naive surface nets (Gibson 1998), one vertex per cell that the surface crosses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from postcards_image.engines.creature.geometry.mesh import (
    ALONG,
    DORSAL,
    FIELD_COUNT,
    FLOW,
    HEAD,
    LIMB,
    LOCAL,
    SHAG,
    Material,
    Mesh,
)
from postcards_image.engines.creature.geometry.space import Floats, Frame, cross, unit

_REACH = 3.0
"""Cells by which the field is known beyond every bone."""
_FAR = 10.0
"""The field where no bone is near, in trunks."""


@dataclass(frozen=True)
class Bone:
    """A tapered capsule of flesh."""

    start: Floats
    """(3,)."""
    end: Floats
    """(3,)."""
    start_radius: float
    end_radius: float
    blend: float
    """Distance over which it melts into what was there before."""
    up: Floats
    """(3,) towards the back of this part."""
    flatness: float = 1.0
    """Width over height of the cross-section."""
    along: tuple[float, float] = (0.5, 0.5)
    """`ALONG` at both ends."""
    limb: tuple[float, float] = (0.0, 0.0)
    """`LIMB` at both ends."""
    head: float = 0.0
    """`HEAD`."""
    shag: float = 1.0
    """`SHAG`."""


def chain(
    points: Floats,
    radii: Floats,
    blend: float | Floats,
    ups: Floats,
    *,
    flatness: float = 1.0,
    along: tuple[float, float] = (0.5, 0.5),
    limb: tuple[float, float] = (0.0, 0.0),
    head: float = 0.0,
    shag: float = 1.0,
) -> list[Bone]:
    """Bones along a polyline (n, 3) with radii (n,); `ups` (n, 3) or (3,)."""
    count = len(points)
    back = np.broadcast_to(ups, (count, 3))
    blends = np.broadcast_to(np.asarray(blend, np.float32), (count,))
    share = np.linspace(0, 1, count)

    def between(ends: tuple[float, float], i: int) -> tuple[float, float]:
        return tuple(float(ends[0] + (ends[1] - ends[0]) * share[j]) for j in (i, i + 1))  # type: ignore[return-value]

    return [
        Bone(
            points[i],
            points[i + 1],
            float(radii[i]),
            float(radii[i + 1]),
            float(blends[i]),
            back[i],
            flatness,
            between(along, i),
            between(limb, i),
            head,
            shag,
        )
        for i in range(count - 1)
    ]


class Flesh:
    """The field of distances to the surface of all bones, on a grid."""

    def __init__(self, bones: Sequence[Bone], cells: int = 132) -> None:
        """Fills the grid; the longest side of the body spans about `cells` cells."""
        self._bones = tuple(bones)
        low, high = _bounds(self._bones)
        span = high - low
        # A compact body would otherwise cost many times a slender one of the same length.
        self.cell = max(float(span.max()) / cells, float(np.prod(span) / 2.4e6) ** (1 / 3))
        self.origin = (low - self.cell * (_REACH + 2)).astype(np.float32)
        shape = np.ceil((high - low) / self.cell + 2 * (_REACH + 2)).astype(int) + 1
        self.field: Floats = np.full(shape, _FAR, np.float32)
        # Two parts melt into each other where both are nearer than the blend: each must be known that far out.
        self._margin = _REACH * self.cell + 0.7 * max(bone.blend for bone in self._bones)
        # What is thinner than the grid would fall apart into beads.
        thinnest = 0.85 * self.cell
        self._bones = tuple(_at_least(bone, thinnest) for bone in self._bones)
        for bone in self._bones:
            self._add(bone)

    def _add(self, bone: Bone) -> None:
        stretch = max(bone.flatness, 1 / bone.flatness) ** 0.5
        radius = max(bone.start_radius, bone.end_radius) * stretch
        margin = radius + self._margin
        low = np.minimum(bone.start, bone.end) - margin
        high = np.maximum(bone.start, bone.end) + margin
        first = np.maximum(((low - self.origin) / self.cell).astype(int), 0)
        last = np.minimum(((high - self.origin) / self.cell).astype(int) + 2, self.field.shape)
        x, y, z = (self.origin[i] + self.cell * np.arange(first[i], last[i], dtype=np.float32) for i in range(3))
        offset = (
            (x - bone.start[0])[:, None, None],
            (y - bone.start[1])[None, :, None],
            (z - bone.start[2])[None, None, :],
        )
        distance = _capsule(offset, bone)
        box = (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))
        before = self.field[box]
        if bone.blend < 0.25 * self.cell:
            np.minimum(before, distance, out=before)
            return
        h = np.abs(before - distance)
        np.subtract(bone.blend, h, out=h)
        np.maximum(h, 0, out=h)
        h *= h
        h *= 0.25 / bone.blend
        np.minimum(before, distance, out=before)
        before -= h

    def distance(self, points: Floats) -> Floats:
        """Signed distances (n,) at `points` (n, 3), exact near the surface only."""
        coordinates = ((points - self.origin) / self.cell).T
        return map_coordinates(self.field, coordinates, order=1, mode="nearest", prefilter=False)

    def skin_along(self, start: Floats, direction: Floats, reach: float) -> Floats:
        """The last point (3,) of the ray from `start` (inside) that is still inside within `reach`."""
        steps = np.linspace(0, reach, 96, dtype=np.float32)
        inside = self.distance(start + steps[:, None] * direction) < 0
        if not inside[0]:
            return np.asarray(start, np.float32)
        leaving = np.argmin(inside) if not inside.all() else len(steps) - 1
        return (start + direction * steps[max(0, int(leaving) - 1)]).astype(np.float32)

    def mesh(self, skull: Frame, skull_size: float) -> Mesh:
        """The surface, with `LOCAL` in the skull's frame."""
        position, triangles = _surface_net(self.field)
        normal = unit(_gradient(self.field, position))
        position = (self.origin + position * self.cell).astype(np.float32)
        fields = self._fields(position, normal)
        fields[:, LOCAL] = skull.coordinates(position) / skull_size
        return Mesh(position, normal, fields, triangles, np.full(len(triangles), Material.HIDE, np.uint8))

    def _fields(self, position: Floats, normal: Floats) -> Floats:
        """Every vertex takes the mean of the bones around it, the nearest by far the strongest."""
        total = np.zeros((len(position), FIELD_COUNT), np.float32)
        weights = np.full(len(position), 1e-30, np.float32)
        for bone in self._bones:
            near = _near(position, bone, 4 * self.cell + 0.4 * bone.blend)
            points = position[near]
            if not len(points):
                continue
            distance, share = _capsule_points(points, bone)
            weight = np.exp(-np.clip(distance / (1.2 * self.cell), 0, 50)).astype(np.float32)
            line = unit(bone.end - bone.start)
            values = np.zeros((len(points), FIELD_COUNT), np.float32)
            values[:, FLOW] = line
            axis = bone.start + (bone.end - bone.start) * share[:, None]
            values[:, DORSAL] = unit(points - axis) @ bone.up
            values[:, ALONG] = bone.along[0] + (bone.along[1] - bone.along[0]) * share
            values[:, LIMB] = bone.limb[0] + (bone.limb[1] - bone.limb[0]) * share
            values[:, HEAD] = bone.head
            values[:, SHAG] = bone.shag
            total[near] += values * weight[:, None]
            weights[near] += weight
        total /= weights[:, None]
        flow = total[:, FLOW] - normal * (total[:, FLOW] * normal).sum(1, keepdims=True)
        total[:, FLOW] = unit(flow)
        return total


def _at_least(bone: Bone, radius: float) -> Bone:
    if min(bone.start_radius, bone.end_radius) >= radius:
        return bone
    return replace(bone, start_radius=max(bone.start_radius, radius), end_radius=max(bone.end_radius, radius))


def _bounds(bones: Sequence[Bone]) -> tuple[Floats, Floats]:
    ends = np.array([(bone.start, bone.end) for bone in bones], np.float32)
    stretch = np.array([max(b.flatness, 1 / b.flatness) ** 0.5 for b in bones], np.float32)[:, None, None]
    radii = np.array([(b.start_radius, b.end_radius) for b in bones], np.float32)[..., None] * stretch
    return (ends - radii).min((0, 1)), (ends + radii).max((0, 1))


def _capsule(offset: tuple[Floats, Floats, Floats], bone: Bone) -> Floats:
    line = bone.end - bone.start
    length2 = max(float(line @ line), 1e-10)
    along = offset[0] * line[0] + offset[1] * line[1] + offset[2] * line[2]
    share = np.clip(along / length2, 0, 1)
    square = offset[0] ** 2 + offset[1] ** 2 + offset[2] ** 2 + share * (share * length2 - 2 * along)
    if bone.flatness != 1.0:
        side = unit(cross(unit(line), bone.up))
        up = unit(cross(side, unit(line)))
        aside = offset[0] * side[0] + offset[1] * side[1] + offset[2] * side[2]
        above = offset[0] * up[0] + offset[1] * up[1] + offset[2] * up[2]
        square += aside * aside * (1 / bone.flatness - 1) + above * above * (bone.flatness - 1)
    np.maximum(square, 0, out=square)
    distance = np.sqrt(square)
    distance -= bone.start_radius + (bone.end_radius - bone.start_radius) * share
    return distance


def _capsule_points(points: Floats, bone: Bone) -> tuple[Floats, Floats]:
    line = bone.end - bone.start
    length2 = max(float(line @ line), 1e-10)
    offset = points - bone.start
    share = np.clip((offset @ line) / length2, 0, 1)
    off = offset - share[:, None] * line
    square = (off * off).sum(1)
    if bone.flatness != 1.0:
        side = unit(cross(unit(line), bone.up))
        up = unit(cross(side, unit(line)))
        square += (off @ side) ** 2 * (1 / bone.flatness - 1) + (off @ up) ** 2 * (bone.flatness - 1)
    distance = np.sqrt(np.maximum(square, 0)) - (bone.start_radius + (bone.end_radius - bone.start_radius) * share)
    return distance, share


def _near(position: Floats, bone: Bone, margin: float) -> NDArray[np.intp]:
    stretch = max(bone.flatness, 1 / bone.flatness) ** 0.5
    reach = max(bone.start_radius, bone.end_radius) * stretch + margin
    low = np.minimum(bone.start, bone.end) - reach
    high = np.maximum(bone.start, bone.end) + reach
    inside = (position[:, 0] > low[0]) & (position[:, 0] < high[0])
    inside &= (position[:, 1] > low[1]) & (position[:, 1] < high[1])
    inside &= (position[:, 2] > low[2]) & (position[:, 2] < high[2])
    return np.flatnonzero(inside)


def _surface_net(field: Floats) -> tuple[Floats, NDArray[np.int32]]:
    inside = field < 0
    corners = np.zeros([n - 1 for n in field.shape], np.uint8)
    for i in (0, 1):
        for j in (0, 1):
            for k in (0, 1):
                corners += inside[
                    i : field.shape[0] - 1 + i, j : field.shape[1] - 1 + j, k : field.shape[2] - 1 + k
                ].view(np.uint8)
    active = np.flatnonzero((corners > 0) & (corners < 8))
    number = np.full(corners.size, -1, np.int32)
    number[active] = np.arange(len(active), dtype=np.int32)
    cell = np.stack(np.unravel_index(active, corners.shape), 1)
    position = _crossings(field, cell)
    return position, _quads(inside, number.reshape(corners.shape))


def _crossings(field: Floats, cell: NDArray[np.intp]) -> Floats:
    """The mean of the points where the surface crosses the edges of each cell."""
    flat = field.ravel()
    stride = np.array((field.shape[1] * field.shape[2], field.shape[2], 1))
    base = cell @ stride
    offsets = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    value = {o: flat[base + int(np.dot(o, stride))] for o in offsets}
    total = np.zeros((len(cell), 3), np.float32)
    count = np.zeros(len(cell), np.float32)
    for start in offsets:
        for axis in range(3):
            if start[axis]:
                continue
            end = tuple(1 if i == axis else start[i] for i in range(3))
            a, b = value[start], value[end]  # type: ignore[index]
            crossed = ((a < 0) != (b < 0)).astype(np.float32)
            t = a / np.where(a == b, 1, a - b)
            for i in range(3):
                total[:, i] += crossed * (start[i] + (t if i == axis else 0))
            count += crossed
    return (cell + total / np.maximum(count, 1)[:, None]).astype(np.float32)


def _quads(inside: NDArray[np.bool_], number: NDArray[np.int32]) -> NDArray[np.int32]:
    """Two triangles for every grid edge that the surface crosses."""
    parts: list[NDArray[np.int32]] = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        low = [slice(1, -1)] * 3
        high = [slice(1, -1)] * 3
        low[axis], high[axis] = slice(0, -1), slice(1, None)
        here, there = inside[tuple(low)], inside[tuple(high)]
        for leaving in (True, False):
            edges = here & ~there if leaving else ~here & there
            index = np.stack(np.nonzero(edges), 1)
            index[:, u] += 1
            index[:, v] += 1
            corner: list[NDArray[np.int32]] = []
            for du, dv in ((1, 1), (0, 1), (0, 0), (1, 0)):
                place = index.copy()
                place[:, u] -= du
                place[:, v] -= dv
                corner.append(number[place[:, 0], place[:, 1], place[:, 2]])
            a, b, c, d = corner if leaving else corner[::-1]
            parts.append(np.stack((a, b, c), 1))
            parts.append(np.stack((a, c, d), 1))
    return np.concatenate(parts)


def _gradient(field: Floats, position: Floats) -> Floats:
    coordinates = position.T
    columns: list[Floats] = []
    for axis in range(3):
        step = np.zeros((3, 1), np.float32)
        step[axis] = 0.75
        ahead = map_coordinates(field, coordinates + step, order=1, mode="nearest", prefilter=False)
        behind = map_coordinates(field, coordinates - step, order=1, mode="nearest", prefilter=False)
        columns.append(ahead - behind)
    return np.stack(columns, 1)
