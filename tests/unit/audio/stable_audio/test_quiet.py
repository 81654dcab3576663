"""What is written while the libraries of stable-audio are brought in."""

import contextlib
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable

import pytest

from postcards_audio.engines.stable_audio.checkpoint.libraries import quietly
from postcards_serving.telemetry.logging import JsonFormatter


def own_streams(monkeypatch: pytest.MonkeyPatch) -> dict[str, io.StringIO]:
    """Takes the place of the process's streams; called in a test, since pytest sets its own just before."""
    made = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    for name, stream in made.items():
        monkeypatch.setattr(sys, name, stream)
    return made


def elsewhere(do: Callable[[], None]) -> None:
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def test_what_this_thread_prints_is_dropped_and_what_others_print_is_not(monkeypatch):
    streams = own_streams(monkeypatch)
    with quietly():
        print("chatter")
        print("chatter", file=sys.stderr)
        sys.stderr.writelines(["chat", "ter"])
        elsewhere(lambda: print("from a request"))
        elsewhere(lambda: print("of a request", file=sys.stderr))
    assert (sys.stdout, sys.stderr) == (streams["stdout"], streams["stderr"])
    print("after")
    assert streams["stdout"].getvalue() == "from a request\nafter\n"
    assert streams["stderr"].getvalue() == "of a request\n"


def test_lines_of_the_log_are_kept_from_any_thread(monkeypatch):
    streams = own_streams(monkeypatch)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter("audio"))
    log = logging.Logger("quiet")
    log.addHandler(handler)
    with quietly():
        log.warning("while loading")
        elsewhere(lambda: log.warning("while serving"))
    lines = [json.loads(line)["message"] for line in streams["stderr"].getvalue().splitlines()]
    assert lines == ["while loading", "while serving"]


def test_a_handler_that_a_library_makes_meanwhile_is_heard_afterwards(monkeypatch):
    streams = own_streams(monkeypatch)
    log = logging.Logger("library")
    with quietly():
        log.addHandler(logging.StreamHandler())
        log.warning("chatter")
    log.warning("something is wrong")
    assert streams["stderr"].getvalue() == "something is wrong\n"


def test_several_threads_take_turns_and_leave_the_streams_as_they_were(monkeypatch):
    streams = own_streams(monkeypatch)
    most, now = [0], [0]

    def load() -> None:
        with quietly(), quietly():
            now[0] += 1
            most[0] = max(most[0], now[0])
            print("chatter")
            now[0] -= 1

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sys.stdout, sys.stderr) == (streams["stdout"], streams["stderr"])
    assert (most, streams["stdout"].getvalue()) == ([1], "")


def test_a_failure_gives_the_streams_back(monkeypatch):
    streams = own_streams(monkeypatch)
    with contextlib.suppress(RuntimeError), quietly():
        raise RuntimeError
    assert (sys.stdout, sys.stderr) == (streams["stdout"], streams["stderr"])


def test_warnings_of_others_are_not_lost():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quietly():
            warnings.warn("`torch.jit.script_method` is deprecated. Please switch", DeprecationWarning, stacklevel=1)
            with pytest.raises(UserWarning, match="mind the gap"):
                warnings.warn("mind the gap", UserWarning, stacklevel=1)
