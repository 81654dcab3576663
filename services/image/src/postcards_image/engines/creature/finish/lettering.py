"""Small text on a print."""

from enum import Enum
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from postcards_image.engines.creature.layers import FloatImage

_FONTS = Path(__file__).parent / "fonts"


class Face(Enum):
    """The typefaces of prints; the values are files beside this module."""

    MACHINE = ""
    """What Pillow carries: plain letters without accents."""
    PLATE = "plate.ttf"
    """An italic of the time of engravings."""
    PRINT = "print.ttf"
    """A narrow grotesque."""


@lru_cache(maxsize=16)
def _font(face: Face, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.truetype(_FONTS / face.value, size) if face.value else ImageFont.load_default(size)


def letter(
    mask: FloatImage,
    text: str,
    at: tuple[float, float],
    size: float,
    *,
    face: Face = Face.MACHINE,
    anchor: str = "lm",
    widest: float = 0.0,
) -> None:
    """Writes `text` into a coverage mask (h, w), `size` pixels high, `at` (x, y) pixels.

    `anchor` is Pillow's: l, m or r and t, m, s or b. `widest` above 0 makes the text smaller until it fits that many
    pixels.
    """
    if not text.strip() or size < 4:
        return
    font = _font(face, round(size, 1))
    if widest > 0:
        length = float(font.getlength(text))
        if length > widest:
            font = _font(face, round(max(4.0, size * widest / length), 1))
    height, width = mask.shape
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text(at, text, fill=255, font=font, anchor=anchor)
    written = np.asarray(image, np.float32) / 255
    np.maximum(mask, written, out=mask)
