"""Runs a command: prints its outcome, turns failures into one line and an exit code, and ends it in order on Ctrl-C."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

import typer

from postcards_cli.local.services import StartFailed
from postcards_cli.shell.exits import CODE_EXITS, CommandFailed, Exit
from postcards_cli.shell.options import FIELD_OPTIONS
from postcards_cli.tracing import CommandTrace


@dataclass(frozen=True)
class Outcome:
    """What a command has to show."""

    view: dict[str, Any] | None
    """The JSON object of `--json`; None when it was printed before."""
    show: Callable[[], None]
    """Prints the same for people, on standard output."""
    exit_code: Exit = Exit.DONE


def run(command: Callable[[], Coroutine[Any, Any, Outcome]], *, as_json: bool) -> NoReturn:
    """Runs `command`, prints what it returns, and exits with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="replace")
    try:
        exit_code = _run(command, as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has left, e.g. `head`; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        exit_code = Exit.FAILED
    raise typer.Exit(exit_code)


def _run(command: Callable[[], Coroutine[Any, Any, Outcome]], as_json: bool) -> Exit:
    interruption = _Interruption()
    # What runs is a function inside the one that is named like its command.
    trace = CommandTrace(command.__qualname__.partition(".")[0])
    try:
        with asyncio.Runner() as runner:
            outcome = runner.run(interruption.guard(trace.follow(command)))
    except asyncio.CancelledError as cancelled:
        message = "stopped by Ctrl-C" if interruption.exit_code is Exit.INTERRUPTED else "stopped"
        message = "; ".join([message, *map(str, cancelled.args)])
        return _fail(CommandFailed(message, interruption.exit_code, reason="INTERRUPTED"), as_json)
    except (CommandFailed, StartFailed, OSError) as failure:
        return _fail(failure, as_json)
    except Exception as failure:
        from postcards_client.errors import PostcardsError

        if not isinstance(failure, PostcardsError):
            raise
        return _fail(failure, as_json)
    finally:
        trace.close()
    if as_json and outcome.view is not None:
        print(json.dumps(outcome.view))
    elif not as_json:
        outcome.show()
    # Who shows what there was until then does not know which signal it was.
    return interruption.exit_code if outcome.exit_code is Exit.INTERRUPTED else outcome.exit_code


class _Interruption:
    """Cancels the command on SIGINT and SIGTERM, and remembers which it was."""

    def __init__(self) -> None:
        self.exit_code = Exit.INTERRUPTED

    async def guard(self, command: Coroutine[Any, Any, Outcome]) -> Outcome:
        task = asyncio.ensure_future(command)
        loop = asyncio.get_running_loop()

        def interrupt(exit_code: Exit) -> None:
            self.exit_code = exit_code
            task.cancel()

        loop.add_signal_handler(signal.SIGINT, interrupt, Exit.INTERRUPTED)
        loop.add_signal_handler(signal.SIGTERM, interrupt, Exit.TERMINATED)
        return await task


def _fail(failure: Exception, as_json: bool) -> Exit:
    """Tells of a failure on standard error, and with `--json` on standard output too; returns the exit code."""
    error, exit_code = describe(failure)
    print(f"postcards: {error['message']}", file=sys.stderr)
    for violation in error["violations"]:
        print(f"  {violation['option'] or violation['field']}: {violation['description']}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": error}))
    return exit_code


def describe(failure: Exception) -> tuple[dict[str, Any], Exit]:
    """A failure as `--json` shows it, and its exit code."""
    if isinstance(failure, CommandFailed):
        return _error(failure.message, "", failure.reason), failure.exit_code
    if isinstance(failure, StartFailed):
        return _error(str(failure), "", "START_FAILED"), Exit.UNREACHABLE
    if isinstance(failure, OSError):
        where = f" {failure.filename}" if failure.filename else ""
        return _error(f"cannot read or write{where}: {failure.strerror or failure}", "", "OS_ERROR"), Exit.FAILED
    from postcards_client.errors import PostcardsError, Unavailable

    if not isinstance(failure, PostcardsError):
        raise TypeError(f"no failure of a command: {failure!r}")
    message = failure.message
    if isinstance(failure, Unavailable):
        message += "; start the services with `postcards up`, or give --start"
    error = _error(message, failure.code, failure.reason)
    error["retry_after"] = failure.retry_after
    error["violations"] = [
        {"field": v.field, "option": FIELD_OPTIONS.get(v.field), "description": v.description}
        for v in failure.violations
    ]
    return error, CODE_EXITS.get(failure.code, Exit.FAILED)


def _error(message: str, code: str, reason: str) -> dict[str, Any]:
    return {"code": code, "reason": reason, "message": message, "violations": [], "retry_after": None}
