"""`postcards up`: runs the four services until Ctrl-C."""

import asyncio
import json
import sys

from postcards_cli.display.board import Board
from postcards_cli.display.boards import board_for_terminal
from postcards_cli.local.services import Services, StartFailed
from postcards_cli.shell.exits import Exit
from postcards_cli.shell.options import Json, Out, PortBase, Quiet, place
from postcards_cli.shell.running import Outcome, run
from postcards_cli.shell.session import plan


def up(out: Out = "", port_base: PortBase = None, quiet: Quiet = False, as_json: Json = False) -> None:
    """Run the four services on this machine until Ctrl-C.

    Then `postcards create`, in another terminal, needs no --start. With --json, one object is printed as soon as all
    of them are SERVING.
    """
    services = Services(plan(place("", True, port_base, out)))

    async def command() -> Outcome:
        ready = False
        services.start()
        try:
            await _wait(services, board_for_terminal(quiet=quiet))
            ready = True
            _tell(services, as_json)
            raise StartFailed(await services.until_death())
        except StartFailed as failure:
            if not ready:
                raise
            print(f"postcards: {failure}", file=sys.stderr)
            return Outcome(None, _nothing, Exit.UNREACHABLE)
        except asyncio.CancelledError:
            if not ready:
                raise
            return Outcome(None, _nothing)
        finally:
            if not quiet:
                print("stopping services", file=sys.stderr)
            try:
                await services.stop()
            finally:
                services.kill()

    run(command, as_json=as_json)


async def _wait(services: Services, board: Board) -> None:
    with board:
        board.starting(tuple(endpoint.name for endpoint in services.plan.endpoints))
        await services.wait_until_serving(board.serving)


def _tell(services: Services, as_json: bool) -> None:
    """Prints where everything is."""
    plan = services.plan
    if as_json:
        view = {
            "state": "SERVING",
            "store": plan.store_url,
            "logs": str(plan.logs),
            "services": {e.name: {"address": e.address, "metrics_port": e.metrics_port} for e in plan.endpoints},
        }
        print(json.dumps(view), flush=True)
        return
    from rich.console import Console

    from postcards_cli.display.status import print_status

    print_status(plan, services.engines(), Console(highlight=False))
    sys.stdout.flush()


def _nothing() -> None:
    """Everything was printed before."""
