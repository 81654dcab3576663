"""The live board in a terminal: a line for the services, a bar for every part, and the picture as it grows."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from postcards_cli.display.board import Board
from postcards_cli.display.part_texts import ASSEMBLING, PART_TITLES, ending_text, is_assembled, stage_text
from postcards_cli.display.picture import Picture

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import Postcard

    from postcards_client.events import Event

_PREVIEW_COLUMNS = 32
_ROOM_FOR_PREVIEW = (60, 28)
"""Least columns and lines of a terminal that shows previews."""
_BAR_COLUMNS = 30


@dataclass
class _Row:
    """The state of one part on the board."""

    text: str = "waiting"
    fraction: float = 0.0
    state: str = "PENDING"


class LiveBoard(Board):
    """Shows one postcard in the making; leaves the terminal clean behind."""

    def __init__(self, console: Console | None = None) -> None:
        """Draws on `console`; on standard error by default."""
        self._console = console or Console(stderr=True)
        self._services: dict[str, bool] = {}
        self._rows: dict[str, _Row] = {}
        self._picture: Picture | None = None
        self._began = time.monotonic()
        self._stopping = False
        self._assembling = False
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            get_renderable=self._render, console=self._console, refresh_per_second=10, transient=True, screen=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @override
    def starting(self, names: tuple[str, ...]) -> None:
        """Shows the services that are waited for."""
        self._services = dict.fromkeys(names, False)
        self._stopping = False

    @override
    def serving(self, name: str) -> None:
        """Marks one of them as ready."""
        self._services[name] = True

    @override
    def accepted(self, postcard: "Postcard") -> None:
        """Shows a bar for every part."""
        from postcards_cli.json_views import part_name

        parts = {part_name(part.kind) for part in postcard.parts}
        self._rows = {part: _Row() for part in PART_TITLES if part in parts}
        self._take(postcard)

    @override
    def event(self, event: "Event") -> None:
        """Moves the bars, or shows the growing picture."""
        from postcards_cli.json_views import part_name
        from postcards_client.events import Advanced, Changed

        match event:
            case Changed():
                self._take(event.postcard)
            case Advanced():
                row = self._rows.setdefault(part_name(event.kind), _Row())
                if row.state not in ("DONE", "FAILED", "CANCELLED"):
                    row.state = "RUNNING" if event.progress.steps else "QUEUED"
                    row.fraction = max(row.fraction, event.progress.fraction)
                    row.text = stage_text(event)
            case _:
                self._show(event.preview.data)

    @override
    def stopping(self) -> None:
        """Says that the services are being stopped."""
        self._stopping = True
        self._picture = None

    def _take(self, postcard: "Postcard") -> None:
        from postcards_cli.json_views import part_name, part_state_name

        self._assembling = is_assembled(postcard)
        for part in postcard.parts:
            row = self._rows.setdefault(part_name(part.kind), _Row())
            state = part_state_name(part.state)
            if state in ("DONE", "FAILED", "CANCELLED"):
                row.state, row.text = state, ending_text(state, part.error.message)
                row.fraction = 1.0 if state == "DONE" else row.fraction

    def _show(self, data: bytes) -> None:
        columns, lines = self._console.size
        if self._console.color_system not in ("truecolor", "256") or (columns, lines) < _ROOM_FOR_PREVIEW:
            return
        try:
            self._picture = Picture(data, _PREVIEW_COLUMNS)
        except ValueError:
            self._picture = None

    def _render(self) -> RenderableType:
        blocks: list[RenderableType] = []
        if self._stopping:
            blocks.append(self._line("stopping the services"))
        elif self._services and not all(self._services.values()):
            marks = "  ".join(
                f"[green]✓ {name}[/]" if ready else f"[dim]· {name}[/]" for name, ready in self._services.items()
            )
            blocks.append(self._line(f"starting the services   {marks}"))
        if self._rows and not self._stopping:
            if self._picture is not None:
                blocks.append(Padding(self._picture, (1, 0, 1, 2)))
            blocks.append(self._bars())
            if self._assembling:
                blocks.append(self._line(ASSEMBLING))
        return Group(*blocks)

    def _line(self, markup: str) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        grid.add_row(self._spinner, f"{markup}  [dim]{time.monotonic() - self._began:.0f} s[/]")
        return grid

    def _bars(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        for part, row in self._rows.items():
            queued = row.state == "QUEUED"
            bar = ProgressBar(
                total=1.0,
                completed=row.fraction,
                width=_BAR_COLUMNS,
                pulse=queued,
                animation_time=time.monotonic(),
                complete_style="cyan",
                finished_style="green",
                pulse_style="magenta",
            )
            style = {"FAILED": "red", "CANCELLED": "yellow"}.get(row.state, "dim")
            grid.add_row(self._icon(row), PART_TITLES.get(part, part), bar, f"[{style}]{escape(row.text)}[/]")
        return grid

    def _icon(self, row: _Row) -> RenderableType:
        match row.state:
            case "DONE":
                return Text("✓", style="green")
            case "FAILED" | "CANCELLED":
                return Text("✗", style="red")
            case "PENDING":
                return Text("·", style="dim")
            case _:
                return self._spinner
