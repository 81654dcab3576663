"""Hairs that are drawn one by one: over the body, and past its outline."""

from dataclasses import dataclass

import cv2
import numpy as np

from postcards_image.engines.creature.geometry.raster import Visible
from postcards_image.engines.creature.geometry.space import Floats


@dataclass(frozen=True)
class Strokes:
    """Hairs as polylines in the picture."""

    start: Floats
    """(n, 2) column and row of the root."""
    step: Floats
    """(n, 2) from root to tip, in pixels."""
    bend: Floats
    """(n, 2) how far the tip is bent aside, in pixels."""
    colour: Floats
    """(n, 3) linear."""
    nearness: Floats
    """(n,) of the root; what is much nearer hides the hair."""
    weight: Floats
    """(n,) opacity at the root."""


def choose_strokes(
    visible: Visible, colour: Floats, normal: Floats, flow: Floats, hair: Floats, nearness: Floats, seed: int
) -> Strokes | None:
    """Hairs on random furry pixels, and more of them along the outline, where they stand off the body.

    All arrays are of the visible pixels: lit colour (k, 3), normal (k, 3), flow in the picture (k, 2), hair length in
    pixels (k,) and nearness (k,).
    """
    rng = np.random.default_rng(seed)
    furry = np.flatnonzero(hair > 1.5)
    if len(furry) < 10:
        return None
    inside = visible.image(np.ones(len(hair), np.float32))
    core = cv2.erode(inside, np.ones((3, 3), np.uint8), iterations=2).ravel()[visible.pixel]
    outline = furry[core[furry] < 0.5]
    detail = min(visible.width, visible.height) / 1024
    rim_count = int(min(len(outline) * 1.6, 9000 * detail + 400))
    inner_count = int(min(len(furry) * 0.06, 11000 * detail + 400))
    rim = rng.choice(outline, rim_count) if len(outline) else np.empty(0, np.intp)
    inner = rng.choice(furry, inner_count)
    chosen = np.concatenate((inner, rim))
    is_rim = np.arange(len(chosen)) >= inner_count
    long = hair[chosen] * rng.uniform(0.55, 1.15, len(chosen)).astype(np.float32)
    long = np.where(is_rim, long * 0.62 + 1.5, long)
    out = normal[chosen, :2] * (1, -1)
    way = flow[chosen] + np.where(is_rim[:, None], out * 0.62, out * 0.08)
    way = way + rng.normal(0, 0.13, way.shape)
    x = (visible.pixel[chosen] % visible.width + rng.uniform(0, 1, len(chosen))).astype(np.float32)
    y = (visible.pixel[chosen] // visible.width + rng.uniform(0, 1, len(chosen))).astype(np.float32)
    bend = np.stack((rng.normal(0, 0.12, len(chosen)), 0.16 + rng.normal(0, 0.1, len(chosen))), 1) * long[:, None]
    bright = rng.normal(1.0, 0.2, len(chosen)).clip(0.55, 1.7)
    return Strokes(
        np.stack((x, y), 1),
        (way * long[:, None]).astype(np.float32),
        bend.astype(np.float32),
        (colour[chosen] * bright[:, None]).astype(np.float32),
        nearness[chosen],
        np.where(is_rim, 0.95, 0.62).astype(np.float32),
    )


def draw_strokes(colour: Floats, alpha: Floats, nearness: Floats, strokes: Strokes) -> tuple[Floats, Floats]:
    """`colour` (h, w, 3) and `alpha` (h, w) with the hairs over them; `nearness` (h, w) is -inf off the animal."""
    height, width = alpha.shape
    longest = np.sqrt((strokes.step**2).sum(1))
    steps = int(np.clip(float(np.quantile(longest, 0.9)) * 1.1, 8, 96))
    t = np.linspace(0, 1, steps, dtype=np.float32)
    x = strokes.start[:, 0:1] + strokes.step[:, 0:1] * t + strokes.bend[:, 0:1] * t * t
    y = strokes.start[:, 1:2] + strokes.step[:, 1:2] * t + strokes.bend[:, 1:2] * t * t
    weight = strokes.weight[:, None] * (1 - t) ** 0.6 * np.clip(longest / steps, 0.25, 1.6)[:, None]
    x0, y0 = np.floor(x - 0.5).astype(np.int32), np.floor(y - 0.5).astype(np.int32)
    good = (x0 >= 0) & (x0 < width - 1) & (y0 >= 0) & (y0 < height - 1)
    place = np.where(good, y0 * width + x0, 0)
    good &= nearness.ravel()[place] < strokes.nearness[:, None] + 0.05
    fx, fy = (x - 0.5 - x0)[good], (y - 0.5 - y0)[good]
    place, weight = place[good], weight[good]
    owner = np.broadcast_to(np.arange(len(strokes.start))[:, None], good.shape)[good]
    corner_weights = ((1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy)
    index = np.concatenate([place + d for d in (0, 1, width, width + 1)])
    amount = np.concatenate([weight * w for w in corner_weights])
    total = np.bincount(index, amount, height * width)
    touched = np.flatnonzero(total > 1e-4)
    total = total[touched]
    owners = np.tile(owner, 4)
    light = np.stack(
        [np.bincount(index, amount * strokes.colour[owners, c], height * width)[touched] / total for c in range(3)], 1
    )
    cover = 1 - np.exp(-1.5 * total)
    new_colour, new_alpha = colour.reshape(-1, 3).copy(), alpha.ravel().copy()
    before = new_alpha[touched] * (1 - cover)
    both = before + cover
    mixed = new_colour[touched] * before[:, None] + light * cover[:, None]
    new_colour[touched] = mixed / both[:, None]
    new_alpha[touched] = both
    return new_colour.reshape(colour.shape), new_alpha.reshape(alpha.shape)
