"""The `postcards` command."""

from typing import Annotated

import typer

from postcards_cli.commands import create, doctor, fetch_models, jungle, load, lookup, replay, up, verify
from postcards_cli.shell.exits import EXIT_HELP

app = typer.Typer(
    name="postcards",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_HELP,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"postcards {version('postcards-cli')}")
        raise typer.Exit


@app.callback()
def postcards(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Postcards from animals that nobody has met: a picture, a call and a phrase of their own language."""
    del version


app.command()(create.create)
app.command()(lookup.get)
app.command(name="list")(lookup.list_postcards)
app.command()(lookup.watch)
app.command()(lookup.cancel)
app.command()(lookup.repair)
app.command()(lookup.delete)
app.command()(jungle.jungle)
app.command()(load.load)
app.command()(replay.replay)
app.command()(verify.verify)
app.command()(up.up)
app.command()(doctor.doctor)
app.command(name="fetch-models")(fetch_models.fetch_models)
