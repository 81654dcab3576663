"""Colours in OKLCH and their contrast.

OKLab after Björn Ottosson, "A perceptual color space for image processing" (2020); contrast after WCAG 2.2.
"""

from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin

Rgb = tuple[int, int, int]
"""Red, green and blue, 0 to 255, sRGB."""


@dataclass(frozen=True)
class Lch:
    """A colour in OKLCH."""

    lightness: float
    """0 black to 1 white."""
    chroma: float
    """0 grey to about 0.37."""
    hue: float
    """Angle in radians."""


def _to_linear(channel: int) -> float:
    value = channel / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _from_linear(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def lch_of(rgb: Rgb) -> Lch:
    """The colour in OKLCH."""
    r, g, b = (_to_linear(channel) for channel in rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    bb = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Lch(lightness, hypot(a, bb), atan2(bb, a))


def _linear_of(colour: Lch) -> tuple[float, float, float]:
    a, b = colour.chroma * cos(colour.hue), colour.chroma * sin(colour.hue)
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def rgb_of(colour: Lch) -> Rgb:
    """The nearest sRGB colour of the same lightness and hue: chroma gives way where sRGB ends."""
    chroma = colour.chroma
    while True:
        linear = _linear_of(Lch(colour.lightness, chroma, colour.hue))
        if chroma <= 0 or all(-1e-4 <= value <= 1.0001 for value in linear):
            r, g, b = (round(255 * _from_linear(min(1.0, max(0.0, value)))) for value in linear)
            return r, g, b
        chroma = max(0.0, chroma - 0.004)


def hue_of_turn(turn: float) -> float:
    """A hue angle from a turn of the colour wheel, 0 to 1."""
    return 2 * pi * turn


def contrast(first: Rgb, second: Rgb) -> float:
    """Contrast ratio of two colours, 1 to 21."""

    def luminance(rgb: Rgb) -> float:
        r, g, b = (_to_linear(channel) for channel in rgb)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def darkened_until(colour: Lch, background: Rgb, ratio: float) -> Rgb:
    """`colour`, as dark as it must be to have `ratio` against a light `background`."""
    lightness = colour.lightness
    while lightness > 0:
        rgb = rgb_of(Lch(lightness, colour.chroma, colour.hue))
        if contrast(rgb, background) >= ratio:
            return rgb
        lightness -= 0.01
    return 0, 0, 0


def hex_of(rgb: Rgb) -> str:
    """As in CSS, "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)
