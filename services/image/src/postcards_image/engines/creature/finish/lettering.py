"""Small text on a print, in the font that Pillow carries."""

from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from postcards_image.engines.creature.layers import FloatImage
from postcards_image.engines.creature.scenery.filters import warped


@lru_cache(maxsize=16)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def letter(
    mask: FloatImage,
    text: str,
    at: tuple[float, float],
    size: float,
    *,
    anchor: str = "lm",
    slant: float = 0.0,
    widest: float = 0.0,
) -> None:
    """Writes `text` into a coverage mask (h, w), `size` pixels high, `at` (x, y) pixels.

    `anchor` is Pillow's: l, m or r and t, m, s or b. `slant` above 0 leans the letters; `widest` above 0 makes the text
    smaller until it fits that many pixels.
    """
    if not text.strip() or size < 4:
        return
    font = _font(round(size, 1))
    if widest > 0:
        length = float(font.getlength(text))
        if length > widest:
            font = _font(round(max(4.0, size * widest / length), 1))
    height, width = mask.shape
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text(at, text, fill=255, font=font, anchor=anchor)
    written = np.asarray(image, np.float32) / 255
    if slant:
        matrix = np.array([[1, -slant, slant * at[1]], [0, 1, 0]], np.float32)
        written = warped(written, matrix, cv2.BORDER_CONSTANT)
    np.maximum(mask, written, out=mask)
