"""Triangles to pixels: a z-buffer in numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.geometry.mesh import Indices
from postcards_image.engines.creature.geometry.space import Floats

_NEAREST = 1 << 30


@dataclass(frozen=True)
class Visible:
    """The pixels that the animal covers, and what is seen in each."""

    width: int
    height: int
    pixel: NDArray[np.int64]
    """(k,) index of the pixel in the picture, row by row."""
    triangle: NDArray[np.int64]
    """(k,) which triangle is seen."""
    corners: NDArray[np.int32]
    """(k, 3) its vertices."""
    share: Floats
    """(k, 3) how near the pixel is to each of them, summing to 1."""

    def interpolate(self, values: Floats) -> Floats:
        """Values (n,) or (n, c) of the vertices at the pixels, (k,) or (k, c)."""
        if values.ndim == 1:
            return (values[self.corners] * self.share).sum(1)
        total = np.take(values, self.corners[:, 0], 0) * self.share[:, 0:1]
        for i in (1, 2):
            total += np.take(values, self.corners[:, i], 0) * self.share[:, i : i + 1]
        return total

    def window(self, margin: int) -> tuple[slice, slice]:
        """Rows and columns of the picture that hold every visible pixel, and `margin` pixels around."""
        rows, columns = self.pixel // self.width, self.pixel % self.width
        return (
            slice(max(0, int(rows.min()) - margin), int(rows.max()) + margin + 1),
            slice(max(0, int(columns.min()) - margin), int(columns.max()) + margin + 1),
        )

    def image(self, values: Floats, empty: float = 0.0) -> Floats:
        """Values (k,) or (k, c) as an image."""
        picture = np.full((self.height * self.width, *values.shape[1:]), empty, np.float32)
        picture[self.pixel] = values
        return picture.reshape(self.height, self.width, *values.shape[1:])


def rasterise(seen: Floats, triangles: Indices, both_sides: NDArray[np.bool_], width: int, height: int) -> Visible:
    """What is seen of `triangles` (m, 3) whose vertices `seen` (n, 3) are columns, rows (pixels) and nearness.

    Triangles that face away are left out unless `both_sides` (m,).
    """
    corner = seen[triangles]
    a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    low = np.ceil(corner[:, :, :2].min(1) - 0.5).astype(np.int32)
    high = np.floor(corner[:, :, :2].max(1) - 0.5).astype(np.int32)
    low = np.maximum(low, 0)
    high = np.minimum(high, np.array((width - 1, height - 1)))
    extent = high - low + 1
    # Rows grow downwards, so what faces the viewer has a negative area.
    keep = (extent > 0).all(1) & ((area < -1e-9) | (both_sides & (area > 1e-9)))
    kept = np.flatnonzero(keep)
    buffer = np.full(width * height, -1, np.int64)
    size = extent[kept].max(1)
    nearness = seen[:, 2]
    span = float(nearness.max() - nearness.min()) or 1.0
    scaled = ((nearness - nearness.min()) / span).astype(np.float32)
    start = 0
    order = np.argsort(size, kind="stable")
    kept, size = kept[order], size[order]
    for limit in (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 24, 40, 80, 160, 4096):
        end = int(np.searchsorted(size, limit, side="right"))
        # Large triangles go in small groups to bound the memory.
        group = max(1, 1_200_000 // (limit * limit))
        for first in range(start, end, group):
            chosen = kept[first : min(end, first + group)]
            _fill(
                buffer,
                corner[chosen],
                scaled[triangles[chosen]],
                area[chosen],
                low[chosen],
                extent[chosen],
                chosen,
                width,
            )
        start = end
    pixel = np.flatnonzero(buffer >= 0)
    triangle = buffer[pixel] & 0xFFFFFFFF
    corners = triangles[triangle]
    return Visible(width, height, pixel, triangle, corners, _shares(pixel, seen, corners, width))


def _fill(
    buffer: NDArray[np.int64],
    corner: Floats,
    nearness: Floats,
    area: Floats,
    low: NDArray[np.int32],
    extent: NDArray[np.int32],
    number: NDArray[np.intp],
    width: int,
) -> None:
    reach_x, reach_y = int(extent[:, 0].max()), int(extent[:, 1].max())
    column = np.tile(np.arange(reach_x, dtype=np.float32), reach_y)
    row = np.repeat(np.arange(reach_y, dtype=np.float32), reach_x)
    x0 = low[:, 0] + np.float32(0.5)
    y0 = low[:, 1] + np.float32(0.5)
    inverse = (1 / area).astype(np.float32)
    weights: list[Floats] = []
    inside = np.ones((len(corner), len(column)), bool)
    for i in (0, 1):
        p, q = corner[:, (i + 1) % 3], corner[:, (i + 2) % 3]
        across = -(q[:, 1] - p[:, 1]) * inverse
        down = (q[:, 0] - p[:, 0]) * inverse
        constant = (x0 - p[:, 0]) * across + (y0 - p[:, 1]) * down
        weight = constant[:, None] + across[:, None] * column + down[:, None] * row
        inside &= weight >= -1e-4
        weights.append(weight)
    inside &= weights[0] + weights[1] <= 1.0001
    which, spot = np.nonzero(inside)
    w0, w1 = weights[0][which, spot], weights[1][which, spot]
    near = nearness[which]
    z = w0 * near[:, 0] + w1 * near[:, 1] + (1 - w0 - w1) * near[:, 2]
    x = low[which, 0] + column[spot].astype(np.int32)
    y = low[which, 1] + row[spot].astype(np.int32)
    fits = (column[spot] < extent[which, 0]) & (row[spot] < extent[which, 1])
    key = (np.clip(z, 0, 1) * _NEAREST).astype(np.int64) << 32 | number[which]
    place = y.astype(np.int64) * width + x
    np.maximum.at(buffer, place[fits], key[fits])


def _shares(pixel: NDArray[np.int64], seen: Floats, corners: NDArray[np.int32], width: int) -> Floats:
    x = (pixel % width + 0.5).astype(np.float32)
    y = (pixel // width + 0.5).astype(np.float32)
    a, b, c = (seen[corners[:, i], :2] for i in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    w0 = ((b[:, 0] - x) * (c[:, 1] - y) - (b[:, 1] - y) * (c[:, 0] - x)) / area
    w1 = ((c[:, 0] - x) * (a[:, 1] - y) - (c[:, 1] - y) * (a[:, 0] - x)) / area
    share = np.clip(np.stack((w0, w1, 1 - w0 - w1), 1), 0, 1)
    return (share / share.sum(1, keepdims=True)).astype(np.float32)
