"""Runs a module as a program that ends when the process that started it does.

`python -m postcards_cli.local.parent_watch MODULE` runs MODULE with standard input as its lifeline: a pipe whose
other end only the parent holds. When the parent goes, by whatever death, the pipe closes, and the program is asked to
stop and, where it does not, stopped. This works on every POSIX system, unlike a parent death signal.
"""

import logging
import os
import runpy
import signal
import sys
import threading

GRACE = 10.0
"""Seconds that the program has to stop in good order."""


def main() -> None:
    """Runs the module named by the first argument."""
    module = sys.argv[1]
    lifeline = os.dup(sys.stdin.fileno())
    threading.Thread(target=_watch, args=(lifeline,), name="lifeline", daemon=True).start()
    sys.argv = sys.argv[1:]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        _leave(end.code or 0)


def _leave(code: int) -> None:
    """Ends a process whose program has ended in good order, without taking the interpreter and its libraries apart:
    that takes longer than stopping did, and frees only what the system frees anyway.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _watch(lifeline: int) -> None:
    """Waits for the end of the parent, then stops this process."""
    while os.read(lifeline, 1):
        pass
    last_resort = threading.Timer(GRACE, os._exit, (1,))
    last_resort.daemon = True
    last_resort.start()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
