"""A small picture in the terminal: two pixels to a character cell, in full colour."""

import io
from collections.abc import Iterator

from rich.color import Color
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style


class Picture:
    """An encoded picture (PNG, WebP, JPEG) as a rich renderable of half blocks.

    Each cell shows two pixels, one above the other, so that a picture `columns` wide is about `columns` / 2 lines high.
    """

    def __init__(self, data: bytes, columns: int) -> None:
        """Decodes `data` and scales it to `columns` (1 or more) pixels across.

        Raises:
            ValueError: Pillow is missing or does not know the format.
        """
        try:
            from PIL import Image
        except ImportError as error:
            raise ValueError("Pillow is not installed") from error
        try:
            with Image.open(io.BytesIO(data)) as image:
                rows = max(2, round(image.height * columns / image.width))
                small = image.convert("RGB").resize((columns, rows + rows % 2), Image.Resampling.LANCZOS)
        except (OSError, Image.DecompressionBombError) as error:
            raise ValueError(f"the picture cannot be read: {error}") from error
        self.columns = columns
        self._pixels = small.tobytes()
        self.lines = small.height // 2

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        del console, options
        for line in range(self.lines):
            for column in range(self.columns):
                yield Segment(
                    "▀", Style(color=self._colour(column, 2 * line), bgcolor=self._colour(column, 2 * line + 1))
                )
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        del console, options
        return Measurement(self.columns, self.columns)

    def _colour(self, column: int, row: int) -> Color:
        at = 3 * (row * self.columns + column)
        return Color.from_rgb(*self._pixels[at : at + 3])
