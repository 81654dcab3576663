"""Shows on standard error how weights come in: bars in a terminal, plain lines elsewhere."""

import sys
from typing import Protocol, Self, TextIO

from typing_extensions import override

from postcards_weights.fetch import Order, Watcher
from postcards_weights.hub_api import RemoteFile

_LARGE = 10_000_000
"""Files from this size on have a bar of their own."""


def gigabytes(count: int) -> str:
    """A size in words, e.g. "3.44 GB", "492 MB" or "3 kB"."""
    if count < 1_000_000:
        return f"{max(count, 0) / 1e3:.0f} kB"
    return f"{count / 1e9:.2f} GB" if count >= 1_000_000_000 else f"{count / 1e6:.0f} MB"


class FetchBoard(Watcher, Protocol):
    """Is told what is fetched. Use it as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def order(self, order: Order) -> None:
        """The absent files of a model are fetched now."""
        ...


class QuietFetchBoard(FetchBoard):
    """A board that writes nothing, for `--quiet` and JSON."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @override
    def order(self, order: Order) -> None:
        pass

    @override
    def came(self, file: RemoteFile, count: int) -> None:
        pass

    @override
    def done(self, file: RemoteFile) -> None:
        pass


class PlainFetchBoard(QuietFetchBoard):
    """Writes a line for every model, every file and every tenth of all: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = self._come = self._tenths = 0

    @override
    def order(self, order: Order) -> None:
        self._total = sum(file.size for file in order.absent)
        self._come = order.held_bytes
        self._tenths = self._come * 10 // max(1, self._total)
        self._say(starting_text(order))

    @override
    def came(self, file: RemoteFile, count: int) -> None:
        """Tells of every tenth."""
        del file
        self._come += count
        tenths = self._come * 10 // max(1, self._total)
        if tenths > self._tenths and tenths < 10:
            self._say(f"  {tenths * 10}%, {gigabytes(self._come)} of {gigabytes(self._total)}")
        self._tenths = tenths

    @override
    def done(self, file: RemoteFile) -> None:
        self._say(f"  {file.path}, {gigabytes(file.size)}")

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class LiveFetchBoard(QuietFetchBoard):
    """A bar for every large file that is coming in."""

    def __init__(self) -> None:
        from rich import progress
        from rich.console import Console

        self._progress = progress.Progress(
            progress.TextColumn("  {task.description}"),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(compact=True),
            console=Console(stderr=True, highlight=False),
        )
        self._bars: dict[str, progress.TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @override
    def order(self, order: Order) -> None:
        """Names the model and opens its bars."""
        for bar in self._bars.values():
            self._progress.remove_task(bar)
        self._progress.console.print(starting_text(order), soft_wrap=True)
        self._bars = {
            file.path: self._progress.add_task(file.path, total=file.size, completed=order.held.get(file.path, 0))
            for file in order.absent
            if file.size >= _LARGE
        }

    @override
    def came(self, file: RemoteFile, count: int) -> None:
        if file.path in self._bars:
            self._progress.advance(self._bars[file.path], count)

    @override
    def done(self, file: RemoteFile) -> None:
        if file.path in self._bars:
            self._progress.update(self._bars[file.path], completed=file.size)


def starting_text(order: Order) -> str:
    """What is about to come, e.g. "t5-base: 894 MB in 5 files, 100 MB of it are here"."""
    model = order.model.model_id
    if not order.absent:
        return f"{model}: everything is here"
    total = sum(file.size for file in order.absent)
    here = f", {gigabytes(order.held_bytes)} of it are here from before" if order.held_bytes else ""
    files = "1 file" if len(order.absent) == 1 else f"{len(order.absent)} files"
    return f"{model}: {gigabytes(total)} in {files}{here}"


def fetch_board_for_terminal(*, quiet: bool) -> FetchBoard:
    """The board that suits standard error."""
    if quiet:
        return QuietFetchBoard()
    return LiveFetchBoard() if sys.stderr.isatty() else PlainFetchBoard(sys.stderr)
