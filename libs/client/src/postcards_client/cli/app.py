"""The `postcards` command."""

import typer

from postcards_client.cli import create, doctor, jungle, lookup, up
from postcards_client.cli.exits import EXIT_HELP

app = typer.Typer(
    name="postcards",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Postcards from animals that nobody has met: a picture, a call and a phrase of their own language.",
    epilog=EXIT_HELP,
)
app.command()(create.create)
app.command()(lookup.get)
app.command(name="list")(lookup.list_postcards)
app.command()(lookup.watch)
app.command()(lookup.cancel)
app.command()(lookup.repair)
app.command()(lookup.delete)
app.command()(jungle.jungle)
app.command()(up.up)
app.command()(doctor.doctor)
