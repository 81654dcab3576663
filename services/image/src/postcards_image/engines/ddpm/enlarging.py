"""From a small sample to a large painting.

An enlarged sample is soft, and nothing can bring back what was never drawn. So its edges are made crisp and its flat
parts flat, as a painter does with a subject seen from afar: what noise the sampler left is taken out, and a
coherence-enhancing shock filter (Weickert 2003) runs between every two enlargements.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.layers import FloatImage
from postcards_image.engines.creature.scenery.filters import blurred, smoothed_up

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_SHARPEST = 512
"""Pixels beyond which edges are crisp enough to be enlarged as they are."""
_PASSES = 3
_AMOUNT = np.float32(0.55)
_LIGHT, _COLOUR = 1.25, 1.5
"""Strength of the cleaning for each level of noise; colours have less detail to lose."""
_TEXTURE = 160.0
"""What the measure of noise finds in pictures without noise, times their pixels across: texture and small shapes."""
_PLANE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_NEIGHBOURS = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))


def enlarge(sample: NDArray[np.uint8], size: int) -> FloatImage:
    """A square sRGB sample (n, n, 3) as a painting (size, size, 3), encoded sRGB in 0 to 1."""
    picture = _cleaned(sample).astype(np.float32) / 255
    if picture.shape[0] > size:
        return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    while picture.shape[0] < size:
        side = min(size, 2 * picture.shape[0])
        picture = smoothed_up(picture, side, side)
        if side <= _SHARPEST:
            for _ in range(_PASSES):
                picture = _shocked(picture, 1.6 if side <= _SHARPEST // 2 else 2.2)
    return np.clip(picture, 0, 1).astype(np.float32)


def _cleaned(sample: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without the noise that it has, by non-local means; the filter would take grains for shapes."""
    noise = math.sqrt(max(0.0, _noise(sample) ** 2 - (_TEXTURE / sample.shape[0]) ** 2))
    if noise < 1:
        return sample
    return cv2.fastNlMeansDenoisingColored(sample, None, _LIGHT * noise, _COLOUR * noise, 3, 11).astype(np.uint8)


def _noise(sample: NDArray[np.uint8]) -> float:
    """Standard deviation of the noise, 0 to 255, from what a plane through each pixel leaves (Immerkaer 1996).

    By the median instead of the mean, which edges would raise.
    """
    left = np.asarray(cv2.filter2D(sample.astype(np.float32), cv2.CV_32F, _PLANE), np.float32)
    return float(np.median(np.abs(left))) / 0.6745 / 6


def _shocked(picture: FloatImage, reach: float) -> FloatImage:
    """One pass: light grows up to an edge from its light side, dark from its dark side.

    `reach` is over how many pixels the direction of an edge is averaged.
    """
    across, down = _steepest(picture, reach)
    soft = blurred(picture @ _GREY, reach * 0.7)
    xx, yy, xy = (_second(soft, *orders) for orders in ((2, 0), (0, 2), (1, 1)))
    bend = across**2 * xx + 2 * across * down * xy + down**2 * yy
    force = np.tanh(bend / (0.02 + np.abs(bend).mean()))[..., None]
    target = np.where(force < 0, cv2.dilate(picture, _NEIGHBOURS), cv2.erode(picture, _NEIGHBOURS))
    return (picture + _AMOUNT * np.abs(force) * (target - picture)).astype(np.float32)


def _steepest(picture: FloatImage, reach: float) -> tuple[FloatImage, FloatImage]:
    """The direction (x, y) of greatest change around each pixel, from the structure tensor."""
    grey = picture @ _GREY
    gx, gy = (np.asarray(cv2.Scharr(grey, cv2.CV_32F, *order), np.float32) for order in ((1, 0), (0, 1)))
    xx, xy, yy = (blurred(product, reach) for product in (gx * gx, gx * gy, gy * gy))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def _second(grey: FloatImage, dx: int, dy: int) -> FloatImage:
    return np.asarray(cv2.Sobel(grey, cv2.CV_32F, dx, dy, ksize=5), np.float32)
