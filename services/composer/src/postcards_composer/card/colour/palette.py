"""The colours of a card, taken from its picture."""

from dataclasses import dataclass
from math import cos, pi

from PIL import Image

from postcards_composer.card.colour.oklch import Lch, Rgb, darkened_until, hue_of_turn, lch_of, rgb_of

READABLE = 4.6
"""Contrast of small text, a little above the 4.5 that WCAG 2.2 asks for."""
_CREAM_HUE = 1.48
_GREY = 0.02
_PALE, _DARK = 0.82, 0.2


@dataclass(frozen=True)
class Palette:
    """The colours of one card."""

    paper: Rgb
    """What it is printed on."""
    ink: Rgb
    """Text; contrast with paper above 10."""
    faded: Rgb
    """Small print; readable on paper."""
    accent: Rgb
    """The strongest colour of the picture, readable on paper."""
    second: Rgb
    """Another colour of the picture, readable on paper: the postmark."""
    hairline: Rgb
    """Rules and folds; decoration only."""
    table: Rgb
    """What the card lies on by day."""
    night: Rgb
    """What the card lies on in the dark, and the silence of the spectrogram."""
    glow: Rgb
    """Light text and marks on `night`."""
    ramp: tuple[Rgb, ...]
    """Colours of the spectrogram from silence to the loudest, evenly spaced."""


def _apart(first: float, second: float) -> float:
    """Angle between two hues, 0 to pi."""
    return abs((first - second + pi) % (2 * pi) - pi)


def _prominent(picture: Image.Image) -> list[tuple[Lch, float]]:
    """The picture's main colours with their shares."""
    small = picture.resize((72, 72), Image.Resampling.BOX).quantize(12, Image.Quantize.MEDIANCUT).convert("RGB")
    counts = small.getcolors(72 * 72) or []
    found: list[tuple[Lch, float]] = []
    for count, rgb in counts:
        if isinstance(rgb, tuple):
            found.append((lch_of((int(rgb[0]), int(rgb[1]), int(rgb[2]))), count / (72 * 72)))
    return found


def _presence(colour: Lch, share: float) -> float:
    """How much a colour speaks for the picture: vivid before widespread, and pale grounds and near-blacks hardly."""
    middle = 0.3 if colour.lightness > _PALE or colour.lightness < _DARK else 1.0
    return middle * (colour.chroma - _GREY) ** 1.4 * share**0.3


def _leading_hues(picture: Image.Image | None, turn: float) -> tuple[Lch, Lch]:
    """The two colours that the card is built on; without a picture both come from the scene's hue."""
    fallback = Lch(0.5, 0.11, hue_of_turn(turn))
    colours = [] if picture is None else [pair for pair in _prominent(picture) if pair[0].chroma > _GREY]
    if not colours:
        return fallback, Lch(0.45, 0.1, fallback.hue + 2.4)
    first = max(colours, key=lambda pair: _presence(*pair))[0]
    others = [pair for pair in colours if _apart(pair[0].hue, first.hue) > 0.6]
    if not others:
        return first, Lch(0.45, min(0.12, first.chroma + 0.03), first.hue + 2.4)
    return first, max(others, key=lambda pair: _presence(*pair))[0]


def derive_palette(picture: Image.Image | None, turn: float) -> Palette:
    """The palette of `picture`, or of a scene's `turn` of the colour wheel (0 to 1) where there is none.

    Text colours are darkened until they are readable on the paper, whatever the picture.
    """
    first, second = _leading_hues(picture, turn)
    warmth = 0.5 + 0.5 * cos(_apart(first.hue, _CREAM_HUE))
    paper = rgb_of(Lch(0.957, 0.011 + 0.008 * warmth, _CREAM_HUE))
    accent_chroma = min(0.17, max(0.085, first.chroma * 1.25))
    second_chroma = min(0.15, max(0.07, second.chroma * 1.25))
    middle = first.hue + 0.5 * ((second.hue - first.hue + pi) % (2 * pi) - pi)
    ramp = (
        Lch(0.17, 0.03, second.hue),
        Lch(0.27, 0.07, second.hue),
        Lch(0.42, 0.12, second.hue),
        Lch(0.58, 0.15, middle),
        Lch(0.72, 0.14, first.hue),
        Lch(0.86, 0.10, first.hue),
        Lch(0.965, 0.03, first.hue),
    )
    return Palette(
        paper=paper,
        ink=darkened_until(Lch(0.27, 0.03, first.hue), paper, 10.5),
        faded=darkened_until(Lch(0.53, 0.03, first.hue), paper, READABLE),
        accent=darkened_until(Lch(0.58, accent_chroma, first.hue), paper, READABLE),
        second=darkened_until(Lch(0.5, second_chroma, second.hue), paper, READABLE),
        hairline=rgb_of(Lch(0.82, 0.03, _CREAM_HUE)),
        table=rgb_of(Lch(0.872, 0.016, first.hue)),
        night=rgb_of(ramp[0]),
        glow=rgb_of(ramp[-1]),
        ramp=tuple(rgb_of(step) for step in ramp),
    )
