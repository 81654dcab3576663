"""Puts the animal into its habitat."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.layers import Animal, FloatImage, Scenery


def shaded_backdrop(scenery: Scenery, animal: Animal) -> FloatImage:
    """(h, w, 3) the backdrop with the animal's shadow on it; shadows keep the colour of the sky."""
    taken = 1.0 - animal.shadow[..., None]
    sky = scenery.light.sky / max(float(scenery.light.sky.max()), 1e-6)
    return (scenery.backdrop * (1.0 - taken * (1.0 - 0.22 * sky))).astype(np.float32)


def compose(scenery: Scenery, animal: Animal) -> FloatImage:
    """(h, w, 3) backdrop, shadow, animal in its air, foreground; linear light."""
    return over(scenery.foreground, placed(shaded_backdrop(scenery, animal), scenery, animal))


def placed(backdrop: FloatImage, scenery: Scenery, animal: Animal) -> FloatImage:
    """(h, w, 3) the animal, seen through its share of air, on a backdrop."""
    air = np.float32(scenery.haze_amount * 0.6)
    colour = animal.colour * (1 - air) + scenery.haze * air
    alpha = animal.alpha[..., None]
    return (backdrop * (1 - alpha) + colour * alpha).astype(np.float32)


def over(layer: FloatImage, below: FloatImage) -> FloatImage:
    """A premultiplied (h, w, 4) layer on an image (h, w, 3)."""
    return (below * (1 - layer[..., 3:]) + layer[..., :3]).astype(np.float32)


def covering(painting: FloatImage, width: int, height: int, window: tuple[float, float, float, float]) -> FloatImage:
    """(h, w, 3) with `painting`, a square, over all of `window` and as much beyond as there is; its edge goes on.

    `window` is left, top, right, bottom in pixels; the middle of the painting comes to the middle of the window.
    """
    left, top, right, bottom = window
    scale = max(right - left, bottom - top) / painting.shape[0]
    across, down = (left + right) / 2, (top + bottom) / 2
    half = painting.shape[0] / 2
    matrix = np.array([[scale, 0, across - half * scale], [0, scale, down - half * scale]], np.float64)
    # Pixel centres, not corners, are what is moved.
    matrix[:, 2] += (scale - 1) / 2
    moved = cv2.warpAffine(painting, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(moved, 0, 1).astype(np.float32)


def shown(linear: NDArray[Any]) -> FloatImage:
    """Encoded sRGB of linear light, highlights compressed instead of cut."""
    shoulder = 0.8 + 0.2 * (1 - np.exp(-(np.maximum(linear, 0.8) - 0.8) / 0.2))
    return np.power(np.maximum(np.where(linear < 0.8, linear, shoulder), 0), 1 / 2.2).astype(np.float32)


def to_bytes(encoded: FloatImage) -> np.ndarray:
    """(h, w, 3) uint8 of encoded sRGB."""
    return np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
