"""The options that several commands share, and how their values are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from postcards.species.v1 import phrase_pb2, world_pb2

from postcards_cli.local.ports import DEFAULT_PORT, LOOPBACK, NAMES


def _words_of(names: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Names of an enum of the API as people type them, the unspecified one left out."""
    return tuple(name.removeprefix(prefix).lower().replace("_", "-") for name in names[1:])


FINISHES = _words_of(world_pb2.Finish.keys(), "FINISH_")
INTENTS = _words_of(phrase_pb2.Intent.keys(), "INTENT_")
MOODS = _words_of(phrase_pb2.Mood.keys(), "MOOD_")

FIELD_OPTIONS = {
    "request_id": "--request-id",
    "seed": "--seed",
    "theme": "--theme",
    "strangeness": "--strangeness",
    "timeout": "--timeout",
    "image.engine": "--image-engine",
    "image.prompt": "--image-prompt",
    "image.negative_prompt": "--image-negative-prompt",
    "image.width": "--width",
    "image.height": "--height",
    "image.steps": "--image-steps",
    "image.guidance_scale": "--image-guidance",
    "image.init_strength": "--image-init-strength",
    "image.sampler": "--sampler",
    "image.finish": "--finish",
    "image.style": "--image-style",
    "image.exact": "--exact",
    "audio.engine": "--audio-engine",
    "audio.prompt": "--audio-prompt",
    "audio.negative_prompt": "--audio-negative-prompt",
    "audio.seconds": "--seconds",
    "audio.steps": "--audio-steps",
    "audio.guidance_scale": "--audio-guidance",
    "audio.init_strength": "--audio-init-strength",
    "audio.exact": "--exact",
    "language.engine": "--language-engine",
    "language.prompt": "--language-prompt",
    "language.intent": "--intent",
    "language.mood": "--mood",
    "language.temperature": "--temperature",
    "language.top_p": "--top-p",
    "page_size": "--limit",
    "page_token": "--page-token",
}
"""The option that sets a field of a request."""

_STORE = "Where and how"


def parse_seed(text: str) -> int | None:
    """The seed that `text` names: 0 to 2**64 - 1, decimal or 0x...; None when it is empty."""
    if not text.strip():
        return None
    try:
        seed = int(text.strip(), 0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no whole number", param_hint="--seed") from None
    if not 0 <= seed < 2**64:
        raise typer.BadParameter(f"{text} is not in the range 0 to {2**64 - 1}", param_hint="--seed")
    return seed


def one_of(text: str, names: tuple[str, ...], option: str) -> str | None:
    """`text`, which must be one of `names`; None when it is empty."""
    name = text.strip().lower().replace("_", "-")
    if not name:
        return None
    if name not in names:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(names)}", param_hint=option)
    return name


@dataclass(frozen=True)
class Place:
    """Where the services are, and where results go."""

    address: str
    """Composer that is asked when no services are started."""
    start: bool
    """Whether the four services are started for this command."""
    port_base: int | None
    """First of the eight ports of started services; None for the usual ones."""
    out: Path | None
    """Folder for results; None when none was named."""


def place(address: str, start: bool, port_base: int | None, out: str) -> Place:
    """The place that the options name. An empty `out` names none."""
    if not address and port_base is not None:
        address = f"{LOOPBACK}:{port_base}"
    return Place(
        address=address or f"{LOOPBACK}:{DEFAULT_PORT}",
        start=start,
        port_base=port_base,
        out=Path(out).expanduser().absolute() if out.strip() else None,
    )


Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the postcard: 26 characters of a-z and 2-7.")]

Json = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON object on standard output.", rich_help_panel=_STORE)
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress on standard error.", rich_help_panel=_STORE)
]
Address = Annotated[
    str,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        envvar="POSTCARDS_ADDRESS",
        help=f"Composer to ask; https://HOST for TLS. Default: {LOOPBACK}:{DEFAULT_PORT}.",
        show_default=False,
        rich_help_panel=_STORE,
    ),
]
Start = Annotated[
    bool,
    typer.Option(
        "--start",
        help="Start the four services on this machine for this command, and stop them after it.",
        rich_help_panel=_STORE,
    ),
]
PortBase = Annotated[
    int | None,
    typer.Option(
        "--port-base",
        metavar="PORT",
        envvar="POSTCARDS_PORT_BASE",
        min=1024,
        max=65536 - 2 * len(NAMES),
        help="Use eight ports from this one on, in place of 50050 to 50053 and 9460 to 9463.",
        show_default=False,
        rich_help_panel=_STORE,
    ),
]
Out = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="With --start: keep the postcards in this folder (default: ./out). Without: download the files to it.",
        show_default=False,
        rich_help_panel=_STORE,
    ),
]
