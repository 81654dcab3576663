"""A listing of postcards in the terminal."""

from postcards.composer.v1 import composer_pb2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postcards_cli.display.summary import STATE_STYLES
from postcards_cli.json_views import state_name
from postcards_client.client import PostcardPage


def print_listing(page: PostcardPage, console: Console) -> None:
    """Prints a page: a table in a terminal, tab-separated lines elsewhere."""
    if not console.is_terminal:
        for postcard in page.postcards:
            print(*_cells(postcard), sep="\t", file=console.file)
        return
    if not page.postcards:
        console.print("no postcards yet: [bold]postcards create[/] makes one")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("id", "state", "name", "seed", "says", "made"):
        table.add_column(heading, no_wrap=heading != "says")
    for postcard in page.postcards:
        cells = [Text(cell) for cell in _cells(postcard)]
        cells[1].stylize(STATE_STYLES.get(cells[1].plain, ""))
        cells[2].stylize("bold")
        table.add_row(*cells)
    console.print(table)
    if page.next_page_token:
        console.print(f"[dim]more:[/] postcards list --page-token {page.next_page_token}")


def _cells(postcard: composer_pb2.Postcard) -> tuple[str, ...]:
    made = postcard.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M") if postcard.HasField("create_time") else ""
    return (
        postcard.id,
        state_name(postcard.state),
        postcard.species.name,
        str(postcard.seed),
        postcard.phrase.english_gloss,
        made,
    )
