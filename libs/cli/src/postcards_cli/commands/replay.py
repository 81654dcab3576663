"""`postcards replay`: makes the parts of a postcard again."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postcards_cli.commands.part_services import (
    AudioAddress,
    ImageAddress,
    LanguageAddress,
    Manifest,
    Parts,
    StartEngines,
    Timeout,
    check_parts,
    exit_of,
    kept_here,
    make_again,
    plan_of,
    present_parts,
    services,
)
from postcards_cli.display.boards import board_for_terminal
from postcards_cli.shell.exits import CommandFailed, Exit
from postcards_cli.shell.options import Address, Json, Place, PortBase, Quiet, place
from postcards_cli.shell.running import Outcome, run

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import PlanReplayResponse

    from postcards_cli.remake.replay import Source
    from postcards_client.errors import PostcardsError
    from postcards_client.parts.making import MadePart

DEFAULT_FOLDER = "replay"


def replay(
    manifest: Manifest,
    part: Parts = None,
    out: Annotated[
        str, typer.Option("--out", metavar="FOLDER", help="Write the files to FOLDER/ID. Default: ./replay.")
    ] = "",
    timeout: Timeout = 600.0,
    start: StartEngines = False,
    address: Address = "",
    image_address: ImageAddress = "",
    audio_address: AudioAddress = "",
    language_address: LanguageAddress = "",
    port_base: PortBase = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make the parts of a postcard again, as its manifest says that they were made.

    Exit codes: 0 all parts were made, 3 some could not be, 1 none could be, 2 the manifest or an option is wrong,
    5 no such postcard, 6 no services.
    """
    where = place(address, start, port_base, out)
    given = {"image": image_address, "audio": audio_address, "language": language_address}
    check_parts(part)

    async def command() -> Outcome:
        from postcards_cli.remake.replay import find_source

        source = kept_here(find_source(manifest), where)
        with board_for_terminal(quiet=quiet) as board:
            plan = await plan_of(source, where, board)
            parts = present_parts(plan, part)
            folder = _folder(plan, where, source)
            async with services(plan, parts, where, given, board) as available:
                made = await make_again(available, plan, parts, board, timeout)
        return _outcome(plan, folder, made)

    run(command, as_json=as_json)


def _folder(plan: "PlanReplayResponse", where: Place, source: "Source") -> Path:
    """Where the files go: never where a postcard is kept.

    Raises:
        CommandFailed: a manifest lies there.
    """
    from postcards_client.downloads import safe_name

    folder = (where.out or Path(DEFAULT_FOLDER).absolute()) / safe_name(plan.postcard.id)
    if (folder / "manifest.json").exists() or (source.path is not None and folder == source.path.absolute().parent):
        message = f"{folder} holds the postcard itself; choose another folder with --out"
        raise CommandFailed(message, Exit.USAGE, reason="FOLDER_IN_USE")
    return folder


def _outcome(plan: "PlanReplayResponse", folder: Path, made: "Mapping[str, MadePart | PostcardsError]") -> Outcome:
    from postcards_client.errors import PostcardsError

    failures = [outcome for outcome in made.values() if isinstance(outcome, PostcardsError)]
    if len(failures) < len(made):
        folder.mkdir(parents=True, exist_ok=True)
    parts = {part: _part_view(plan, part, outcome, folder) for part, outcome in made.items()}
    state = "DONE" if not failures else "PARTIAL" if len(failures) < len(made) else "FAILED"
    view: dict[str, Any] = {
        "id": plan.postcard.id,
        "state": state,
        "name": plan.postcard.species.name,
        "seed": plan.postcard.seed,
        "parts": parts,
        "location": str(folder),
    }

    def show() -> None:
        from postcards_cli.display.replay_report import print_replay

        print_replay(plan.postcard, view)
        if state != "FAILED":
            print(folder)

    return Outcome(view, show, exit_of(failures, len(made)))


def _part_view(
    plan: "PlanReplayResponse", part: str, outcome: "MadePart | PostcardsError", folder: Path
) -> dict[str, Any]:
    """A part as `--json` shows it; its files are written."""
    from postcards_cli.json_views import part_name
    from postcards_cli.remake.comparison import differences_of
    from postcards_client.downloads import safe_name
    from postcards_client.errors import PostcardsError

    if isinstance(outcome, PostcardsError):
        error = {"code": outcome.code, "reason": outcome.reason, "message": outcome.message}
        return {
            "state": "FAILED",
            "engine": None,
            "withheld": False,
            "files": {},
            "differences": [],
            "error": error,
        }
    then = next(message.provenance for message in plan.postcard.parts if part_name(message.kind) == part)
    kept = {file.name: file.sha256 for file in plan.postcard.files}
    files: dict[str, Any] = {}
    for name, data in outcome.files.items():
        path = folder / safe_name(name)
        path.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        files[name] = {"path": str(path), "sha256": sha256, "same": sha256 == kept.get(name)}
    differences = [vars(difference) for difference in differences_of(then, outcome.provenance)]
    return {
        "state": "DONE",
        "engine": outcome.provenance.engine,
        "withheld": outcome.withheld,
        "files": files,
        "differences": differences,
        "error": None,
    }
