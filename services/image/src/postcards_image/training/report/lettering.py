"""Paper, ink and letters of the pictures that a training run leaves."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

import postcards_image

Colour = tuple[int, int, int]

PAPER: Final[Colour] = (246, 242, 233)
"""Background."""
INK: Final[Colour] = (38, 36, 33)
"""Letters that matter."""
PENCIL: Final[Colour] = (128, 121, 110)
"""Letters and lines that can wait."""
RULE: Final[Colour] = (222, 215, 202)
"""Lines that only guide the eye."""

# The face of our prints: narrow, and it has the accents that names of classes may have.
_FACE = Path(postcards_image.__file__).parent / "engines" / "creature" / "finish" / "fonts" / "print.ttf"


@lru_cache(maxsize=16)
def face(size: float) -> ImageFont.FreeTypeFont:
    """The typeface at `size` pixels."""
    return ImageFont.truetype(_FACE, size)


def write(
    page: Image.Image,
    text: str,
    at: tuple[float, float],
    size: float,
    *,
    colour: Colour = INK,
    anchor: str = "la",
    widest: float = 0,
) -> None:
    """Writes one line; `anchor` is Pillow's. Text wider than `widest` pixels (0: any) is cut and ends in "…"."""
    font = face(size)
    if widest and font.getlength(text) > widest:
        while text and font.getlength(text + "…") > widest:
            text = text[:-1]
        text = text.rstrip() + "…"
    ImageDraw.Draw(page).text(at, text, fill=colour, font=font, anchor=anchor)


def amount(number: float) -> str:
    """A number for people, e.g. "1.2 M", "85 k", "640"."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size * 0.9995:
            value = number / size
            return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.3g} {unit}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """A time for people, e.g. "2 h 05 min", "7 min 20 s", "12 s"."""
    whole = round(max(0.0, seconds))
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole} s"
