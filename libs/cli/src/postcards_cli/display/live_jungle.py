"""The live board of a growing jungle: one bar for all, and a line for each postcard in the making."""

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from postcards_cli.display.jungle_board import JungleBoard, result_text
from postcards_cli.display.part_texts import PART_TITLES

if TYPE_CHECKING:
    from postcards_cli.jungle.growing import Grown
    from postcards_cli.jungle.roster import Member
    from postcards_client.events import Event


class _Growing:
    """One postcard in the making."""

    def __init__(self) -> None:
        self.name = ""
        self.fractions = dict.fromkeys(PART_TITLES, 0.0)

    @property
    def fraction(self) -> float:
        return sum(self.fractions.values()) / len(self.fractions)


class LiveJungleBoard(JungleBoard):
    """Shows a jungle in the making; finished postcards scroll by above the bar."""

    def __init__(self, console: Console | None = None) -> None:
        """Draws on `console`; on standard error by default."""
        self._console = console or Console(stderr=True, highlight=False)
        self._waiting: tuple[str, ...] = ()
        self._growing: dict[int, _Growing] = {}
        self._count = 0
        self._done = 0
        self._began = time.monotonic()
        self._stopping = False
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @override
    def starting(self, names: tuple[str, ...]) -> None:
        """Shows the services that are waited for."""
        self._waiting = names

    @override
    def serving(self, name: str) -> None:
        """Takes one of them away."""
        self._waiting = tuple(other for other in self._waiting if other != name)

    @override
    def growing(self, count: int) -> None:
        """Shows the bar for all."""
        self._count = count
        self._began = time.monotonic()

    @override
    def event(self, member: "Member", event: "Event") -> None:
        """Moves the line of one postcard."""
        from postcards.composer.v1 import composer_pb2

        from postcards_cli.json_views import part_name
        from postcards_client.events import Advanced, Changed

        row = self._growing.setdefault(member.index, _Growing())
        if isinstance(event, Changed):
            row.name = event.postcard.species.name
            for part in event.postcard.parts:
                if part.state == composer_pb2.PART_STATE_DONE:
                    row.fractions[part_name(part.kind)] = 1.0
        elif isinstance(event, Advanced):
            part = part_name(event.kind)
            row.fractions[part] = max(row.fractions.get(part, 0.0), event.progress.fraction)

    @override
    def grown(self, result: "Grown") -> None:
        """Lets the finished postcard scroll by."""
        self._growing.pop(result.member.index, None)
        self._done += 1
        good = result.postcard is not None and not any(part.HasField("error") for part in result.postcard.parts)
        mark = Text("✓ ", style="green") if good else Text("✗ ", style="red")
        self._console.print(mark + Text(result_text(result)))

    @override
    def stopping(self) -> None:
        """Says that the services are being stopped."""
        self._stopping = True

    def _render(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        if self._stopping:
            grid.add_row(self._spinner, "stopping the services")
            return grid
        if self._waiting:
            grid.add_row(self._spinner, f"starting the services: {', '.join(self._waiting)}")
            return grid
        for row in list(self._growing.values()):
            grid.add_row(self._spinner, Text(row.name), ProgressBar(1.0, row.fraction, width=20, complete_style="cyan"))
        bar = ProgressBar(max(1, self._count), self._done, width=40, complete_style="green", finished_style="green")
        total = Table.grid(padding=(0, 1))
        total.add_row(bar, f"{self._done} of {self._count}", Text(self._remaining(), style="dim"))
        return Group(grid, total)

    def _remaining(self) -> str:
        """How long it will take from here, at the pace so far."""
        if not self._done or self._done == self._count:
            return ""
        seconds = (time.monotonic() - self._began) / self._done * (self._count - self._done)
        return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {seconds:.0f} s"
