"""Vectors and curves in three dimensions.

Body space is right-handed: x ahead, y up, z to the animal's right. Lengths are in trunks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]

UP = np.array((0, 1, 0), np.float32)


def vector(x: float, y: float, z: float) -> Floats:
    """The array (3,) of these coordinates in float32."""
    return np.array((x, y, z), np.float32)


def unit(values: ArrayLike) -> Floats:
    """`values` (..., 3) scaled to length 1; a zero vector stays zero."""
    array = np.asarray(values, np.float32)
    length = np.sqrt((array * array).sum(-1, keepdims=True))
    return (array / np.maximum(length, 1e-9)).astype(np.float32)


def cross(a: Floats, b: Floats) -> Floats:
    """Cross product of (..., 3) arrays; several times faster than numpy's for small ones."""
    x = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    y = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    z = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return np.stack((x, y, z), -1).astype(np.float32)


def heading(elevation: float, azimuth: float) -> Floats:
    """The direction (3,) at angles in degrees above the horizon and to the animal's left (towards -z) of ahead."""
    e, a = np.radians(elevation), np.radians(azimuth)
    return vector(float(np.cos(e) * np.cos(a)), float(np.sin(e)), float(-np.cos(e) * np.sin(a)))


def smoothstep(low: float | Floats, high: float | Floats, values: ArrayLike) -> Floats:
    """0 below `low`, 1 above `high`, smooth between; `low` may exceed `high`."""
    t = np.clip((np.asarray(values, np.float32) - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def spline(points: ArrayLike, count: int) -> Floats:
    """`count` points along the centripetal-ish Catmull-Rom curve through `points` (n, d), evenly in parameter."""
    p = np.asarray(points, np.float32)
    if len(p) == 2:
        t = np.linspace(0, 1, count, dtype=np.float32)[:, None]
        return (p[0] * (1 - t) + p[1] * t).astype(np.float32)
    padded = np.concatenate((2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]))
    position = np.linspace(0, len(p) - 1, count, dtype=np.float32)
    index = np.minimum(position.astype(np.int32), len(p) - 2)
    t = (position - index)[:, None]
    a, b, c, d = (padded[index + i] for i in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
    return curve.astype(np.float32)


def profile(values: Sequence[float], count: int) -> Floats:
    """`count` numbers along a smooth curve through `values`."""
    return spline(np.asarray(values, np.float32)[:, None], count)[:, 0]


def tangents(points: Floats) -> Floats:
    """Unit directions (n, 3) of a polyline."""
    return unit(np.gradient(points, axis=0))


def carry_frame(points: Floats, up: Floats) -> tuple[Floats, Floats, Floats]:
    """Tangents, sides and ups (n, 3) along a polyline, without twist, starting from `up`."""
    along = tangents(points)
    ups = np.empty_like(along)
    current = up
    for i, tangent in enumerate(along):
        current = current - tangent * float(current @ tangent)
        size = float(np.sqrt(current @ current))
        if size < 1e-4:
            current = cross(tangent, vector(0.3, 0.5, 0.8))
            size = float(np.sqrt(current @ current))
        current = current / size
        ups[i] = current
    return along, cross(along, ups), ups


def two_bones(root: Floats, end: Floats, upper: float, lower: float, bend: Floats) -> Floats:
    """The joint (3,) between two bones from `root` towards `end`, bent towards `bend` (law of cosines)."""
    line = end - root
    distance = float(np.sqrt(line @ line))
    reach = min(distance, (upper + lower) * 0.999)
    reach = max(reach, abs(upper - lower) * 1.001 + 1e-6)
    ahead = line / max(distance, 1e-6)
    along = (upper * upper - lower * lower + reach * reach) / (2 * reach)
    height = float(np.sqrt(max(0.0, upper * upper - along * along)))
    aside = bend - ahead * float(bend @ ahead)
    return (root + ahead * along * (distance / reach) + unit(aside) * height).astype(np.float32)


@dataclass(frozen=True)
class Frame:
    """A place with directions: `ahead`, `up` and `side` are unit vectors (3,), `side` to the animal's right."""

    origin: Floats
    ahead: Floats
    up: Floats
    side: Floats

    def at(self, ahead: float, up: float, side: float) -> Floats:
        """The point at the given coordinates."""
        return (self.origin + self.ahead * ahead + self.up * up + self.side * side).astype(np.float32)

    def towards(self, ahead: float, up: float, side: float) -> Floats:
        """The unit direction with the given components."""
        return unit(self.ahead * ahead + self.up * up + self.side * side)

    def coordinates(self, points: Floats) -> Floats:
        """Points (n, 3) as components (ahead, up, side)."""
        return (points - self.origin) @ np.stack((self.ahead, self.up, self.side), 1)


def frame_towards(origin: Floats, ahead: Floats, up: Floats) -> Frame:
    """The frame at `origin` that looks along `ahead` with `up` as near as possible to the given one."""
    forward = unit(ahead)
    side = unit(cross(forward, up))
    return Frame(np.asarray(origin, np.float32), forward, cross(side, forward), side)
