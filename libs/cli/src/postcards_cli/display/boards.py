"""Which board shows the progress: a live one in a terminal, plain lines elsewhere, nothing where none is wanted."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from typing import TYPE_CHECKING

from postcards_cli.display.board import Board, PlainBoard, QuietBoard

if TYPE_CHECKING:
    pass

from postcards_cli.display.jungle_board import JungleBoard, PlainJungleBoard
from postcards_cli.display.load_board import LoadBoard


def board_for_terminal(*, quiet: bool) -> Board:
    """The board that suits standard error."""
    if quiet:
        return QuietBoard()
    if not sys.stderr.isatty():
        return PlainBoard(sys.stderr)
    from postcards_cli.display.live import LiveBoard

    return LiveBoard()


def jungle_board_for_terminal(*, quiet: bool) -> JungleBoard:
    """The board that suits standard error."""
    if quiet or not sys.stderr.isatty():
        return PlainJungleBoard(None if quiet else sys.stderr)
    from postcards_cli.display.live_jungle import LiveJungleBoard

    return LiveJungleBoard()


def load_board_for_terminal(*, quiet: bool) -> LoadBoard:
    """The board that suits standard error."""
    if quiet or not sys.stderr.isatty():
        return LoadBoard(None if quiet else sys.stderr)
    from postcards_cli.display.live_load import LiveLoadBoard

    return LiveLoadBoard()
