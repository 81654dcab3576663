"""Sheets of acetate: one depth layer of antialiased shapes, drawn with OpenCV."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.scenery.colour import Colour, encode

_SHIFT = 4
_ONE = 1 << _SHIFT

Points = NDArray[np.float32]
"""(n, 2) positions in pixels, x to the right, y down."""


class Sheet:
    """A transparent layer in encoded sRGB. Colours go in linear; edges are smooth."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self.glow = np.zeros((height, width, 3), np.uint8)
        self.glows = False
        self.shade = np.zeros((max(2, height // 4), max(2, width // 4)), np.uint8)

    def contact(self, x: float, y: float, half: float, darkness: float) -> None:
        """Notes the shadow that something `half` a width broad casts where it stands; `darkness` is 0 to 1."""
        centre, axes = (round(x * _ONE / 4), round(y * _ONE / 4)), (round(half * _ONE / 4), round(half * _ONE / 14))
        if axes[1] > 3:
            level = round(255 * darkness)
            cv2.ellipse(self.shade, centre, axes, 0, 0, 360, level, -1, cv2.LINE_8, _SHIFT)

    def polygon(self, points: NDArray[Any], colour: Colour) -> None:
        """Fills the polygon of `points` (n, 2), in pixels."""
        cv2.fillPoly(self.pixels, [_fixed(points)], _paint(colour), cv2.LINE_AA, _SHIFT)

    def polygons(self, shapes: Sequence[NDArray[Any]], colours: NDArray[np.float32], glows: NDArray[np.bool_]) -> None:
        """Fills polygons in order; those marked glow are seen through haze and bloom."""
        ends = np.cumsum([len(shape) for shape in shapes]).tolist()
        self.outlines(np.concatenate(shapes), ends, colours, glows)

    def outlines(
        self, points: NDArray[Any], ends: Sequence[int], colours: NDArray[np.float32], glows: NDArray[np.bool_]
    ) -> None:
        """Fills polygons whose corners (n, 2) follow each other, each ending before its place in `ends`."""
        fixed = _fixed(points)
        paints = np.rint(encode(colours) * 255).astype(int).tolist()
        start = 0
        for end, paint, glow in zip(ends, paints, glows.tolist(), strict=True):
            shape = [fixed[start:end]]
            cv2.fillPoly(self.pixels, shape, (*paint, 255), cv2.LINE_AA, _SHIFT)
            if glow:
                cv2.fillPoly(self.glow, shape, tuple(paint), cv2.LINE_AA, _SHIFT)
                self.glows = True
            start = end

    def lines(self, lines: Sequence[Points], colour: Colour, thickness: float) -> None:
        """Strokes open lines of one colour."""
        if lines:
            fixed = [_fixed(line) for line in lines]
            cv2.polylines(self.pixels, fixed, False, _paint(colour), max(1, round(thickness)), cv2.LINE_AA, _SHIFT)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fills a disc; the radius is in pixels and at least 1/16 of one."""
        centre = (round(x * _ONE), round(y * _ONE))
        cv2.circle(self.pixels, centre, max(1, round(radius * _ONE)), _paint(colour), -1, cv2.LINE_AA, _SHIFT)

    def texture(self, field: NDArray[np.float32]) -> None:
        """Multiplies the colour by `field` (h, w), 1 leaving it as it is."""
        colour = self.pixels[..., :3]
        np.minimum(colour * field[..., None], 255, out=colour, casting="unsafe")

    def over(self, canvas: NDArray[np.float32], opacity: float = 1.0) -> NDArray[np.float32]:
        """`canvas` (h, w, 3), encoded, with this sheet on it."""
        rows = np.flatnonzero(self.pixels[..., 3].any(axis=1))
        if not len(rows):
            return canvas
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        part = self.pixels[top:bottom].astype(np.float32) * np.float32(opacity / 255)
        canvas[top:bottom] = canvas[top:bottom] * (1 - part[..., 3:]) + part[..., :3]
        return canvas


def _fixed(points: NDArray[Any]) -> NDArray[np.int32]:
    return np.rint(points * _ONE).astype(np.int32)


def _paint(colour: Colour) -> tuple[int, int, int, int]:
    red, green, blue = np.rint(encode(colour) * 255).astype(int).tolist()
    return red, green, blue, 255
