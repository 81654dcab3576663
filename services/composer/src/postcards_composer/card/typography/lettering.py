"""Setting type on a Pillow image."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from PIL import Image, ImageDraw, ImageFont

from postcards_composer.card.colour.oklch import Rgb
from postcards_composer.card.typography.typefaces import Face, font

Font = ImageFont.FreeTypeFont


def _letters_within(face: Font, text: str, width: float) -> int:
    """How many letters from the beginning of the text are no wider than `width`."""
    return bisect_right(range(1, len(text) + 1), width, key=lambda count: face.getlength(text[:count]))


def wrapped(face: Font, text: str, width: float) -> list[str]:
    """The text in lines no wider than `width`; a word that is too wide breaks where it must."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if face.getlength(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while face.getlength(line) > width and len(line) > 1:
            fits = max(1, _letters_within(face, line, width))
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line] if line else lines


def shortened(face: Font, text: str, width: float) -> str:
    """One line of the text no wider than `width`, with an ellipsis where something had to go."""
    if face.getlength(text) <= width:
        return text
    kept = text[: _letters_within(face, text, width - face.getlength("…"))]
    return kept.rstrip() + "…"


@dataclass(frozen=True)
class Pen:
    """Writes on one image; every text stands on its baseline."""

    draw: ImageDraw.ImageDraw
    """The image to write on."""

    def line(self, at: tuple[float, float], text: str, face: Font, ink: Rgb, anchor: str = "ls") -> float:
        """Writes one line from the baseline point `at` and returns its width."""
        self.draw.text(at, text, font=face, fill=ink, anchor=anchor)
        return face.getlength(text)

    def tracked(self, at: tuple[float, float], text: str, face: Font, ink: Rgb, tracking: float) -> float:
        """Writes one line with `tracking` ems between the letters and returns its width."""
        x = at[0]
        for letter in text:
            self.draw.text((x, at[1]), letter, font=face, fill=ink, anchor="ls")
            x += face.getlength(letter) + tracking * face.size
        return x - at[0]

    def paragraph(self, at: tuple[float, float], lines: Sequence[str], face: Font, ink: Rgb, leading: float) -> float:
        """Writes lines, the first baseline at `at`, `leading` ems apart, and returns the last baseline."""
        y = at[1]
        for index, text in enumerate(lines):
            y = at[1] + index * leading * face.size
            self.draw.text((at[0], y), text, font=face, fill=ink, anchor="ls")
        return y


def on_arc(mask: Image.Image, centre: tuple[float, float], radius: float, text: str, pixels: int, below: bool) -> None:
    """Writes white text along a circle on an "L" image: over the top, or, `below`, along the bottom, readable there."""
    face = font(Face.LABEL, pixels)
    step = 0.14 * pixels
    total = sum(face.getlength(letter) + step for letter in text) - step
    place = -total / 2
    for letter in text:
        wide = face.getlength(letter)
        angle = (place + wide / 2) / radius
        turned = pi / 2 - angle if below else angle - pi / 2
        x, y = centre[0] + radius * cos(turned), centre[1] + radius * sin(turned)
        tilt = angle if below else -angle
        tile = Image.new("L", (pixels * 2, pixels * 2))
        ImageDraw.Draw(tile).text((pixels, pixels), letter, font=face, fill=255, anchor="mm")
        tile = tile.rotate(tilt * 180 / pi, Image.Resampling.BICUBIC)
        corner = (round(x - pixels), round(y - pixels))
        mask.paste(255, (corner[0], corner[1]), tile)
        place += wide + step
