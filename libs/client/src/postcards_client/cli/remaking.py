"""What `postcards replay` and `postcards verify` share: their options, the services they ask, the making again."""

import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postcards_client.cli.exits import CommandFailed, Exit
from postcards_client.cli.options import Place
from postcards_client.cli.session import plan, session, started
from postcards_client.display.board import PART_TITLES, Board
from postcards_client.locations import local_path
from postcards_client.ports import endpoints
from postcards_client.services import Plan, StartFailed

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import PlanReplayResponse

    from postcards_client.client import PostcardsClient
    from postcards_client.errors import PostcardsError
    from postcards_client.parts import MadePart
    from postcards_client.replay import Maker, Source

_SERVICES = "Where and how"

Manifest = Annotated[
    str, typer.Argument(metavar="MANIFEST", help="A manifest.json, the folder of a postcard, or the id of one.")
]
Parts = Annotated[
    list[str] | None,
    typer.Option("--part", metavar="PART", help="image, language or audio; may be repeated. Default: all."),
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", min=1, help="How long one part may take.")]
ImageAddress = Annotated[
    str,
    typer.Option(
        envvar="POSTCARDS_IMAGE_ADDRESS",
        metavar="HOST:PORT",
        help="Image service. Default: 127.0.0.1:50051.",
        show_default=False,
        rich_help_panel=_SERVICES,
    ),
]
AudioAddress = Annotated[
    str,
    typer.Option(
        envvar="POSTCARDS_AUDIO_ADDRESS",
        metavar="HOST:PORT",
        help="Audio service. Default: 127.0.0.1:50052.",
        show_default=False,
        rich_help_panel=_SERVICES,
    ),
]
LanguageAddress = Annotated[
    str,
    typer.Option(
        envvar="POSTCARDS_LANGUAGE_ADDRESS",
        metavar="HOST:PORT",
        help="Language service. Default: 127.0.0.1:50053.",
        show_default=False,
        rich_help_panel=_SERVICES,
    ),
]
StartEngines = Annotated[
    bool,
    typer.Option(
        "--start",
        help="Start the four services on this machine for this command, with the engines that made the postcard and "
        "their models from the hub, where POSTCARDS_..._ENGINE and ..._MODEL name no others; stop them after it.",
        rich_help_panel=_SERVICES,
    ),
]


@dataclass(frozen=True)
class Asked:
    """Who is asked: a composer for the requests, part services for the parts."""

    client: "PostcardsClient"
    """Of the composer."""
    addresses: Mapping[str, str]
    """Of the part services, by part."""


def wanted_parts(names: Sequence[str] | None) -> tuple[str, ...]:
    """The parts that --part names, each once; all where it names none."""
    for name in names or ():
        if name not in PART_TITLES:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(PART_TITLES)}", param_hint="--part")
    return tuple(part for part in PART_TITLES if not names or part in names)


def kept_here(source: "Source", where: Place) -> "Source":
    """The source; an id whose postcard lies in the folder store of this machine becomes the file there."""
    from postcards_client.replay import find_source

    store = local_path(plan(replace(where, out=None)).store_url)
    if source.path is None and where.start and store is not None:
        folder = store / "postcards" / source.postcard_id
        if (folder / "manifest.json").is_file():
            return find_source(str(folder))
    return source


@asynccontextmanager
async def services(
    source: "Source", parts: Sequence[str], where: Place, given: Mapping[str, str], board: Board
) -> AsyncGenerator[Asked, None]:
    """Whom to ask about `source`; `given` holds addresses that were named, by part.

    Started services keep nothing: a manifest that is a file needs no store. Where they cannot be started, their logs
    are left behind.

    Raises:
        StartFailed: the services could not be started.
    """
    if not where.start:
        async with session(where, board) as client:
            yield Asked(client, {**_addresses(where.port_base), **{part: a for part, a in given.items() if a}})
        return
    if source.path is None:
        async with session(replace(where, out=None), board) as client:
            yield Asked(client, _addresses(where.port_base))
        return
    from postcards_client.replay import makers_of

    folder = Path(tempfile.mkdtemp(prefix="postcards-"))
    makers = makers_of(source.data, parts)
    try:
        async with started(_scratch(makers, where, folder), board) as client:
            yield Asked(client, _addresses(where.port_base))
    except StartFailed as failure:
        raise StartFailed(f"{failure}{_way_to_model(str(failure), makers)}") from failure
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _addresses(port_base: int | None) -> dict[str, str]:
    return {endpoint.name: endpoint.address for endpoint in endpoints(port_base) if endpoint.name in PART_TITLES}


def _scratch(makers: "Mapping[str, Maker]", where: Place, folder: Path) -> Plan:
    """Services that keep nothing, with the engines and models that made the parts."""
    from postcards_client.replay import settings_of

    return Plan(
        endpoints=endpoints(where.port_base),
        store_url=folder.as_uri(),
        folder=folder,
        settings=settings_of(makers, os.environ),
    )


def _way_to_model(failure: str, makers: "Mapping[str, Maker]") -> str:
    """What may help when the service of a part that a model made could not be started."""
    for part, maker in makers.items():
        setting = f"POSTCARDS_{part.upper()}_MODEL"
        if maker.model and failure.startswith(f"the {part} service"):
            told = "" if setting in maker.settings(part) else f": {setting} says where that is"
            return f"; it was made with {maker.model!r}{told}"
    return ""


async def plan_of(asked: Asked, source: "Source") -> "PlanReplayResponse":
    """The requests that make the parts of `source` again. Raises the errors of `PostcardsClient.plan_replay`."""
    return await asked.client.plan_replay(manifest=source.data, postcard_id=source.postcard_id)


def present_parts(plan: "PlanReplayResponse", names: Sequence[str] | None) -> tuple[str, ...]:
    """The parts to make again: those that were asked for; where none was, those that were ever made.

    Raises:
        CommandFailed: a part that was asked for was never made.
    """
    from postcards_client.replay import requests_of

    wanted, made = wanted_parts(names), requests_of(plan)
    absent = [PART_TITLES[part] for part in wanted if part not in made]
    if absent and names:
        message = f"the {' and the '.join(absent)} of this postcard was never made"
        raise CommandFailed(message, Exit.USAGE, reason="PART_NEVER_MADE")
    return tuple(part for part in wanted if part in made)


async def make_again(
    asked: Asked, plan: "PlanReplayResponse", parts: Sequence[str], board: Board, timeout: float
) -> "dict[str, MadePart | PostcardsError]":
    """Makes `parts` again and shows on `board` how they come."""
    from postcards_client.replay import Follower, make_again

    follower = Follower(plan.postcard, parts, board.event)
    board.accepted(follower.postcard)
    return await make_again(plan, parts, asked.addresses, follower, timeout=timeout)


def exit_of(failures: Sequence["PostcardsError"], parts: int) -> Exit:
    """The exit code where `failures` of `parts` parts could not be made: PARTIAL, or why none could."""
    from postcards_client.cli.exits import CODE_EXITS

    if not failures:
        return Exit.DONE
    if len(failures) < parts:
        return Exit.PARTIAL
    exits = {CODE_EXITS.get(failure.code, Exit.FAILED) for failure in failures}
    return exits.pop() if len(exits) == 1 else Exit.FAILED
