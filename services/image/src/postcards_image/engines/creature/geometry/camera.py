"""From body space to the picture."""

from dataclasses import dataclass

import numpy as np

from postcards_image.engines.creature.geometry.space import UP, Floats, cross, unit


@dataclass(frozen=True)
class Camera:
    """A camera with a long lens that looks at the animal."""

    right: Floats
    """(3,) in body space, to the right of the picture."""
    up: Floats
    """(3,) up in the picture."""
    towards: Floats
    """(3,) from the animal to the viewer."""
    distance: float
    """From the viewer to the middle of the animal, in trunks."""
    middle: Floats
    """(3,) the point the camera looks at."""
    pixels: float
    """Pixels per trunk at the middle."""
    offset: Floats
    """(2,) where the middle is in the picture, in pixels."""

    def view(self, directions: Floats) -> Floats:
        """Directions (..., 3) of body space in view space: right, up, towards the viewer."""
        return (directions @ np.stack((self.right, self.up, self.towards), 1)).astype(np.float32)

    def body(self, direction: Floats) -> Floats:
        """A direction (3,) of view space in body space."""
        return (direction @ np.stack((self.right, self.up, self.towards), 0)).astype(np.float32)

    def project(self, points: Floats) -> Floats:
        """Points (n, 3) as (column, row, nearness): pixels, pixels, trunks towards the viewer."""
        seen = self.view(points - self.middle)
        grow = self.distance / np.maximum(self.distance - seen[:, 2], 0.2 * self.distance)
        column = self.offset[0] + seen[:, 0] * grow * self.pixels
        row = self.offset[1] - seen[:, 1] * grow * self.pixels
        return np.stack((column, row, seen[:, 2]), 1).astype(np.float32)


def aim(
    points: Floats, yaw: float, pitch: float, width: int, height: int, ground_y: float, share: float, standing: bool
) -> Camera:
    """The camera that shows all `points` (n, 3) in `share` of a picture, feet at `ground_y`.

    `yaw` and `pitch` in degrees as in `BodyPlan.view_yaw` and `view_pitch`.
    """
    a, e = np.radians(yaw), np.radians(pitch)
    towards = np.array((np.sin(a) * np.cos(e), np.sin(e), -np.cos(a) * np.cos(e)), np.float32)
    right = unit(cross(UP, towards))
    up = cross(towards, right)
    low, high = points.min(0), points.max(0)
    middle = ((low + high) / 2).astype(np.float32)
    distance = 3.4 * float(np.sqrt(((high - low) ** 2).sum()))
    camera = Camera(right, up, towards, distance, middle, 1.0, np.zeros(2, np.float32))
    flat = camera.project(points)
    left, top = flat[:, :2].min(0)
    right_edge, bottom = flat[:, :2].max(0)
    across, tall = max(right_edge - left, 1e-6), max(bottom - top, 1e-6)
    pixels = float(min(width * min(0.92, share * 1.26) / across, height * min(0.86, share) / tall))
    column = width / 2 - pixels * (left + right_edge) / 2
    foot = ground_y * height
    if standing:
        row = foot - pixels * (bottom - 0.04 * tall)
        row = min(max(row, 0.05 * height - pixels * top), 0.965 * height - pixels * bottom)
    else:
        row = 0.47 * height - pixels * (top + bottom) / 2
    return Camera(right, up, towards, distance, middle, pixels, np.array((column, row), np.float32))
