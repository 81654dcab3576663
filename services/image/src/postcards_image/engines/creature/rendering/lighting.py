"""Light: occlusion, shadows and the radiance of the skin."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import uniform_filter

from postcards_image.engines.creature.geometry.camera import Camera
from postcards_image.engines.creature.geometry.flesh import Flesh
from postcards_image.engines.creature.geometry.mesh import Mesh
from postcards_image.engines.creature.geometry.space import UP, Floats, smoothstep, unit
from postcards_image.engines.creature.layers import Light
from postcards_image.engines.creature.surface.skin import Skin

_MARCH_STEPS = 18


@dataclass(frozen=True)
class Bulk:
    """How full space is, on a coarse grid."""

    density: Floats
    origin: Floats
    cell: float

    def sample(self, points: Floats) -> Floats:
        """The density (n,) at `points` (n, 3); 0 outside."""
        index = np.rint((points - self.origin) / self.cell).astype(np.int32)
        shape = np.array(self.density.shape)
        inside = ((index >= 0) & (index < shape)).all(1)
        index = np.clip(index, 0, shape - 1)
        flat = (index[:, 0] * shape[1] + index[:, 1]) * shape[2] + index[:, 2]
        return self.density.ravel()[flat] * inside


def fill_space(flesh: Flesh, mesh: Mesh) -> Bulk:
    """The flesh and the thin parts as a coarse grid of density 0 to 1, with room around for soft edges."""
    step = 2
    solid = (flesh.field[::step, ::step, ::step] < 0).astype(np.float32)
    pad = 8
    thin = mesh.position[:: max(1, len(mesh.position) // 40_000)]
    cell = flesh.cell * step
    low = np.minimum(flesh.origin, thin.min(0)) - pad * cell
    high = np.maximum(flesh.origin + np.array(solid.shape) * cell, thin.max(0)) + pad * cell
    shape = np.ceil((high - low) / cell).astype(int) + 1
    density = np.zeros(shape, np.float32)
    at = np.rint((flesh.origin - low) / cell).astype(int)
    density[at[0] : at[0] + solid.shape[0], at[1] : at[1] + solid.shape[1], at[2] : at[2] + solid.shape[2]] = solid
    index = np.clip(np.rint((thin - low) / cell).astype(int), 0, shape - 1)
    place = (index[:, 0], index[:, 1], index[:, 2])
    density[place] = np.maximum(density[place], 0.35)
    return Bulk(density, low.astype(np.float32), cell)


def occlusion(bulk: Bulk, mesh: Mesh, standing: bool) -> Floats:
    """Share (n,) of the ambient light that reaches each vertex."""
    total = np.zeros(len(mesh.position), np.float32)
    for size, reach, weight in ((3, 1.6, 0.85), (7, 4.2, 0.95)):
        soft = uniform_filter(uniform_filter(bulk.density, size), size)
        total += weight * Bulk(soft, bulk.origin, bulk.cell).sample(mesh.position + mesh.normal * (reach * bulk.cell))
    light = np.exp(-1.5 * total)
    if standing:
        down = 0.5 - 0.5 * mesh.normal[:, 1]
        light *= 1 - 0.55 * down * np.exp(-np.maximum(mesh.position[:, 1], 0) / 0.3)
    return light.astype(np.float32)


def shadow_on_self(bulk: Bulk, mesh: Mesh, direction: Floats) -> Floats:
    """Share (n,) of the key light that reaches each vertex past the rest of the body."""
    soft = Bulk(uniform_filter(bulk.density, 3), bulk.origin, bulk.cell)
    facing = mesh.normal @ direction > -0.3
    points = mesh.position[facing] + mesh.normal[facing] * (1.7 * bulk.cell)
    depth = np.zeros(len(points), np.float32)
    at = 1.0
    for _ in range(_MARCH_STEPS):
        depth += soft.sample(points + direction * (at * bulk.cell)) * (0.55 + 0.05 * at)
        at *= 1.18
    result = np.ones(len(mesh.position), np.float32)
    result[facing] = np.exp(-0.85 * np.maximum(depth - 0.25, 0))
    return result


def shadow_on_ground(
    bulk: Bulk, camera: Camera, direction: Floats, width: int, height: int, ground_y: float, floating: bool
) -> Floats:
    """(h, w) how much light is left on the plane y = 0, cast and contact shadow.

    `ground_y` is the row of the feet as a share of the height; well above it the ground ends, and the shadow with it.
    """
    filled = np.stack(np.nonzero(bulk.density > 0.3), 1)
    points = bulk.origin + filled * bulk.cell
    slope = direction * np.array((1, 0, 1), np.float32) / max(float(direction[1]), 0.42)
    cast = points * np.array((1, 0, 1), np.float32) - slope * np.maximum(points[:, 1:2], 0)
    factor = 4
    small = (max(2, height // factor), max(2, width // factor))
    left = np.ones(small, np.float32)
    per_pixel = (bulk.cell * camera.pixels / factor) ** 2
    for chosen, blur, strength in (
        (points[:, 1] < 0.12, 2.4, 0.85),
        (points[:, 1] >= 0, 6.0 if floating else 3.4, 0.75),
    ):
        if not chosen.any():
            continue
        seen = camera.project(cast[chosen].astype(np.float32))
        x, y = (seen[:, 0] / factor).astype(int), (seen[:, 1] / factor).astype(int)
        inside = (x >= 0) & (x < small[1]) & (y >= 0) & (y < small[0])
        hits = np.bincount(y[inside] * small[1] + x[inside], minlength=small[0] * small[1])
        thick = hits.reshape(small).astype(np.float32) * per_pixel
        scale = max(small) / 256
        thick = cv2.GaussianBlur(thick, (0, 0), max(blur * scale, 0.6))
        left *= 1 - strength * (1 - np.exp(-1.1 * thick))
    left = 1 - (1 - left) * smoothstep(ground_y - 0.16, ground_y - 0.04, np.linspace(0, 1, small[0]))[:, None]
    return cv2.resize(left, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def shade(skin: Skin, occluded: Floats, lit: Floats, light: Light) -> Floats:
    """Radiance (k, 3) of the skin; `occluded` and `lit` (k,) are the shares of ambient and key light that arrive."""
    n = skin.normal
    facing = n @ light.direction
    # Light wanders through skin before it leaves, red farthest: edges of shadows turn warm.
    wrap = np.array((0.34, 0.2, 0.14), np.float32) * (0.35 + 0.65 * skin.soft[:, None])
    diffuse = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, 1)
    through = np.clip(-facing, 0, 1) * skin.thin
    key = light.colour * (diffuse * lit[:, None] + 0.75 * through[:, None])
    up = (0.5 + 0.5 * n[:, 1])[:, None]
    ambient = (light.ground * (1 - up) + light.sky * up) * occluded[:, None]
    # Light bounced between parts of the body keeps creases from going grey.
    bounce = skin.albedo * (1 - occluded[:, None]) * (0.3 * (light.ground + light.sky) * up)
    colour = skin.albedo * (key + ambient + bounce)
    edge = np.clip(1 - n[:, 2], 0, 1)
    rim = edge**3 * np.clip(0.45 + 0.55 * n[:, 1], 0, 1) * (0.3 + 0.7 * occluded)
    colour += light.rim * rim[:, None] * (0.25 + 0.75 * skin.albedo)
    half = unit(light.direction + np.array((0, 0, 1), np.float32))
    sharp = 8 + 180 * skin.gloss**2
    shine = np.clip(n @ half, 0, 1) ** sharp * (0.03 + 0.75 * skin.gloss**1.5) * lit
    colour += light.colour * (shine * skin.sheen)[:, None]
    mirror = (0.03 + 0.6 * edge**4) * skin.gloss * occluded
    colour += light.sky * (mirror * np.clip(0.4 + 0.8 * n[:, 1], 0, 1))[:, None]
    return (colour + skin.glow).astype(np.float32)


def expose(skin: Skin, radiance: Floats) -> float:
    """The factor by which the animal must be lit more to be seen well, 1 to 2.4.

    A photographer opens the lens for a dark animal in a dark place, though never so far that night becomes day.
    """
    weights = np.array((0.2126, 0.7152, 0.0722), np.float32)
    paint = float((skin.albedo @ weights).mean()) + 0.02
    light = float((radiance @ weights).mean())
    arrives = light / paint
    lit = np.clip(0.85 / max(arrives, 1e-3), 1.0, 2.0)
    pale = np.clip((0.1 / paint) ** 0.4, 1.0, 1.35)
    return float(lit * pale)


def ground_direction(camera: Camera, light: Light) -> Floats:
    """The direction (3,) towards the key light in body space, never from below the ground."""
    direction = camera.body(light.direction)
    return unit(direction + UP * max(0.0, 0.25 - float(direction[1])))
