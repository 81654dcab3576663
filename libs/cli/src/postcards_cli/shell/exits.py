"""Exit codes of the `postcards` command, and the failures that lead to them."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. Only 0 is success."""

    DONE = 0
    """What was asked for is done; a postcard that was waited for is ACTIVE."""
    FAILED = 1
    """It could not be done; a postcard that was waited for is FAILED."""
    USAGE = 2
    """The options or the request are wrong."""
    PARTIAL = 3
    """The postcard is finished, but a part is missing: `postcards repair` makes it."""
    CANCELLED = 4
    """The postcard was cancelled."""
    NOT_FOUND = 5
    """There is no such postcard."""
    UNREACHABLE = 6
    """No composer answers, or the services could not be started."""
    BUSY = 7
    """Too much is being made, there is no room left, or the time was over."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
    TERMINATED = 143
    """Stopped by a termination signal."""


EXIT_HELP = (
    "Exit codes: 0 done, 1 failed, 2 wrong options or request, 3 the postcard is PARTIAL, 4 it was cancelled, "
    "5 no such postcard, 6 no services, 7 too busy or too late, 130 interrupted."
)

STATE_EXITS = {
    "ACTIVE": Exit.DONE,
    "PARTIAL": Exit.PARTIAL,
    "FAILED": Exit.FAILED,
    "CANCELLED": Exit.CANCELLED,
}
"""Exit code of a command that waited for a postcard, by the state in which it ended."""

CODE_EXITS = {
    "INVALID_ARGUMENT": Exit.USAGE,
    "OUT_OF_RANGE": Exit.USAGE,
    "ALREADY_EXISTS": Exit.USAGE,
    "NOT_FOUND": Exit.NOT_FOUND,
    "UNAVAILABLE": Exit.UNREACHABLE,
    "RESOURCE_EXHAUSTED": Exit.BUSY,
    "DEADLINE_EXCEEDED": Exit.BUSY,
}
"""Exit code of a failed call, by its gRPC status code; FAILED for every other."""


class CommandFailed(Exception):  # noqa: N818 - a word of the domain
    """The command cannot go on. The message is one line for people."""

    def __init__(self, message: str, exit_code: Exit, *, reason: str) -> None:
        """`reason` is stable and upper-case, for programs."""
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.reason = reason
