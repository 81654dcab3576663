"""The commands that look at postcards and change their state: get, list, watch, cancel, repair, delete."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from postcards_cli.commands.create import finished, follow
from postcards_cli.display.board import QuietBoard
from postcards_cli.display.boards import board_for_terminal
from postcards_cli.shell.options import Address, Id, Json, Out, Place, PortBase, Quiet, Start, place
from postcards_cli.shell.running import Outcome, run
from postcards_cli.shell.session import session

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import Postcard

    from postcards_client.client import PostcardPage, PostcardsClient


def get(
    postcard_id: Id,
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    as_json: Json = False,
) -> None:
    """Show one postcard: its state, its parts and where its files are."""
    _show(lambda client: client.get(postcard_id), place(address, start, port_base, out), as_json=as_json)


def list_postcards(
    limit: Annotated[int, typer.Option(min=1, help="How many at most, 1 to 100.")] = 20,
    page_token: Annotated[str, typer.Option(help="`next_page_token` of the page before.")] = "",
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    as_json: Json = False,
) -> None:
    """List postcards, the newest first."""
    where = place(address, start, port_base, out)

    async def command() -> Outcome:
        async with session(where, QuietBoard()) as client:
            page = await client.list(page_size=limit, page_token=page_token)
        from postcards_cli.json_views import postcard_view

        view = {
            "postcards": [postcard_view(postcard) for postcard in page.postcards],
            "next_page_token": page.next_page_token,
        }
        return Outcome(view, lambda: _print_page(page))

    run(command, as_json=as_json)


def watch(
    postcard_id: Id,
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Follow the making of a postcard until it is finished. Ctrl-C stops the watching, not the making."""
    where = place(address, start, port_base, out)
    _follow(lambda client: client.get(postcard_id), where, quiet=quiet, as_json=as_json)


def cancel(
    postcard_id: Id,
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    as_json: Json = False,
) -> None:
    """Stop the making of a postcard; what is finished is kept."""
    _show(lambda client: client.cancel(postcard_id), place(address, start, port_base, out), as_json=as_json)


def repair(
    postcard_id: Id,
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make the missing parts of a postcard, and wait until it is finished."""
    where = place(address, start, port_base, out)
    _follow(lambda client: client.repair(postcard_id), where, quiet=quiet, as_json=as_json)


def delete(
    postcard_id: Id,
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    as_json: Json = False,
) -> None:
    """Delete a postcard and its files, whatever its state."""
    where = place(address, start, port_base, out)

    async def command() -> Outcome:
        from postcards_cli.json_views import postcard_view

        async with session(where, QuietBoard()) as client:
            postcard = await client.get(postcard_id)
            await client.delete(postcard_id)
        view = postcard_view(postcard) | {"state": "DELETED", "files": dict[str, str]()}
        return Outcome(view, lambda: print(f"deleted {postcard.species.name} ({postcard.id})"))

    run(command, as_json=as_json)


def _show(ask: Callable[["PostcardsClient"], Awaitable["Postcard"]], where: Place, *, as_json: bool) -> None:
    """Shows the postcard that the composer answers with; that is a success whatever the postcard's state is."""

    async def command() -> Outcome:
        async with session(where, QuietBoard()) as client:
            outcome = await finished(await ask(client), where)
            return Outcome(outcome.view, outcome.show)

    run(command, as_json=as_json)


def _follow(
    ask: Callable[["PostcardsClient"], Awaitable["Postcard"]], where: Place, *, quiet: bool, as_json: bool
) -> None:
    """Follows the postcard that the composer answers with until it is finished."""

    async def command() -> Outcome:
        with board_for_terminal(quiet=quiet) as board:
            async with session(where, board) as client:
                postcard = await follow(client, await ask(client), board)
                return await finished(postcard, where)

    run(command, as_json=as_json)


def _print_page(page: "PostcardPage") -> None:
    """Prints a listing: a table in a terminal, tab-separated lines elsewhere."""
    from rich.console import Console

    from postcards_cli.display.listing import print_listing

    print_listing(page, Console(highlight=False))
