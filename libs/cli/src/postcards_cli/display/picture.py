"""A small picture in the terminal: four pixels to a character cell, in full colour."""

import io
from collections.abc import Iterator
from itertools import combinations

from rich.color import Color
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

Pixel = tuple[int, int, int]

_BLOCKS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""The blocks by their inked quarters: the sum of 1 (upper left), 2 (upper right), 4 (lower left), 8 (lower right)."""


class Picture:
    """An encoded picture (PNG, WebP, JPEG) as a rich renderable of quarter blocks.

    A cell has two colours, which go to its four quarters as they fit best. Cells are taken to be twice as high as wide,
    so that a square picture `columns` wide is about `columns` / 2 lines high.
    """

    def __init__(self, data: bytes, columns: int) -> None:
        """Decodes `data` and scales it to `columns` (1 or more) cells across.

        Raises:
            ValueError: Pillow is missing or does not know the format.
        """
        try:
            from PIL import Image
        except ImportError as error:
            raise ValueError("Pillow is not installed") from error
        try:
            with Image.open(io.BytesIO(data)) as image:
                self.columns = columns
                self.lines = max(1, round(image.height * columns / image.width / 2))
                size = (2 * columns, 2 * self.lines)
                pixels = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).tobytes()
        except (OSError, Image.DecompressionBombError) as error:
            raise ValueError(f"the picture cannot be read: {error}") from error
        self._segments = list(_segments(pixels, columns, self.lines))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        del console, options
        yield from self._segments

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        del console, options
        return Measurement(self.columns, self.columns)


def _segments(pixels: bytes, columns: int, lines: int) -> Iterator[Segment]:
    """The cells of a picture of 2 `columns` by 2 `lines` RGB pixels, line by line."""

    def pixel(x: int, y: int) -> Pixel:
        at = 3 * (2 * columns * y + x)
        return pixels[at], pixels[at + 1], pixels[at + 2]

    for line in range(lines):
        for column in range(columns):
            x, y = 2 * column, 2 * line
            yield _cell((pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)))
        yield Segment.line()


def _cell(quarters: tuple[Pixel, Pixel, Pixel, Pixel]) -> Segment:
    """The block and the two colours that come nearest to four pixels."""
    ink, paper = max(combinations(quarters, 2), key=lambda pair: _distance(*pair))
    inked = [_distance(quarter, ink) < _distance(quarter, paper) for quarter in quarters]
    block = _BLOCKS[sum(1 << i for i, is_ink in enumerate(inked) if is_ink)]
    ink_colour = _mean([q for q, is_ink in zip(quarters, inked, strict=True) if is_ink] or [ink])
    paper_colour = _mean([q for q, is_ink in zip(quarters, inked, strict=True) if not is_ink] or [paper])
    return Segment(block, Style(color=Color.from_rgb(*ink_colour), bgcolor=Color.from_rgb(*paper_colour)))


def _distance(one: Pixel, other: Pixel) -> int:
    """Squared distance of two colours."""
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2


def _mean(pixels: list[Pixel]) -> Pixel:
    count = len(pixels)
    return sum(p[0] for p in pixels) // count, sum(p[1] for p in pixels) // count, sum(p[2] for p in pixels) // count
