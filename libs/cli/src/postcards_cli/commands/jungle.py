"""`postcards jungle`: makes many postcards and a page that shows them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postcards_cli.display.boards import jungle_board_for_terminal
from postcards_cli.display.jungle_board import JungleBoard
from postcards_cli.shell.exits import Exit
from postcards_cli.shell.options import Address, Json, Out, PortBase, Quiet, Start, parse_seed, place
from postcards_cli.shell.running import Outcome, run
from postcards_cli.shell.session import plan, session

if TYPE_CHECKING:
    from postcards_cli.jungle.growing import Grown
    from postcards_cli.jungle.page import Entry
    from postcards_cli.jungle.roster import Roster
    from postcards_client.client import PostcardsClient


def jungle(
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many postcards.")] = 12,
    seed: Annotated[
        str,
        typer.Option(metavar="N", help="Seed of the jungle. Default: that of the jungle in the folder, else random."),
    ] = "",
    theme: Annotated[str, typer.Option(help="Theme of every postcard.")] = "",
    strangeness: Annotated[
        float | None, typer.Option(help="How far the species leave their parents, 0 to 1.", show_default=False)
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="How many are made at a time.")] = 2,
    start: Start = False,
    out: Out = "",
    address: Address = "",
    port_base: PortBase = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make many postcards and a page, index.html, that shows them.

    Run it again after an interruption, or with a greater --count: what is there is kept, only what is missing is made,
    and postcards that lack a part are repaired. The last line on standard output is the path of the page.
    """
    where = place(address, start, port_base, out)
    jungle_seed = parse_seed(seed)
    folder = plan(where).folder

    async def command() -> Outcome:
        with jungle_board_for_terminal(quiet=quiet) as board:
            async with session(where, board) as client:
                from postcards_cli.jungle.roster import roster_for, write_record

                roster = roster_for(folder, jungle_seed, theme, strangeness)
                write_record(folder, roster)
                keeper = _PageKeeper(folder, roster)
                return await _grow(client, roster, count, concurrency, keeper, board)

    run(command, as_json=as_json)


async def _grow(
    client: "PostcardsClient",
    roster: "Roster",
    count: int,
    concurrency: int,
    keeper: "_PageKeeper",
    board: JungleBoard,
) -> Outcome:
    from postcards_cli.jungle.growing import grow

    board.growing(count)

    async def on_grown(result: "Grown") -> None:
        await keeper.add(result)
        board.grown(result)

    members = [roster.member(index) for index in range(count)]
    results = await grow(client, roster, members, concurrency, on_event=board.event, on_grown=on_grown)
    return _outcome(roster, results, keeper.write())


class _PageKeeper:
    """Keeps the page up to date while the jungle grows, so that an interrupted one has a page too."""

    def __init__(self, folder: Path, roster: "Roster") -> None:
        self._folder = folder
        self._roster = roster
        self._entries: dict[int, Entry] = {}

    async def add(self, result: "Grown") -> None:
        """Puts a postcard on the page; brings its files into the folder where they lie elsewhere."""
        from postcards_cli.jungle.page import Entry

        files = await _files(result, self._folder)
        self._entries[result.member.index] = Entry(result, files.get("card.html"), files.get("preview.webp"))
        self.write()

    def write(self) -> Path:
        """Writes the page and returns its path."""
        from postcards_cli.jungle.page import write_page

        return write_page(self._folder, self._roster, [self._entries[index] for index in sorted(self._entries)])


async def _files(result: "Grown", folder: Path) -> dict[str, Path]:
    """The files of a postcard by name, all below `folder`."""
    from postcards_client.downloads import download
    from postcards_client.locations import local_path

    if result.postcard is None:
        return {}
    paths = {file.name: local_path(file.url) for file in result.postcard.files}
    near = {name: path for name, path in paths.items() if path is not None and path.is_relative_to(folder)}
    if len(near) == len(paths):
        return near
    return await download(result.postcard, folder / "postcards")


def _outcome(roster: "Roster", results: list["Grown"], page: Path) -> Outcome:
    from postcards_cli.json_views import postcard_view, state_name

    complete = sum(r.postcard is not None and state_name(r.postcard.state) == "ACTIVE" for r in results)
    state, exit_code = (
        ("ACTIVE", Exit.DONE)
        if complete == len(results)
        else ("PARTIAL", Exit.PARTIAL)
        if any(r.postcard is not None and r.postcard.files for r in results)
        else ("FAILED", Exit.FAILED)
    )
    view: dict[str, Any] = {
        "state": state,
        "seed": roster.seed,
        "theme": roster.theme,
        "count": len(results),
        "complete": complete,
        "made": sum(not r.existed and r.postcard is not None for r in results),
        "location": str(page.parent),
        "index": str(page),
        "postcards": [postcard_view(r.postcard) for r in results if r.postcard is not None],
        "failures": [{"index": r.member.index, "error": r.error} for r in results if r.postcard is None],
    }

    def show() -> None:
        print(f"{complete} of {len(results)} postcards are complete; jungle seed {roster.seed}")
        if complete < len(results):
            print("run the same command again to make what is missing")
        print(page)

    return Outcome(view, show, exit_code)
