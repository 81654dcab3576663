"""The options of `postcards-train`."""

from pathlib import Path
from typing import Annotated

import typer

from postcards_image.training.choices import Ask, UsageError
from postcards_image.training.run import run

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def train(
    data: Annotated[
        str, typer.Option(help="A folder of pictures, a zip file of one, or the id of a Hugging Face dataset.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the model, its sample sheets and its checkpoints.")],
    preset: Annotated[
        str,
        typer.Option(help="quick: 16 px in a quarter of an hour; best: 64 px, some hours; author: the first attempt."),
    ] = "quick",
    resolution: Annotated[int | None, typer.Option(help="Width and height of the pictures it learns.")] = None,
    channels: Annotated[str, typer.Option(help="Channels of each level of the network, e.g. 32,64,128,256.")] = "",
    batch_size: Annotated[int | None, typer.Option(help="Pictures of one step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Ends after this many passes over the pictures.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Ends after this many minutes.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed learns along another path.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    start_from: Annotated[
        Path | None, typer.Option(help="A model's folder or ONNX file whose weights to start from.")
    ] = None,
    data_licence: Annotated[str, typer.Option(help="Licence of the pictures, for the model card.")] = "",
    attribution: Annotated[str, typer.Option(help="Who made the pictures, for the model card.")] = "",
    checkpoint_seconds: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 120.0,
    sample_seconds: Annotated[float, typer.Option(help="Seconds between sample sheets.")] = 180.0,
    as_json: Annotated[bool, typer.Option("--json", help="One object on standard output at the end.")] = False,
) -> None:
    """Learns to draw the animals in your pictures, and shows itself learning.

    It checks the pictures, draws a sheet of samples every few minutes, and can be stopped and killed at any time:
    --resume goes on where it was.
    """
    given = {
        "resolution": resolution,
        "channels": _numbers(channels, "--channels"),
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "minutes": minutes,
        "seed": seed,
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    ask = Ask(
        data,
        out,
        preset,
        overrides,
        resume,
        start_from,
        data_licence,
        attribution,
        (checkpoint_seconds, sample_seconds),
    )
    raise typer.Exit(run(ask, as_json))


def _numbers(text: str, option: str) -> tuple[int, ...] | None:
    if not text:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} must be whole numbers with commas between them, not {text}") from None
