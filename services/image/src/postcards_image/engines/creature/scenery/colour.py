"""Colour arithmetic: OKLCH for choosing, linear sRGB for light, encoded sRGB for painting.

OKLab after Björn Ottosson, "A perceptual color space for image processing" (2020).
"""

import colorsys
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float32]
"""(3,) linear sRGB, or (n, 3) of them."""

_LMS_FROM_LAB = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_LMS_FROM_RGB = np.linalg.inv(_RGB_FROM_LMS)
_LAB_FROM_LMS = np.linalg.inv(_LMS_FROM_LAB)


def oklch(lightness: float, chroma: float, degrees: float) -> Colour:
    """Linear sRGB of an OKLCH colour (lightness 0 to 1, chroma 0 to 0.35, hue in degrees), cut to what can be shown."""
    angle = math.radians(degrees)
    return from_oklab(np.array([lightness, chroma * math.cos(angle), chroma * math.sin(angle)]))


def from_oklab(lab: NDArray[np.float64]) -> Colour:
    """Linear sRGB of OKLab colours (..., 3), negative components cut to 0."""
    lms = (lab @ _LMS_FROM_LAB.T) ** 3
    return np.maximum(lms @ _RGB_FROM_LMS.T, 0.0).astype(np.float32)


def to_oklab(colour: NDArray[Any]) -> NDArray[np.float64]:
    """OKLab of linear sRGB colours (..., 3)."""
    lms = np.cbrt(np.maximum(colour.astype(np.float64), 0.0) @ _LMS_FROM_RGB.T)
    return lms @ _LAB_FROM_LMS.T


def encode(linear: NDArray[Any]) -> NDArray[np.float32]:
    """Encoded sRGB of linear light, as a plain power of 1/2.2; values above 1 are cut."""
    return np.power(np.clip(linear, 0.0, 1.0), 1 / 2.2).astype(np.float32)


def decode(encoded: NDArray[Any]) -> NDArray[np.float32]:
    """Linear light of encoded sRGB; the inverse of `encode`."""
    return np.power(np.clip(encoded, 0.0, 1.0), 2.2).astype(np.float32)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Linear sRGB between two colours, mixed in OKLab; `share` 0 is the first, 1 the second."""
    return from_oklab(to_oklab(first) * (1 - share) + to_oklab(second) * share)


def tint(colour: Colour, hue: float, share: float, strength: float = 1.0) -> Colour:
    """`colour` (..., 3) turned towards a hue (turns of the colour wheel) by `share` of the way, its lightness kept.

    Turning keeps the chroma, where mixing would end in grey; greys gain a little. `strength` multiplies the chroma.
    """
    lab = to_oklab(colour)
    target = to_oklab(np.array(colorsys.hsv_to_rgb(hue, 1.0, 1.0)) ** 2.2)
    goal = math.atan2(target[2], target[1])
    chroma = np.maximum(np.hypot(lab[..., 1], lab[..., 2]), 0.022) * strength
    angle = np.arctan2(lab[..., 2], lab[..., 1])
    angle = angle + share * ((goal - angle + math.pi) % (2 * math.pi) - math.pi)
    lab[..., 1], lab[..., 2] = chroma * np.cos(angle), chroma * np.sin(angle)
    return from_oklab(lab)


def luminance(colour: NDArray[Any]) -> NDArray[np.float32]:
    """Relative luminance of linear sRGB (..., 3)."""
    return (colour @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.float32)
