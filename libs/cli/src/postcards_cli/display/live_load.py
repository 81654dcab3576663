"""The live board of a load run: one line that moves below those of the stages."""

import sys

from rich.console import Console
from rich.live import Live
from rich.text import Text
from typing_extensions import override

from postcards_cli.display.load_board import LoadBoard, so_far
from postcards_cli.load.measurements import StageRecord


class LiveLoadBoard(LoadBoard):
    """Keeps one line up to date below those of the stages."""

    def __init__(self) -> None:
        """Draws on standard error."""
        super().__init__(sys.stderr)
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> "LiveLoadBoard":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @override
    def tick(self, stage: StageRecord, under_way: int) -> None:
        self._live.update(Text(f"  {so_far(stage)}, {under_way} under way", no_wrap=True), refresh=True)

    @override
    def say(self, text: str) -> None:
        """Writes a line above it."""
        self._console.print(Text(text))
