"""`postcards verify`: makes the parts of a postcard again and compares them with those that are kept."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
from postcards_cli.shell.exits import Exit
from postcards_cli.shell.options import Address, Json, PortBase, Quiet, place
from postcards_cli.shell.running import Outcome, run

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import PlanReplayResponse

    from postcards_cli.remake.comparison import Comparison
    from postcards_cli.remake.verify import KeptFiles


def verify(
    manifest: Manifest,
    part: Parts = None,
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
    """Make the parts of a postcard again and say of each: equal, equal within tolerance, different, or damaged.

    Exit codes: 0 all are equal or equal within tolerance, 1 one is different, damaged or missing, 3 one could not be
    made again or compared, 2 the manifest or an option is wrong, 5 no such postcard, 6 no services.
    """
    where = place(address, start, port_base, "")
    given = {"image": image_address, "audio": audio_address, "language": language_address}
    check_parts(part)

    async def command() -> Outcome:
        from postcards_cli.remake.replay import find_source
        from postcards_cli.remake.verify import judge, read_files
        from postcards_client.errors import PostcardsError

        source = kept_here(find_source(manifest), where)
        with board_for_terminal(quiet=quiet) as board:
            plan = await plan_of(source, where, board)
            parts = present_parts(plan, part)
            kept = await read_files(plan.postcard, source.path.parent if source.path else None)
            whole = tuple(name for name in parts if kept.trouble(name) is None)
            async with services(plan, whole, where, given, board) as available:
                made = await make_again(available, plan, whole, board, timeout) if whole else {}
        comparisons = judge(plan, kept, parts, made)
        failures = [outcome for outcome in made.values() if isinstance(outcome, PostcardsError)]
        return _outcome(plan, kept, comparisons, exit_of(failures, len(parts)))

    run(command, as_json=as_json)


def _outcome(
    plan: "PlanReplayResponse", kept: "KeptFiles", comparisons: "Mapping[str, Comparison]", unmade: Exit
) -> Outcome:
    from postcards_cli.remake.comparison import Verdict, overall

    verdict = overall([*(comparison.verdict for comparison in comparisons.values())])
    if kept.damaged_card:
        verdict = Verdict.DAMAGED
    view: dict[str, Any] = {
        "id": plan.postcard.id,
        "name": plan.postcard.species.name,
        "seed": plan.postcard.seed,
        "verdict": verdict.value,
        "parts": {part: comparison.view() for part, comparison in comparisons.items()},
        "damaged": list(kept.damaged),
        "missing": list(kept.missing),
    }

    def show() -> None:
        from postcards_cli.display.replay_report import print_verdicts

        print_verdicts(plan.postcard, comparisons, kept.damaged_card, verdict)

    if verdict.good:
        return Outcome(view, show)
    if verdict is Verdict.NOT_MADE:
        return Outcome(view, show, unmade)
    return Outcome(view, show, Exit.PARTIAL if verdict is Verdict.NOT_COMPARED else Exit.FAILED)
