"""OpenCV's filters, typed: float32 in, float32 out."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]


def blurred(image: NDArray[Any], sigma: float) -> FloatImage:
    """Gaussian blur by `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.2)), np.float32)


def softened(image: NDArray[Any], sigma: float) -> FloatImage:
    """Gaussian blur by `sigma` pixels; large ones run at a reduced size."""
    if sigma < 0.3:
        return np.asarray(image, np.float32)
    height, width = image.shape[:2]
    step = max(1, int(sigma / 2.5))
    if step == 1:
        return blurred(image, sigma)
    small = blurred(shrunk(image, max(2, width // step), max(2, height // step)), sigma / step)
    return stretched(small, width, height)


def shrunk(image: NDArray[Any], width: int, height: int) -> FloatImage:
    """`image` averaged down to (height, width)."""
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def stretched(image: NDArray[Any], width: int, height: int) -> FloatImage:
    """`image` interpolated linearly to (height, width)."""
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def smoothed_up(image: NDArray[Any], width: int, height: int) -> FloatImage:
    """`image` interpolated cubically to (height, width); it may overshoot."""
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def sampled(image: NDArray[Any], x: NDArray[Any], y: NDArray[Any], border: int = cv2.BORDER_REFLECT) -> FloatImage:
    """`image` at the positions (x, y), arrays of one shape."""
    at = np.asarray(x, np.float32), np.asarray(y, np.float32)
    return np.asarray(cv2.remap(image, *at, cv2.INTER_LINEAR, borderMode=border), np.float32)


def tiled(image: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> FloatImage:
    """`image`, repeated without end, at the positions (x, y)."""
    height, width = image.shape[:2]
    return sampled(image, x % width, y % height, cv2.BORDER_WRAP)


def warped(image: NDArray[Any], matrix: NDArray[Any], border: int = cv2.BORDER_REPLICATE) -> FloatImage:
    """`image` moved by a matrix (2, 3) that maps its pixels to their new places."""
    height, width = image.shape[:2]
    return np.asarray(
        cv2.warpAffine(image, np.asarray(matrix, np.float64), (width, height), borderMode=border), np.float32
    )


def recoloured(image: NDArray[Any], matrix: NDArray[Any]) -> FloatImage:
    """Each pixel (3,) of `image` multiplied by a matrix (3, 3)."""
    return np.asarray(cv2.transform(image, matrix), np.float32)
