"""The typefaces that travel with the card."""

from base64 import b64encode
from enum import Enum
from functools import cache
from importlib.resources import files
from io import BytesIO

from PIL import ImageFont

_FOLDER = files("postcards_composer.card.typography").joinpath("fonts")


class Face(Enum):
    """A typeface by what it is used for; `fonts/README.md` names them."""

    DISPLAY = "display"
    PHRASE = "phrase"
    TEXT = "text"
    TEXT_ITALIC = "text-italic"
    HAND = "hand"
    LABEL = "label"


@cache
def _outlines(face: Face) -> bytes:
    return _FOLDER.joinpath(f"{face.value}.ttf").read_bytes()


@cache
def font(face: Face, pixels: int) -> ImageFont.FreeTypeFont:
    """The face at a size in pixels, for Pillow. Laid out without Raqm, so that every machine draws the same."""
    return ImageFont.truetype(BytesIO(_outlines(face)), pixels, layout_engine=ImageFont.Layout.BASIC)


@cache
def data_uri(face: Face) -> str:
    """The face as a WOFF2 data URI, for the page."""
    return "data:font/woff2;base64," + b64encode(_FOLDER.joinpath(f"{face.value}.woff2").read_bytes()).decode("ascii")


def width_in_ems(face: Face, text: str) -> float:
    """Width of one line of text in ems."""
    return font(face, 200).getlength(text) / 200


def fitted(face: Face, text: str, width: float, largest: int, smallest: int = 8) -> ImageFont.FreeTypeFont:
    """The face at the largest size, in pixels, at which one line of `text` is no wider than `width`."""
    ems = max(0.1, width_in_ems(face, text))
    return font(face, max(smallest, min(largest, int(width / ems))))
