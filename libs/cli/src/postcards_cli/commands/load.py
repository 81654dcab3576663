"""`postcards load`: puts load on running services and says how they bore it."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import typer

from postcards_cli.display.boards import load_board_for_terminal
from postcards_cli.display.load_board import LoadBoard
from postcards_cli.load.goals import Goals, Verdict, judge, parse_latency_goals
from postcards_cli.load.measurements import Cleared, Record
from postcards_cli.load.plan import (
    Plan,
    PlanError,
    Pressure,
    Rate,
    callers,
    parse_mix,
    parse_ramp,
    parse_rate,
    parse_seconds,
    stages,
)
from postcards_cli.load.report import run_view
from postcards_cli.load.runner import LoadRunner
from postcards_cli.local.ports import endpoints
from postcards_cli.shell.exits import CommandFailed, Exit
from postcards_cli.shell.options import Address, Json, PortBase, Quiet, Start, parse_seed, place
from postcards_cli.shell.running import Outcome, run
from postcards_cli.shell.session import plan as start_plan
from postcards_cli.shell.session import started

CLEANUP_SECONDS = 60.0
"""How long the last postcards may take to be deleted."""
TICK_SECONDS = 0.5
WAIT_SECONDS = 0.2

_PRESSURE = "How much"
_WHAT = "What"
_WHERE = "Where and how"
_GOALS = "Goals: exit code 1 where one is missed"


def load(
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency",
            "-c",
            min=1,
            max=1024,
            help="Callers who each wait for their answer before they ask again (closed loop).",
            rich_help_panel=_PRESSURE,
        ),
    ] = 1,
    rate: Annotated[
        str,
        typer.Option(
            metavar="R/s",
            help="Requests come at this rate, whatever became of those before (open loop), e.g. 2/s or 30/min.",
            rich_help_panel=_PRESSURE,
        ),
    ] = "",
    ramp: Annotated[
        str,
        typer.Option(
            metavar="1,2,4,8",
            help="A stage for each number of callers; 1-8: they come in one after the other. With /s at the end rates:"
            " 1,2,4/s or 1-4/s.",
            rich_help_panel=_PRESSURE,
        ),
    ] = "",
    arrivals: Annotated[
        Literal["poisson", "constant"],
        typer.Option(help="How requests of an open loop come: by chance, or evenly.", rich_help_panel=_PRESSURE),
    ] = "poisson",
    duration: Annotated[
        str,
        typer.Option(
            metavar="30s",
            help="How long each stage begins requests. Default: 30s, or until --count.",
            rich_help_panel=_PRESSURE,
        ),
    ] = "",
    count: Annotated[
        int | None,
        typer.Option(min=1, help="How many requests each stage begins.", show_default=False, rich_help_panel=_PRESSURE),
    ] = None,
    warm_up: Annotated[
        int, typer.Option(min=0, help="Requests before all others that do not count.", rich_help_panel=_PRESSURE)
    ] = 0,
    outstanding: Annotated[
        int,
        typer.Option(
            min=1,
            max=100_000,
            help="Most requests of an open loop that are under way at once; more are not sent, and counted.",
            rich_help_panel=_PRESSURE,
        ),
    ] = 1000,
    target: Annotated[
        Literal["composer", "image", "audio", "language"],
        typer.Option(help="Who is asked: for whole postcards, or for one part directly.", rich_help_panel=_WHAT),
    ] = "composer",
    mix: Annotated[
        str,
        typer.Option(
            metavar="NAME=SHARE,...",
            help="Ask several, by shares, e.g. image=3,language=1. In place of --target.",
            rich_help_panel=_WHAT,
        ),
    ] = "",
    deadline: Annotated[
        str, typer.Option(metavar="2m", help="How long a request may take.", rich_help_panel=_WHAT)
    ] = "2m",
    seed: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Decides about arrivals, targets, themes and what is made. Default: random.",
            rich_help_panel=_WHAT,
        ),
    ] = "",
    theme: Annotated[
        list[str] | None,
        typer.Option(help="A theme; give several, and each request has one of them.", rich_help_panel=_WHAT),
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=64, max=2048, help="Width of pictures in pixels.", rich_help_panel=_WHAT)
    ] = None,
    height: Annotated[
        int | None, typer.Option(min=64, max=2048, help="Height of pictures in pixels.", rich_help_panel=_WHAT)
    ] = None,
    image_steps: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Steps of an image model that denoises.", rich_help_panel=_WHAT),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, max=60, help="Length of calls in seconds.", rich_help_panel=_WHAT)
    ] = None,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry",
            help="Requests that are refused or cut come again when the server says, until their deadline.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    delete: Annotated[
        bool,
        typer.Option("--delete/--keep", help="Delete the postcards that this run has made.", rich_help_panel=_WHAT),
    ] = True,
    fail_above: Annotated[
        str,
        typer.Option(
            metavar="p95=10s,...",
            help="Greatest latency: p50, p99.9, mean, max, ...",
            rich_help_panel=_GOALS,
        ),
    ] = "",
    fail_error_ratio: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Greatest share of requests that fail or take too long.", rich_help_panel=_GOALS
        ),
    ] = 0.0,
    fail_refused_ratio: Annotated[
        float,
        typer.Option(min=0, max=1, help="Greatest share of requests that are refused.", rich_help_panel=_GOALS),
    ] = 1.0,
    start: Start = False,
    address: Address = "",
    image_address: Annotated[
        str,
        typer.Option(
            envvar="POSTCARDS_IMAGE_ADDRESS",
            metavar="HOST:PORT",
            help="Image service, where it is asked.",
            rich_help_panel=_WHERE,
        ),
    ] = "",
    audio_address: Annotated[
        str,
        typer.Option(
            envvar="POSTCARDS_AUDIO_ADDRESS",
            metavar="HOST:PORT",
            help="Audio service, where it is asked.",
            rich_help_panel=_WHERE,
        ),
    ] = "",
    language_address: Annotated[
        str,
        typer.Option(
            envvar="POSTCARDS_LANGUAGE_ADDRESS",
            metavar="HOST:PORT",
            help="Language service, where it is asked.",
            rich_help_panel=_WHERE,
        ),
    ] = "",
    port_base: PortBase = None,
    wait: Annotated[
        str,
        typer.Option(metavar="10s", help="How long the services may take until they serve.", rich_help_panel=_WHERE),
    ] = "10s",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Put load on running services, and print how long requests took and how many were refused or failed.

    Latencies count from when a request should have begun, so that a service that stalls cannot hide it. Ctrl-C prints
    what was measured so far. Exit code 1 where a goal is missed: by default, no request may fail or be late.
    """
    own_addresses = {"image": image_address, "audio": audio_address, "language": language_address}
    chosen_seed = parse_seed(seed)
    settings = {"width": width, "height": height, "image_steps": image_steps, "seconds": seconds}
    try:
        plan = Plan(
            stages=stages(
                _pressures(concurrency, rate, ramp, arrivals),
                seconds=parse_seconds(duration) if duration.strip() else None,
                count=count,
                warm_up=warm_up,
            ),
            mix=parse_mix(mix or target),
            seed=random.SystemRandom().getrandbits(32) if chosen_seed is None else chosen_seed,
            deadline=parse_seconds(deadline),
            themes=tuple(theme or ()),
            outstanding=outstanding,
            retry=retry,
            settings={name: value for name, value in settings.items() if value is not None},
        )
        goals = Goals(parse_latency_goals(fail_above), fail_error_ratio, fail_refused_ratio)
        patience = parse_seconds(wait)
    except PlanError as error:
        raise typer.BadParameter(str(error)) from None
    where = place(address, start, port_base, "")
    own_addresses["composer"] = where.address
    usual = {endpoint.name: endpoint.address for endpoint in endpoints(port_base)}
    addresses = usual if start else usual | {name: own for name, own in own_addresses.items() if own}

    async def command() -> Outcome:
        with load_board_for_terminal(quiet=quiet) as board:
            if start:
                async with started(start_plan(where), board):
                    return await _load(plan, goals, addresses, delete, board)
            await _until_serving({name: addresses[name] for name in plan.mix}, patience)
            return await _load(plan, goals, addresses, delete, board)

    run(command, as_json=as_json)


def _pressures(
    concurrency: int, rate: str, ramp: str, arrivals: Literal["poisson", "constant"]
) -> tuple[Pressure, ...]:
    """What the options say of the pressure."""
    if rate.strip() and ramp.strip():
        raise PlanError("--rate and --ramp cannot both be given: a ramp of rates is e.g. --ramp 1,2,4/s")
    if ramp.strip():
        return parse_ramp(ramp, arrivals)
    if rate.strip():
        return (Rate(parse_rate(rate), parse_rate(rate), arrivals),)
    return (callers(concurrency),)


async def _until_serving(addresses: Mapping[str, str], patience: float) -> None:
    """Waits until everybody who will be asked serves. Who does not tell is taken to serve."""
    from postcards_client.health import status

    end = time.monotonic() + patience
    for name, address in addresses.items():
        while (told := await status(address, within=patience)) not in ("SERVING", "UNIMPLEMENTED"):
            if time.monotonic() >= end:
                message = f"the {name} service at {address} does not serve within {patience:g} s ({told})"
                raise CommandFailed(message, Exit.UNREACHABLE, reason="NOT_SERVING")
            await asyncio.sleep(WAIT_SECONDS)


async def _load(plan: Plan, goals: Goals, addresses: Mapping[str, str], delete: bool, board: LoadBoard) -> Outcome:
    """The run itself; when it is stopped, what was measured until then."""
    from postcards_cli.load.cleanup import Cleanup
    from postcards_cli.load.requester import Requester

    cleanup = Cleanup(addresses["composer"], delete=delete)
    async with Requester(plan, addresses, run=f"load-{secrets.token_hex(4)}", cleanup=cleanup) as requester:
        runner = LoadRunner(plan, requester.ask, board)
        async with _ticking(board, runner):
            try:
                await runner.run()
            except asyncio.CancelledError:
                board.say("stopping")
    try:
        await cleanup.finish(CLEANUP_SECONDS)
    except asyncio.CancelledError:
        # A second Ctrl-C leaves the postcards, never the report.
        runner.record.interrupted = True
    return _outcome(runner.record, judge(goals, runner.record.total), cleanup.result, addresses)


@asynccontextmanager
async def _ticking(board: LoadBoard, runner: LoadRunner) -> AsyncGenerator[None]:
    """Keeps the board up to date."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if runner.record.stages:
                board.tick(runner.record.stages[-1], runner.under_way)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


def _outcome(record: Record, verdicts: tuple[Verdict, ...], cleared: Cleared, addresses: Mapping[str, str]) -> Outcome:
    def show() -> None:
        from rich.console import Console

        from postcards_cli.display.load_table import print_run

        print_run(record, verdicts, cleared, Console(highlight=False))

    if record.interrupted:
        exit_code = Exit.INTERRUPTED
    else:
        exit_code = Exit.DONE if all(verdict.met for verdict in verdicts) else Exit.FAILED
    return Outcome(run_view(record, verdicts, cleared, addresses), show, exit_code)
