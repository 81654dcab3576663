"""Runs the services as child processes on the loopback address and stops them again."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from postcards_cli.local.ports import LOOPBACK, Endpoint, trouble_with_port

START_LIMIT = 90.0
"""Seconds that the services have until all are SERVING."""
LOAD_LIMIT = 900.0
"""The same where an engine has weights to load, and perhaps to compile."""
STOP_LIMIT = 15.0
"""Seconds that they have to stop in good order."""
LEAST_FREE_BYTES = 64 * 1024 * 1024
"""Free space that is asked of the disk before anything is started."""

HEAVY = frozenset({"stable-diffusion", "stable-audio"})
"""Engines whose weights are gigabytes."""
EMBEDDED = {"image": "creature", "audio": "vocal-tract", "language": "phonotactic"}
"""The engine of each part-making service where none was chosen."""


class StartFailed(Exception):  # noqa: N818 - a word of the domain
    """The services could not be started, or one of them died. The message is one line for people."""


@dataclass(frozen=True)
class Plan:
    """What is to be started."""

    endpoints: tuple[Endpoint, ...]
    """The services, the composer first where it is one of them."""
    store_url: str
    """Where the postcards are kept."""
    folder: Path
    """Folder for everything that this run writes outside the store; the logs lie in `folder`/logs."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of the services, by variable, where the surroundings say nothing else."""
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of the services, by variable, whatever the surroundings say."""

    @property
    def logs(self) -> Path:
        """Folder of the log files."""
        return self.folder / "logs"

    def log(self, name: str) -> Path:
        """Log file of one service."""
        return self.logs / f"{name}.log"


def environment(plan: Plan, endpoint: Endpoint, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of one service: `base`, with the ports, the store and the settings of `plan`."""
    own = {
        "POSTCARDS_BIND_ADDRESS": LOOPBACK,
        "POSTCARDS_METRICS_ADDRESS": LOOPBACK,
        # Nothing balances on the loopback address: there is nobody to wait for.
        "POSTCARDS_DRAIN_PAUSE_SECONDS": "0",
        "POSTCARDS_PORT": str(endpoint.port),
        "POSTCARDS_METRICS_PORT": str(endpoint.metrics_port),
        "POSTCARDS_STORE_URL": plan.store_url,
        "PYTHONUNBUFFERED": "1",
        # Who waits at a terminal is told at once; nobody would come to bring the model.
        "POSTCARDS_ON_LOAD_FAILURE": "exit",
    }
    local = {
        # What a run that was killed left unfinished is taken up soon: nobody else works in this folder.
        "POSTCARDS_LEASE_SECONDS": "6",
        "POSTCARDS_RECOVERY_INTERVAL_SECONDS": "1",
        # Who presses Ctrl-C wants to go; the next run finishes what was begun.
        "POSTCARDS_FINISH_SECONDS": "0",
    }
    if {**plan.settings, **base}.get(f"POSTCARDS_{endpoint.name.upper()}_ENGINE") in HEAVY:
        # Gigabytes are fetched by `postcards fetch-models`, which shows it and goes on where it broke off.
        local["HF_HUB_OFFLINE"] = "1"
    addresses = {f"POSTCARDS_{e.name.upper()}_ADDRESS": e.address for e in plan.endpoints}
    return {**local, **plan.settings, **base, **addresses, **own, **plan.fixed}


def check(plan: Plan) -> None:
    """Makes sure that the services can be started: free ports, a disk with room, a folder that can be written.

    Raises:
        StartFailed: one of these is not so; nothing was started.
    """
    for endpoint in plan.endpoints:
        for port in (endpoint.port, endpoint.metrics_port):
            if trouble := trouble_with_port(port):
                raise StartFailed(f"port {port} ({endpoint.name} service) {trouble}: {_way_out(plan, port)}")
    try:
        plan.logs.mkdir(parents=True, exist_ok=True)
        probe = plan.logs / f".probe-{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
        free = shutil.disk_usage(plan.logs).free
    except OSError as error:
        raise StartFailed(
            f"cannot write to {plan.folder}: {error.strerror}; choose another folder with --out"
        ) from None
    if free < LEAST_FREE_BYTES:
        raise StartFailed(
            f"the disk of {plan.folder} is full: {free / 1e6:.0f} MB are free, {LEAST_FREE_BYTES / 1e6:.0f} MB are"
            " needed; make room, or choose another folder with --out"
        )


def _way_out(plan: Plan, port: int) -> str:
    if port == plan.endpoints[0].port:
        return "use the services that run there by leaving --start away, stop them, or choose others with --port-base"
    return "stop what uses it, or choose other ports with --port-base"


class Services:
    """The child processes of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lifeline: int | None = None

    def start(self) -> None:
        """Starts the processes; they are not ready yet.

        Raises:
            StartFailed: see `check`.
        """
        check(self.plan)
        # The children hold the reading end as standard input; they stop when the writing end is gone.
        reading, self._lifeline = os.pipe()
        try:
            for endpoint in self.plan.endpoints:
                with self.plan.log(endpoint.name).open("wb") as log:
                    self._processes[endpoint.name] = self._spawn(endpoint, reading, log)
        except OSError as error:
            self.kill()
            raise StartFailed(f"the services cannot be started: {error.strerror}") from error
        finally:
            os.close(reading)

    def _spawn(self, endpoint: Endpoint, lifeline: int, log: BinaryIO) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own module, run by our own interpreter
            [sys.executable, "-m", "postcards_cli.local.parent_watch", f"postcards_{endpoint.name}"],
            stdin=lifeline,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(self.plan, endpoint, os.environ),
            # Ctrl-C at the terminal is for us alone; the children are stopped in good order.
            start_new_session=True,
        )

    async def wait_until_serving(self, on_serving: Callable[[str], None]) -> None:
        """Waits until every service is SERVING; calls `on_serving` with the name of each as it gets there.

        Raises:
            StartFailed: a service died, or was not ready in time (see `start_limit`).
        """
        from postcards_client.health import until_serving

        ready: set[str] = set()

        async def follow(endpoint: Endpoint) -> None:
            await until_serving(endpoint.address)
            ready.add(endpoint.name)
            on_serving(endpoint.name)

        engines = self.engines()
        limit = start_limit({e.name: engines[e.name] for e in self.plan.endpoints if e.name in engines})
        everyone = asyncio.gather(*(follow(endpoint) for endpoint in self.plan.endpoints))
        deaths = asyncio.ensure_future(self.until_death())
        try:
            async with asyncio.timeout(limit):
                await asyncio.wait({everyone, deaths}, return_when=asyncio.FIRST_COMPLETED)
                if deaths.done():
                    raise StartFailed(deaths.result())
                await everyone
        except TimeoutError:
            late = ", ".join(e.name for e in self.plan.endpoints if e.name not in ready)
            raise StartFailed(f"not ready after {limit:.0f} s: {late}; see the logs in {self.plan.logs}") from None
        finally:
            everyone.cancel()
            deaths.cancel()
            await asyncio.wait({everyone, deaths})
            if not everyone.cancelled():
                # Asked for, so that asyncio does not report it as overlooked.
                everyone.exception()

    async def until_death(self) -> str:
        """Waits until a service has ended by itself, and returns one line that says which and why."""
        while True:
            for name, process in self._processes.items():
                if (code := process.poll()) is not None:
                    words = last_error(self.plan.log(name)).removeprefix(f"postcards-{name}: ")
                    return f"the {name} service {_ending(code)}: {words}"
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Stops the processes in good order, the composer first, so that it sees no part fail; then by force."""
        composer = {"composer"}
        end = time.monotonic() + STOP_LIMIT
        for names in (composer, self._processes.keys() - composer):
            group = [process for name, process in self._processes.items() if name in names]
            for process in group:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            while time.monotonic() < end and any(process.poll() is None for process in group):
                await asyncio.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        """Stops what still runs at once."""
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        self._processes.clear()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def engines(self) -> dict[str, str]:
        """The engine that each part-making service was told to use."""
        told = {**self.plan.settings, **os.environ}
        return {name: told.get(f"POSTCARDS_{name.upper()}_ENGINE", "") or e for name, e in EMBEDDED.items()}

    @property
    def running(self) -> bool:
        """Whether any process is alive."""
        return any(process.poll() is None for process in self._processes.values())


def start_limit(engines: Mapping[str, str]) -> float:
    """Seconds that services with these engines have until they are SERVING."""
    return LOAD_LIMIT if HEAVY & set(engines.values()) else START_LIMIT


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"stopped with exit code {code}"
    try:
        return f"was stopped by {signal.Signals(-code).name}"
    except ValueError:
        return f"was stopped by signal {-code}"


_LAST_WORD = "postcards-"
"""How the one line begins with which a service says why it ends: the name of its program."""


def last_error(log: Path) -> str:
    """The line of a log that most likely says why a program ended.

    That is a service's own last word, else the last line that tells of an error, else the last.
    """
    try:
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    if not lines:
        return f"it wrote nothing to {log}"
    entries = [_entry(line) for line in lines[-200:]]
    grave = [text for level, text in entries if level in ("ERROR", "CRITICAL", "FATAL")]
    last = entries[-1][1]
    text = last if last.startswith(_LAST_WORD) or not grave else grave[-1]
    return f"{' '.join(text.split())[:400]} (whole log: {log})"


def _entry(line: str) -> tuple[str, str]:
    """Level and message of one log line; a line that is no JSON object has no level."""
    try:
        record: object = json.loads(line)
    except ValueError:
        return "", line
    if not isinstance(record, dict):
        return "", line
    fields = {str(key): str(value) for key, value in cast("dict[object, object]", record).items() if value is not None}
    message = fields.get("message") or fields.get("msg") or fields.get("event") or line
    return fields.get("level", fields.get("severity", "")).upper(), message
