"""The whole system in containers, as docker-compose.yml describes it, asked and broken from outside.

The store is SeaweedFS (deploy/e2e), built from PyPI. `make e2e` builds the images and runs this.
"""

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from postcards.composer.v1 import composer_pb2

from free_ports import free_ports
from postcards_client import PostcardsClient
from postcards_client.downloads import download
from postcards_client.errors import Unavailable
from postcards_serving.testing import eventually

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "deploy/e2e/compose.yml")
SERVERS = ("image", "audio", "language", "composer")
ACTIVE = composer_pb2.POSTCARD_STATE_ACTIVE
SMALL = composer_pb2.ImageSettings(width=128, height=128)
PATIENCE = 240.0
"""Seconds that a busy machine may take for what it is asked."""
QUICK = {
    "POSTCARDS_HEALTH_SECONDS": "5",
    "POSTCARDS_DRAIN_PAUSE_SECONDS": "0.2",
    "POSTCARDS_MAX_CONNECTION_AGE_SECONDS": "3",
    "POSTCARDS_LEASE_SECONDS": "3",
    "POSTCARDS_RECOVERY_INTERVAL_SECONDS": "1",
}
"""Nobody shall wait here for what takes its time with users."""

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif("POSTCARDS_CONTAINERS" not in os.environ, reason="builds and runs containers: make e2e"),
]


@dataclass(frozen=True)
class Stack:
    """One run of the Compose files."""

    environment: dict[str, str]
    composer_port: int
    store_port: int

    def compose(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        files = [argument for name in FILES for argument in ("-f", name)]
        command = ["docker", "compose", *files, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, check=False, **options)
        assert done.returncode == 0, f"{command}: {done.stderr.decode()[-3000:]}"
        return done

    def up(self, *arguments: str) -> None:
        self.compose("up", "--detach", "--wait", "--no-build", *arguments)

    def ids(self, service: str) -> list[str]:
        """Containers of a service that run."""
        return self.compose("ps", "--quiet", service).stdout.decode().split()

    def inspect(self, container: str) -> dict[str, Any]:
        return json.loads(docker("inspect", container, environment=self.environment))[0]

    def crash(self, service: str) -> None:
        """Ends the process of a service as the kernel would; the restart policy has to bring it back."""
        (container,) = self.ids(service)
        pid = self.inspect(container)["State"]["Pid"]
        control = Path(f"/proc/{pid}/cgroup")
        # The engine may be on another machine, where this number means another process.
        if os.geteuid() == 0 and control.exists() and container in control.read_text():
            os.kill(pid, 9)
        else:
            docker("kill", "--signal", "KILL", container, environment=self.environment)
            docker("start", container, environment=self.environment)

    def starts(self, service: str) -> list[str]:
        return [self.inspect(container)["State"]["StartedAt"] for container in self.ids(service)]

    def python(self, container: str, program: str) -> str:
        return docker("exec", container, "python", "-c", program, environment=self.environment)

    def metric(self, container: str, pattern: str) -> float:
        """Sum of the series of one replica whose whole name, labels included, matches."""
        url = "http://127.0.0.1:9464/metrics"
        text = self.python(container, f"import urllib.request as r; print(r.urlopen('{url}').read().decode())")
        return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", text, re.MULTILINE))


def docker(*arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(["docker", *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The system, up and healthy; torn down with its volumes."""
    if shutil.which("docker") is None or subprocess.run(["docker", "version"], capture_output=True).returncode:
        pytest.skip("no Docker engine answers: see docker version")
    composer_port, store_port = free_ports(2)
    named = {"COMPOSE_PROJECT_NAME": f"postcards-e2e-{os.urandom(4).hex()}"}
    ports = {"POSTCARDS_COMPOSER_PORT": str(composer_port), "POSTCARDS_STORE_PORT": str(store_port)}
    stack = Stack(os.environ | named | ports | QUICK, composer_port, store_port)
    failed = request.session.testsfailed
    try:
        stack.up()
        yield stack
    finally:
        # What the containers said is of interest where something went wrong.
        if request.session.testsfailed > failed or sys.exc_info()[0] is not None:
            capture = request.config.pluginmanager.getplugin("capturemanager")
            with capture.global_and_fixture_disabled():
                print(stack.compose("logs", "--no-color", "--tail", "150").stdout.decode(), file=sys.stderr)
        stack.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")


@pytest_asyncio.fixture
async def client(stack: Stack) -> AsyncGenerator[PostcardsClient]:
    async with PostcardsClient(f"127.0.0.1:{stack.composer_port}", deadline=PATIENCE) as client:
        yield client


async def accepted(client: PostcardsClient, count: int) -> list[str]:
    """Ids of postcards that were accepted just now."""
    made = await asyncio.gather(*(client.create(image=SMALL) for _ in range(count)))
    return [postcard.id for postcard in made]


async def ended(client: PostcardsClient, ids: list[str]) -> list[composer_pb2.Postcard]:
    """The postcards once all of them are finished; a composer that is away for a while is asked again."""

    async def all_ended() -> list[composer_pb2.Postcard]:
        try:
            found = await asyncio.gather(*map(client.get, ids))
        except Unavailable:
            return []
        creating = composer_pb2.POSTCARD_STATE_CREATING
        return [] if any(postcard.state == creating for postcard in found) else found

    return await eventually(all_ended, timeout=PATIENCE, interval=0.3)


def states(postcards: list[composer_pb2.Postcard]) -> set[str]:
    return {composer_pb2.PostcardState.Name(postcard.state) for postcard in postcards}


async def working(stack: Stack, service: str) -> None:
    """Waits until a service has work in hand."""
    pattern = "postcards_in_flight" if service == "composer" else "postcards_in_flight_rows"
    (container,) = stack.ids(service)
    await eventually(lambda: stack.metric(container, pattern) >= 1, timeout=PATIENCE)


async def test_a_postcard_made_from_outside_is_read_through_its_presigned_urls(
    stack: Stack, client: PostcardsClient, tmp_path: Path
) -> None:
    postcard = await client.make(seed=7, image=SMALL)
    assert postcard.state == ACTIVE
    assert {file.name for file in postcard.files} >= {"image.png", "call.flac", "phrase.json", "card.html"}
    paths = await download(postcard, tmp_path)
    for file in postcard.files:
        assert file.url.startswith(f"http://127.0.0.1:{stack.store_port}/"), file.name
        assert hashlib.sha256(paths[file.name].read_bytes()).hexdigest() == file.sha256, file.name
    signed = postcard.files[0].url
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(signed)).status_code == 200
        for forged in (signed[:-1] + ("0" if signed[-1] != "0" else "1"), signed.partition("?")[0]):
            assert (await http.get(forged)).status_code == 403


def test_containers_are_locked_in_and_published_on_loopback_alone(stack: Stack) -> None:
    for service in (*SERVERS, "store"):
        (container,) = stack.ids(service)
        told = stack.inspect(container)
        addresses = [
            binding["HostIp"] for bound in told["NetworkSettings"]["Ports"].values() for binding in bound or []
        ]
        assert addresses == (["127.0.0.1"] if service in ("composer", "store") else []), service
        assert told["State"]["Health"]["Status"] == "healthy", service
        secrets = [line for line in told["Config"]["Env"] if re.match(r"[A-Z_]*(KEY|PASSWORD|SECRET)=", line)]
        assert not secrets, service
        trial = "import os; print(os.getuid(), open('/proc/self/status').read()); open('/here', 'w')"
        with pytest.raises(AssertionError, match="Read-only file system"):
            stack.python(container, trial)
        status = stack.python(container, "import os; print(os.getuid(), open('/proc/self/status').read())")
        assert status.startswith("65532 "), service
        assert re.search(r"CapEff:\s+0{16}\n", status), service
        assert re.search(r"CapBnd:\s+0{16}\n", status), service
        assert re.search(r"NoNewPrivs:\s+1\n", status), service


@pytest.mark.parametrize("service", ["image", "audio", "language"])
def test_engines_stand_where_the_world_cannot_be_reached(stack: Stack, service: str) -> None:
    (container,) = stack.ids(service)
    networks = stack.inspect(container)["NetworkSettings"]["Networks"]
    assert [json.loads(docker("network", "inspect", name))[0]["Internal"] for name in networks] == [True]


@pytest.mark.parametrize("service", ["image", "composer", "store"])
async def test_nothing_accepted_is_lost_when_a_container_dies_at_work(
    stack: Stack, client: PostcardsClient, service: str
) -> None:
    before = stack.starts(service)
    ids = await accepted(client, 3)
    await working(stack, "composer" if service == "store" else service)
    stack.crash(service)
    postcards = await ended(client, ids)
    assert states(postcards) == {"POSTCARD_STATE_ACTIVE"}
    assert stack.starts(service) != before
    assert {postcard.id for postcard in postcards} == set(ids)


async def test_work_spreads_over_new_replicas_and_leaves_those_that_go(stack: Stack, client: PostcardsClient) -> None:
    composer_since = stack.starts("composer")
    stack.up("--no-recreate", "--scale", "image=3")
    replicas = stack.ids("image")
    assert len(replicas) == 3
    done = r'grpc_server_handled_total\{grpc_code="OK",grpc_method="GenerateImage",[^}]*\}'

    async def all_have_worked() -> bool:
        postcards = await ended(client, await accepted(client, 4))
        assert states(postcards) == {"POSTCARD_STATE_ACTIVE"}
        return all(stack.metric(replica, done) >= 1 for replica in replicas)

    assert await eventually(all_have_worked, timeout=PATIENCE)
    ids = await accepted(client, 3)
    stack.up("--no-recreate", "--scale", "image=1")
    assert len(stack.ids("image")) == 1
    assert states(await ended(client, ids)) == {"POSTCARD_STATE_ACTIVE"}
    assert stack.starts("composer") == composer_since


async def test_saved_postcards_come_back_with_other_keys(stack: Stack, client: PostcardsClient) -> None:
    kept = (await client.list(page_size=100)).postcards
    address = (await client.get(kept[0].id)).files[0].url
    stack.compose("stop", "composer", "store")
    archive = stack.compose("run", "--rm", "--no-deps", "-T", "keeper", "save").stdout
    stack.compose("down", "--volumes", "--timeout", "20")
    stack.compose("run", "--rm", "--no-deps", "-T", "keeper", "restore", input=archive)
    stack.up()
    restored = (await client.list(page_size=100)).postcards
    assert [postcard.id for postcard in restored] == [postcard.id for postcard in kept]
    file = (await client.get(kept[0].id)).files[0]
    async with httpx.AsyncClient(trust_env=False) as http:
        read = await http.get(file.url)
        assert hashlib.sha256(read.content).hexdigest() == file.sha256
        assert (await http.get(address)).status_code == 403
    assert (await client.make(image=SMALL)).state == ACTIVE


def test_every_service_ends_in_order_when_it_is_told_to(stack: Stack) -> None:
    running = {service: stack.ids(service) for service in SERVERS}
    stack.compose("stop", *SERVERS)
    for service, containers in running.items():
        assert [stack.inspect(container)["State"]["ExitCode"] for container in containers] == [0], service
