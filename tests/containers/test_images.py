"""The images as a real engine runs them: locked in, healthy, obedient, and without what they need not have.

`make e2e` builds the images and runs this.
"""

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from postcards_serving.testing import eventually

ROOT = Path(__file__).parents[2]
SERVICES = ("image", "audio", "language", "composer")
IMAGES = (*SERVICES, "client")
PROGRAMS = {name: name for name in SERVICES} | {"client": "cli"}
"""What each image runs, and the package that it is for."""
REGISTRY = os.environ.get("POSTCARDS_REGISTRY", "postcards")
VERSION = os.environ.get("POSTCARDS_VERSION") or (ROOT / "VERSION").read_text(encoding="utf-8").strip()
LARGEST_MB = 450
LOCKED_IN = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=128")
STOP = "--stop-timeout=60"
STORE = "--mount=type=volume,destination=/var/lib/postcards"
SHELLS = ("sh", "bash", "dash", "busybox", "ash")
TOOLS = ("pip", "apt", "apt-get", "dpkg", "gcc", "cc", "curl", "wget", "perl", "ldconfig", "su", "mount")
SECRET_NAME = re.compile(r"(?i)secret|token|passw|api_?key|access_?key|credential")
PATIENCE = 120.0
"""Seconds that a busy machine may take for what it is asked."""

LOOK_AROUND = """
import json, os, sys
from importlib.metadata import distributions
from pathlib import Path

def refused(path):
    try:
        Path(path, "probe").write_text("x")
    except OSError as fault:
        return fault.strerror
    Path(path, "probe").unlink()

roots = ["/bin", "/etc", "/home", "/opt", "/root", "/sbin", "/tmp", "/usr", "/var", "/models"]
files = [str(path) for root in roots for path in Path(root).rglob("*")]
status = Path("/proc/1/status").read_text()
print(json.dumps({
    "user": os.getuid(), "group": os.getgid(), "groups": os.getgroups(),
    "command": Path("/proc/1/cmdline").read_text().split(chr(0))[:3],
    "first_user": status.split("Uid:")[1].split()[0],
    "capabilities": status.split("CapEff:")[1].split()[0],
    "refused": {path: refused(path) for path in ("/", "/usr/local/lib/python3.11/site-packages", "/etc", "/models")},
    "tmp": refused("/tmp"),
    "home": os.path.expanduser("~"),
    "packages": {each.name.lower().replace("_", "-"): each.version for each in distributions()},
    "files": files,
}))
"""

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif("POSTCARDS_CONTAINERS" not in os.environ, reason="builds and runs containers: make e2e"),
]


def docker(*arguments: str, code: int | None = 0) -> str:
    """What the engine's command line prints, errors included."""
    done = subprocess.run(
        ["docker", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert code is None or done.returncode == code, f"docker {' '.join(arguments)}: {done.stdout[-3000:]}"
    return done.stdout


def tag(name: str) -> str:
    return f"{REGISTRY}/{name}:{VERSION}"


@dataclass(frozen=True)
class Container:
    """A container under test."""

    id: str

    def state(self) -> dict[str, Any]:
        return json.loads(docker("inspect", self.id))[0]["State"]

    def logs(self) -> str:
        return docker("logs", self.id)

    def run(self, *command: str, code: int | None = 0) -> str:
        return docker("exec", self.id, *command, code=code)

    def health(self) -> str:
        return self.run("python", "-m", "postcards_serving.server.health_probe", code=None).strip()

    def look_around(self) -> dict[str, Any]:
        return json.loads(self.run("python", "-c", LOOK_AROUND))


@pytest.fixture(scope="module", autouse=True)
def images() -> dict[str, dict[str, Any]]:
    """What the engine knows of each image."""
    absent = [tag(name) for name in IMAGES if not docker("image", "ls", "--quiet", tag(name)).strip()]
    assert not absent, f"build them first: make images (absent: {', '.join(absent)})"
    return {name: json.loads(docker("image", "inspect", tag(name)))[0] for name in IMAGES}


@dataclass(frozen=True)
class Workshop:
    """Starts containers on a network of their own, and cleans up behind itself."""

    network: str
    started: list[str]

    def start(self, name: str, *options: str, **variables: str) -> Container:
        settings = [f"--env={key}={value}" for key, value in variables.items()]
        label = f"--network-alias={name}"
        command = ("run", "--detach", f"--network={self.network}", label, *LOCKED_IN, *settings, *options, tag(name))
        self.started.append(docker(*command).strip().splitlines()[-1])
        return Container(self.started[-1])


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    network = f"postcards-test-{uuid.uuid4().hex[:8]}"
    docker("network", "create", "--internal", network)
    made = Workshop(network, [])
    yield made
    if made.started:
        docker("rm", "--force", "--volumes", *made.started, code=None)
    docker("network", "rm", network, code=None)


@pytest.fixture(scope="module")
def running(workshop: Workshop) -> dict[str, Container]:
    """The four services, locked in, without a way out."""
    addresses = {f"POSTCARDS_{name.upper()}_ADDRESS": f"{name}:50051" for name in SERVICES[:3]}
    quick = {"POSTCARDS_DRAIN_PAUSE_SECONDS": "0.2"}
    parts = {name: workshop.start(name, STOP, **quick) for name in SERVICES[:3]}
    return parts | {"composer": workshop.start("composer", STOP, STORE, **quick, **addresses)}


@cache
def packed(name: str) -> dict[str, Any]:
    """What is in an image, before anything is mounted over it."""
    return json.loads(docker("run", "--rm", "--network=none", "--entrypoint=python", tag(name), "-c", LOOK_AROUND))


@pytest.mark.parametrize("name", IMAGES)
def test_light_images_are_light(images, name: str) -> None:
    assert images[name]["Size"] < LARGEST_MB * 1e6


@pytest.mark.parametrize("name", IMAGES)
def test_what_the_image_says_of_itself(images, name: str) -> None:
    settings = images[name]["Config"]
    assert settings["User"] == "65532:65532"
    assert settings["Entrypoint"] == ["python", "-m", f"postcards_{PROGRAMS[name]}"]
    assert not settings["Volumes"]
    assert settings["Labels"]["org.opencontainers.image.version"] == VERSION
    assert set(settings.get("ExposedPorts") or {}) == ({"50051/tcp", "9464/tcp"} if name != "client" else set())
    assert not [variable for variable in settings["Env"] if SECRET_NAME.search(variable.split("=")[0])]


@pytest.mark.parametrize("name", IMAGES)
def test_the_history_holds_few_layers_and_no_secret(images, name: str) -> None:
    # The root file system, the packages, our own code, and at most one empty folder.
    assert len(images[name]["RootFS"]["Layers"]) <= 4
    history = docker("history", "--no-trunc", "--format={{.CreatedBy}}", tag(name))
    assert not SECRET_NAME.search(history)


@pytest.mark.parametrize("name", SERVICES)
async def test_the_engine_finds_it_healthy(running, name: str) -> None:
    def healthy() -> bool:
        state = running[name].state()
        assert state["Running"], running[name].logs()
        return state["Health"]["Status"] == "healthy"

    await eventually(healthy, timeout=PATIENCE, interval=0.5)


@pytest.mark.parametrize("name", SERVICES)
def test_it_runs_locked_in(running, name: str) -> None:
    seen = running[name].look_around()
    assert (seen["user"], seen["group"], seen["first_user"]) == (65532, 65532, "65532")
    assert set(seen["groups"]) <= {65532}
    assert int(seen["capabilities"], 16) == 0
    assert seen["command"] == ["python", "-m", f"postcards_{name}"]
    assert all(seen["refused"].values())
    assert seen["tmp"] is None
    assert seen["home"] == "/tmp"  # noqa: S108


@pytest.mark.parametrize("name", IMAGES)
def test_it_holds_its_locked_packages_and_nothing_else(name: str) -> None:
    seen = packed(name)
    text = (ROOT / f"requirements/images/{name}.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;\\]+)", text, re.MULTILINE))
    ours = {each for each in seen["packages"] if each.startswith("postcards-")}
    assert f"postcards-{PROGRAMS[name]}" in ours
    assert not {f"postcards-{PROGRAMS[other]}" for other in IMAGES if other != name} & ours
    others = {(package, version) for package, version in seen["packages"].items() if package not in ours}
    assert others <= locked
    # Packages for other systems and other versions of Python are in the lock as well.
    elsewhere = {package for package, _ in locked} - {package for package, _ in others}
    assert elsewhere <= {"colorama", "httpx2-jsfetch", "networkx", "importlib-metadata", "zipp"}


@pytest.mark.parametrize("name", IMAGES)
def test_it_holds_no_shell_no_tools_and_nothing_private(name: str) -> None:
    seen = packed(name)
    names = {Path(path).name for path in seen["files"] if "/bin/" in path or "/sbin/" in path}
    assert not names & {*SHELLS, *TOOLS}
    private = re.compile(r"\.env|\.git(/|$)|id_rsa|\.pem$|\.key$|/secrets?(/|$)|\.netrc|pip\.conf|/tests?/")
    ours = "/site-packages/postcards"
    assert [path for path in seen["files"] if path.startswith("/usr/local/lib/python3.11") and ours in path]
    certificates = ("/certifi/cacert.pem", "/grpc/_cython/_credentials/roots.pem")
    assert not [path for path in seen["files"] if private.search(path) and not path.endswith(certificates)]
    assert "no such file" in docker("run", "--rm", "--entrypoint=/bin/sh", tag(name), "-c", "true", code=127)


def test_together_they_make_a_postcard(workshop, running) -> None:
    del running
    options = ("--rm", f"--network={workshop.network}", *LOCKED_IN)
    made = docker("run", *options, tag("client"), "create", "--address=composer:50051", "--seed=7", "--json", "--quiet")
    card = json.loads(made[made.index("{") :])
    assert card["state"] == "ACTIVE"


async def test_the_shipped_model_runs_in_the_light_image(workshop) -> None:
    container = workshop.start("image", POSTCARDS_IMAGE_ENGINE="ddpm", POSTCARDS_DRAIN_PAUSE_SECONDS="0")
    await until_serving(container)


async def test_what_the_image_does_not_hold_is_said_and_waited_for(workshop) -> None:
    container = workshop.start("image", POSTCARDS_IMAGE_ENGINE="stable-diffusion")

    def told() -> bool:
        assert container.state()["Running"], container.logs()
        return "cannot start" in container.logs()

    await eventually(told, timeout=PATIENCE, interval=0.3)
    assert container.health().endswith(": NOT_SERVING")


@pytest.mark.parametrize("name", SERVICES)
def test_a_wrong_setting_ends_it_with_one_line(name: str) -> None:
    said = docker("run", "--rm", "--network=none", *LOCKED_IN, "--env=POSTCARDS_PORT=harbour", tag(name), code=2)
    assert said.startswith(f"postcards-{name}: POSTCARDS_PORT: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", SERVICES[::-1])
async def test_sigterm_to_the_first_process_ends_it_in_order(running, name: str) -> None:
    container = running[name]
    await until_serving(container)
    docker("stop", container.id)
    assert container.state()["ExitCode"] == 0
    last = [json.loads(line) for line in container.logs().splitlines() if line.startswith("{")][-1]
    assert last["message"] == "stopped"


async def until_serving(container: Container) -> None:
    def serves() -> bool:
        assert container.state()["Running"], container.logs()
        return container.health().endswith(": SERVING")

    await eventually(serves, timeout=PATIENCE, interval=0.3)
