"""The stamp and the postmark: a design drawn from the seed, and the picture engraved in one ink."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from postcards_composer.card.colour.oklch import Rgb
from postcards_species.streams import Stream

Point = tuple[float, float]

STAMP = (240.0, 300.0)
"""Width and height of the stamp in its own units."""
VIGNETTE = (38.0, 38.0, 202.0, 222.0)
"""Left, top, right and bottom of the engraving."""
_TOOTH = 12.0
_UNITS = ("growls", "clicks", "hums", "hoots", "chirps", "howls", "purrs")
_VALUES = (1, 2, 3, 5, 7, 9, 12, 20)
_SHADES = 12


@dataclass(frozen=True)
class StampDesign:
    """What is printed on a stamp, in units of `STAMP`."""

    value: int
    """Its worth."""
    unit: str
    """In what."""
    perforation: tuple[Point, ...]
    """Outline of the toothed paper, closed."""
    guilloche: tuple[tuple[Point, ...], ...]
    """Fine interlaced lines around the vignette, each closed."""
    tilt: float
    """How crooked it was stuck on, in degrees."""
    postmark_tilt: float
    """How crooked it was cancelled, in degrees."""


def _perforation() -> tuple[Point, ...]:
    """Walks around the paper and bites a half circle out of it at every tooth."""
    width, height = STAMP
    points: list[Point] = []
    corners = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
    for index, (x0, y0) in enumerate(corners):
        x1, y1 = corners[(index + 1) % 4]
        length = abs(x1 - x0) + abs(y1 - y0)
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        teeth = round(length / _TOOTH)
        pitch = length / teeth
        for tooth in range(teeth):
            centre = (tooth + 0.5) * pitch
            radius = pitch * 0.3
            points.append((x0 + dx * (centre - radius), y0 + dy * (centre - radius)))
            for step in range(1, 8):
                angle = pi * step / 8
                along, inwards = centre - radius * cos(angle), radius * sin(angle)
                points.append((x0 + dx * along - dy * inwards, y0 + dy * along + dx * inwards))
            points.append((x0 + dx * (centre + radius), y0 + dy * (centre + radius)))
        points.append((x1, y1))
    return tuple(points)


def _rounded_box(turn: float, inset: float) -> Point:
    """A point of the superellipse that runs `inset` inside the stamp's edge, at `turn` (0 to 1) of the way around."""
    angle = 2 * pi * turn
    power = 0.42
    x = abs(cos(angle)) ** power * (1 if cos(angle) >= 0 else -1)
    y = abs(sin(angle)) ** power * (1 if sin(angle) >= 0 else -1)
    return STAMP[0] / 2 + x * (STAMP[0] / 2 - inset), STAMP[1] / 2 + y * (STAMP[1] / 2 - inset)


def _guilloche(stream: Stream) -> tuple[tuple[Point, ...], ...]:
    """Strands that run around the vignette and swing across one another."""
    strands = stream.integer(4, 6)
    lobes = stream.choice((34, 40, 46, 52))
    swell = stream.choice((3, 5, 7))
    steps = lobes * 18
    lines: list[tuple[Point, ...]] = []
    for strand in range(strands):
        phase = 2 * pi * strand / strands
        line: list[Point] = []
        for step in range(steps):
            turn = step / steps
            swing = 7.5 * sin(2 * pi * lobes * turn + phase) * (0.75 + 0.25 * sin(2 * pi * swell * turn))
            line.append(_rounded_box(turn, 24.5 + swing))
        lines.append(tuple(line))
    return tuple(lines)


def rosette(stream: Stream, radius: float) -> tuple[tuple[Point, ...], ...]:
    """Closed interlaced lines around the origin, none farther from it than `radius`: the plate for a lost picture.

    Rings of strands that swing between two radii, each strand a little later than the one before, as an engine turns
    them for bank notes.
    """
    lines: list[tuple[Point, ...]] = []
    for inner, outer in ((0.16, 0.46), (0.40, 0.74), (0.68, 1.0)):
        lobes = stream.choice((10, 12, 14, 16, 18, 20))
        strands = stream.choice((5, 6, 7))
        second = stream.choice((2, 3))
        middle, swing = radius * (inner + outer) / 2, radius * (outer - inner) / 2
        steps = lobes * 18
        for strand in range(strands):
            phase = 2 * pi * strand / strands
            line: list[Point] = []
            for step in range(steps):
                angle = 2 * pi * step / steps
                turn = lobes * angle + phase
                distance = middle + swing * (0.8 * cos(turn) + 0.2 * cos(second * turn))
                line.append((distance * cos(angle), distance * sin(angle)))
            lines.append(tuple(line))
    return tuple(lines)


def design_stamp(seed: int) -> StampDesign:
    """The stamp of a species."""
    stream = Stream(seed, "stamp")
    return StampDesign(
        value=stream.choice(_VALUES),
        unit=stream.choice(_UNITS),
        perforation=_perforation(),
        guilloche=_guilloche(stream),
        tilt=stream.uniform(-2.2, 2.2),
        postmark_tilt=stream.uniform(-12, 5),
    )


def _focus(grey: Image.Image) -> Point:
    """Where the picture's detail gathers, as shares of its width and height."""
    small = grey.resize((48, 48), Image.Resampling.BOX).filter(ImageFilter.FIND_EDGES).crop((2, 2, 46, 46))
    detail = np.asarray(small, dtype=np.float64) ** 1.5 + 1e-6
    y, x = np.mgrid[0:44, 0:44]
    total = detail.sum()
    return float((detail * x).sum() / total / 43), float((detail * y).sum() / total / 43)


def engrave(picture: Image.Image, width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """The picture as an engraving of `width` x `height` pixels: 0 bare paper, 255 full ink.

    Lines that bend like the seed wants swell where the picture is dark; a second set crosses them in the shadows.
    """
    grey = ImageOps.autocontrast(picture.convert("L").resize((384, 384 * picture.height // picture.width)), cutoff=2)
    fitted = ImageOps.fit(grey, (width, height), Image.Resampling.LANCZOS, centering=_focus(grey))
    calm = fitted.filter(ImageFilter.GaussianBlur(width / 150))
    sharp = ImageOps.autocontrast(calm.filter(ImageFilter.UnsharpMask(width / 24, 110, 2)), cutoff=1)
    darkness = 1 - np.asarray(sharp, dtype=np.float64) / 255
    relief = 1 - np.asarray(fitted.filter(ImageFilter.GaussianBlur(width / 28)), dtype=np.float64) / 255
    stream = Stream(seed, "engraving")
    period = height / 58
    bend, waves, phase = stream.uniform(1.5, 4) * period, stream.uniform(0.7, 1.6), stream.uniform(0, 2 * pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    along = (y + bend * np.sin(2 * pi * waves * x / width + phase) + relief * period * 3.2) / period
    across = (x * 0.8 - y * 0.6) / (period * 1.15)
    softness = 5.0 / period
    lines = _swelling(along, 0.1 + 0.86 * darkness, softness)
    hatch = _swelling(across, np.clip(darkness * 1.7 - 0.95, 0, 0.7), softness)
    return (np.maximum(lines, hatch) * 255).astype(np.uint8)


def _swelling(place: NDArray[np.float64], weight: NDArray[np.float64], softness: float) -> NDArray[np.float64]:
    """Ink of parallel lines, one per unit of `place`, as wide as `weight` (0 to 1) says."""
    distance = np.abs(place - np.floor(place) - 0.5) * 2
    return np.clip((weight - distance) / softness + 0.5, 0, 1) * np.clip(weight * 12, 0, 1)


def inked(ink_mask: NDArray[np.uint8], ink: Rgb, paper: Rgb) -> Image.Image:
    """An engraving printed on paper: an image of a dozen shades."""
    image = Image.fromarray((ink_mask.astype(np.uint16) * (_SHADES - 1) // 255).astype(np.uint8)).convert("P")
    shades = [
        round(paper[channel] + (ink[channel] - paper[channel]) * shade / (_SHADES - 1))
        for shade in range(_SHADES)
        for channel in range(3)
    ]
    image.putpalette(shades)
    return image
