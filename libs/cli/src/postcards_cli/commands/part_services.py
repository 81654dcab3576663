"""What `postcards replay` and `postcards verify` share: their options, the services they ask, the making again.

A composer is asked first: it reads the manifest, wherever that is kept, and says how the parts are made. Only then the
part services are asked, or started, with the engines that made the parts.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postcards_cli.display.board import Board
from postcards_cli.display.part_texts import PART_TITLES
from postcards_cli.local.ports import endpoints
from postcards_cli.local.services import Plan, StartFailed
from postcards_cli.shell.exits import CommandFailed, Exit
from postcards_cli.shell.options import Place
from postcards_cli.shell.session import plan, session, started, started_apart
from postcards_client.locations import local_path

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import PlanReplayResponse

    from postcards_cli.remake.replay import Maker, Source
    from postcards_client.errors import PostcardsError
    from postcards_client.parts.making import MadePart

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
        help="Start the services on this machine for this command, with the engines that made the postcard and "
        "their models from the hub, where POSTCARDS_..._ENGINE and ..._MODEL name no others; stop them after it.",
        rich_help_panel=_SERVICES,
    ),
]


_NEVER = {"POSTCARDS_RECOVERY_INTERVAL_SECONDS": "0"}
"""Lets a composer that only reads take up nothing that others have left unfinished in the store."""


@dataclass(frozen=True)
class PartServices:
    """The part services that can be called, and why others cannot."""

    addresses: Mapping[str, str]
    """Of the part services, by part."""
    absent: "Mapping[str, PostcardsError]" = field(default_factory=dict[str, "PostcardsError"])
    """Why a part has no service, by part."""


def check_parts(names: Sequence[str] | None) -> None:
    """Raises typer.BadParameter where --part names what is no part."""
    for name in names or ():
        if name not in PART_TITLES:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(PART_TITLES)}", param_hint="--part")


def wanted_parts(names: Sequence[str] | None) -> tuple[str, ...]:
    """The parts that --part names, each once; all where it names none. Raises as `check_parts` does."""
    check_parts(names)
    return tuple(part for part in PART_TITLES if not names or part in names)


def kept_here(source: "Source", where: Place) -> "Source":
    """The source; with --start, an id whose postcard lies in the folder store of this machine becomes the file there.

    Raises:
        NoManifest: the store is such a folder, and no such postcard is in it.
    """
    from postcards_cli.remake.replay import NoManifest, find_source

    store = local_path(plan(replace(where, out=None)).store_url)
    if source.path is not None or not where.start or store is None:
        return source
    folder = store / "postcards" / source.postcard_id
    if not (folder / "manifest.json").is_file():
        message = f"there is no postcard {source.postcard_id} in {store}; POSTCARDS_STORE_URL names another store"
        raise NoManifest(message, code="NOT_FOUND", reason="NO_MANIFEST")
    return find_source(str(folder))


async def plan_of(source: "Source", where: Place, board: Board) -> "PlanReplayResponse":
    """The requests that make the parts of `source` again.

    With --start a composer is started for this question alone, over the store if the manifest is there. It makes
    nothing.

    Raises:
        StartFailed: the composer could not be started.
        PostcardsError: as `PostcardsClient.plan_replay`.
    """
    if not where.start:
        async with session(where, board) as client:
            return await client.plan_replay(manifest=source.data, postcard_id=source.postcard_id)
    with _scratch() as scratch:
        store_url = plan(replace(where, out=None)).store_url if source.path is None else scratch.folder.as_uri()
        alone = Plan(endpoints(where.port_base)[:1], store_url, scratch.folder, fixed=_NEVER)
        async with started(alone, board) as client:
            return await client.plan_replay(manifest=source.data, postcard_id=source.postcard_id)


@asynccontextmanager
async def services(
    planned: "PlanReplayResponse", parts: Sequence[str], where: Place, given: Mapping[str, str], board: Board
) -> AsyncGenerator[PartServices, None]:
    """Who makes `parts` again; `given` holds addresses that were named, by part.

    With --start their services are started with the engines and models that made them. Where one cannot be started,
    its log is left behind, and the others are there.

    Raises:
        StartFailed: none could be started.
    """
    addresses = _addresses(where.port_base)
    if not where.start:
        yield PartServices({**addresses, **{part: address for part, address in given.items() if address}})
        return
    if not parts:
        yield PartServices({})
        return
    from postcards_cli.remake.replay import makers_of
    from postcards_client.errors import Unavailable

    makers = makers_of(planned.postcard, parts)
    with _scratch() as scratch:
        plans = {part: _part_plan(part, makers, where, scratch.folder) for part in parts}
        async with started_apart(plans, board) as troubles:
            told = {part: f"{trouble}{_way_to_model(part, str(trouble), makers)}" for part, trouble in troubles.items()}
            if len(told) == len(parts):
                raise StartFailed("; ".join(told.values()))
            scratch.keep = bool(told)
            yield PartServices(
                {part: addresses[part] for part in parts if part not in told},
                {part: Unavailable(why, code="UNAVAILABLE", reason="START_FAILED") for part, why in told.items()},
            )


@dataclass
class _Scratch:
    """What services write that keep nothing."""

    folder: Path
    keep: bool = False
    """Whether it is left behind, for the logs in it."""


@contextmanager
def _scratch() -> Generator[_Scratch]:
    """A folder that is gone afterwards, unless services could not be started."""
    scratch = _Scratch(Path(tempfile.mkdtemp(prefix="postcards-")))
    try:
        yield scratch
    except StartFailed:
        scratch.keep = True
        raise
    finally:
        if not scratch.keep:
            shutil.rmtree(scratch.folder, ignore_errors=True)


def _addresses(port_base: int | None) -> dict[str, str]:
    return {endpoint.name: endpoint.address for endpoint in endpoints(port_base) if endpoint.name in PART_TITLES}


def _part_plan(part: str, makers: "Mapping[str, Maker]", where: Place, folder: Path) -> Plan:
    """One part service, with the engine and the model that made the part."""
    from postcards_cli.remake.replay import settings_of

    own = {part: makers[part]} if part in makers else {}
    return Plan(
        endpoints=tuple(endpoint for endpoint in endpoints(where.port_base) if endpoint.name == part),
        store_url=folder.as_uri(),
        folder=folder,
        settings=settings_of(own, os.environ),
    )


def _way_to_model(part: str, trouble: str, makers: "Mapping[str, Maker]") -> str:
    """What may help when the service of a part that a model made could not be started."""
    from postcards_cli.remake.replay import settings_of

    maker = makers.get(part)
    if maker is None or not maker.model or not trouble.startswith(f"the {part} service"):
        return ""
    setting, settings = f"POSTCARDS_{part.upper()}_MODEL", settings_of({part: maker}, os.environ)
    if f"POSTCARDS_{part.upper()}_REVISION" in settings:
        fetch = f"postcards fetch-models --engine {maker.engine} --model {maker.model} --revision {maker.revision}"
        return (
            f"; it was made with {maker.model} at {maker.revision[:12]}, which `{fetch}` fetches while the hub has it"
        )
    return f"; it was made with {maker.model!r}{'' if setting in settings else f': {setting} says where that is'}"


def present_parts(plan: "PlanReplayResponse", names: Sequence[str] | None) -> tuple[str, ...]:
    """The parts to make again: those that were asked for; where none was, those that were ever made.

    Raises:
        CommandFailed: a part that was asked for was never made.
    """
    from postcards_cli.remake.replay import requests_of

    wanted, made = wanted_parts(names), requests_of(plan)
    absent = [PART_TITLES[part] for part in wanted if part not in made]
    if absent and names:
        message = f"the {' and the '.join(absent)} of this postcard was never made"
        raise CommandFailed(message, Exit.USAGE, reason="PART_NEVER_MADE")
    return tuple(part for part in wanted if part in made)


async def make_again(
    available: PartServices, plan: "PlanReplayResponse", parts: Sequence[str], board: Board, timeout: float
) -> "dict[str, MadePart | PostcardsError]":
    """Makes those of `parts` again that have a service, and shows on `board` how they come."""
    from postcards_cli.remake.replay import Follower, make_again

    present = tuple(part for part in parts if part not in available.absent)
    follower = Follower(plan.postcard, present, board.event)
    board.accepted(follower.postcard)
    made = await make_again(plan, present, available.addresses, follower, timeout=timeout)
    everything = {**made, **available.absent}
    return {part: everything[part] for part in parts}


def exit_of(failures: Sequence["PostcardsError"], parts: int) -> Exit:
    """The exit code where `failures` of `parts` parts could not be made: PARTIAL, or why none could."""
    from postcards_cli.shell.exits import CODE_EXITS

    if not failures:
        return Exit.DONE
    if len(failures) < parts:
        return Exit.PARTIAL
    exits = {CODE_EXITS.get(failure.code, Exit.FAILED) for failure in failures}
    return exits.pop() if len(exits) == 1 else Exit.FAILED
