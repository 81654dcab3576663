"""The stamp and the postmark as pictures, for the printed card."""

from math import pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from postcards_composer.card.colour.oklch import Rgb
from postcards_composer.card.colour.palette import Palette
from postcards_composer.card.stamp import design as stamp
from postcards_composer.card.stamp.design import STAMP, VIGNETTE, Point, StampDesign
from postcards_composer.card.text import wording
from postcards_composer.card.typography.lettering import on_arc
from postcards_composer.card.typography.typefaces import Face, fitted, font
from postcards_species.streams import Stream

_FINE = 2


def _scaled(points: tuple[Point, ...], scale: float) -> list[Point]:
    return [(x * scale, y * scale) for x, y in points]


def draw_stamp(
    design: StampDesign, picture: Image.Image | None, palette: Palette, height: int, seed: int
) -> Image.Image:
    """The stamp, upright, `height` pixels high, RGBA, transparent around its teeth."""
    scale = height * _FINE / STAMP[1]
    size = (round(STAMP[0] * scale), round(STAMP[1] * scale))
    sheet = Image.new("RGB", size, wording.STAMP_PAPER)
    draw = ImageDraw.Draw(sheet)
    pale = _mixed(palette.accent, wording.STAMP_PAPER, 0.62)
    for line in design.guilloche:
        points = _scaled(line, scale)
        draw.line([*points, points[0]], fill=pale, width=_FINE - 1, joint=None)
    draw.rectangle([34 * scale, 34 * scale, 206 * scale, 266 * scale], fill=wording.STAMP_PAPER)
    left, top, right, bottom = (round(edge * scale) for edge in VIGNETTE)
    if picture is not None:
        mask = stamp.engrave(picture, right - left, bottom - top, seed)
        sheet.paste(stamp.inked(mask, palette.accent, wording.STAMP_PAPER), (left, top))
    else:
        for line in stamp.rosette(Stream(seed, "plate"), 72 * scale):
            points = [((left + right) / 2 + x, (top + bottom) / 2 + y) for x, y in line]
            draw.line([*points, points[0]], fill=pale, width=_FINE)
    draw.rectangle([left, top, right, bottom], outline=palette.accent, width=round(1.2 * scale))
    draw.text(
        (40 * scale, 259 * scale),
        str(design.value),
        font=font(Face.DISPLAY, round(42 * scale)),
        fill=palette.accent,
        anchor="ls",
    )
    for text, y in ((design.unit.upper(), 241), ("JUNGLE POST", 259)):
        face = fitted(Face.LABEL, text, 84 * scale, round(16 * scale))
        draw.text((202 * scale, y * scale), text, font=face, fill=palette.accent, anchor="rs")
    alpha = Image.new("L", size)
    ImageDraw.Draw(alpha).polygon(_scaled(design.perforation, scale), fill=255)
    sheet.putalpha(alpha)
    return sheet.resize((size[0] // _FINE, size[1] // _FINE), Image.Resampling.BOX)


def _mixed(ink: Rgb, paper: Rgb, share: float) -> Rgb:
    r, g, b = (round(p + (i - p) * share) for i, p in zip(ink, paper, strict=True))
    return r, g, b


def draw_postmark(office: str, date: str, height: int, seed: int) -> Image.Image:
    """The postmark, upright, `height` pixels high and 2.25 times as wide: an ink mask of mode "L", worn in places."""
    scale = height * _FINE / 160
    size = (round(360 * scale), round(160 * scale))
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    for radius in (70.0, 66.5, 46.0):
        box = [(80 - radius) * scale, (80 - radius) * scale, (80 + radius) * scale, (80 + radius) * scale]
        draw.ellipse(box, outline=255, width=round(1.7 * scale))
    centre = (80 * scale, 80 * scale)
    on_arc(mask, centre, 56 * scale, "JUNGLE POST", round(14.5 * scale), below=False)
    on_arc(mask, centre, 56 * scale, office.upper(), round(14.5 * scale), below=True)
    face = font(Face.LABEL, round(17 * scale))
    for text, y in zip(date.split(" "), (63, 81, 99), strict=True):
        draw.text((80 * scale, y * scale), text, font=face, fill=255, anchor="mm")
    for line in range(6):
        wave = [(x * scale, (38 + 17 * line + 4.5 * sin(2 * pi * (x - 148) / 52)) * scale) for x in range(148, 356, 3)]
        draw.line(wave, fill=255, width=round(1.9 * scale), joint="curve")
    small = mask.resize((size[0] // _FINE, size[1] // _FINE), Image.Resampling.BOX)
    return Image.fromarray((np.asarray(small, dtype=np.float32) * _wear(small.size, seed)).astype(np.uint8))


def _wear(size: tuple[int, int], seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """How much ink stayed, 0 to 1: smooth blotches where the hand-stamp did not press."""
    width, height = size
    noise = np.random.default_rng(seed).random((height // 6 + 2, width // 6 + 2), dtype=np.float32)
    blotches = Image.fromarray((noise * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.3))
    field = np.asarray(blotches.resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / 255
    return np.clip((field - 0.30) * 9, 0.18, 0.92).astype(np.float32)
