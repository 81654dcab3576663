"""kill -9 at every stage: what was accepted is finished by the next process."""

import asyncio
import fcntl
import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc

from postcards_composer.postcards.manifest import Manifest, PartKind, PartState, PostcardState
from postcards_composer.postcards.manifest_json import load
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.testing import eventually

MADE_BEFORE = {
    "accepted": [],
    "picture": ["language", "audio"],
    "phrase": [],
    "call": ["image", "language"],
    "card": ["image", "language", "audio"],
}
"""What a composer had made when it was killed at a stage, and nobody makes again."""
ACTIVE = composer_pb2.POSTCARD_STATE_ACTIVE


@dataclass
class ComposerProcess:
    """A composer in a process of its own."""

    process: asyncio.subprocess.Process
    stub: composer_pb2_grpc.PostcardServiceStub

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def create(self, request_id: str) -> composer_pb2.Postcard:
        request = composer_pb2.CreatePostcardRequest(request_id=request_id, seed=3)
        return (await self.stub.CreatePostcard(request, wait_for_ready=True)).postcard

    async def finished(self, postcard_id: str) -> composer_pb2.Postcard:
        request = composer_pb2.WatchPostcardRequest(id=postcard_id)
        call = self.stub.WatchPostcard(request, wait_for_ready=True, timeout=60)
        return [event async for event in call][-1].postcard


Starting = Callable[[], Awaitable[ComposerProcess]]


@pytest.fixture
async def start(parts_address: str, folder: Path) -> AsyncIterator[Starting]:
    """Starts composers over the same folder."""
    started: list[ComposerProcess] = []
    channels: list[grpc.aio.Channel] = []

    async def start_one() -> ComposerProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "postcards_composer",
            stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "OMP_NUM_THREADS": "1",
                "POSTCARDS_PORT": "0",
                "POSTCARDS_METRICS_PORT": "0",
                "POSTCARDS_STORE_URL": folder.as_uri(),
                "POSTCARDS_IMAGE_ADDRESS": parts_address,
                "POSTCARDS_AUDIO_ADDRESS": parts_address,
                "POSTCARDS_LANGUAGE_ADDRESS": parts_address,
                "POSTCARDS_LEASE_SECONDS": "0.5",
                "POSTCARDS_RECOVERY_INTERVAL_SECONDS": "0.1",
                "POSTCARDS_WATCH_INTERVAL_SECONDS": "0.05",
                "POSTCARDS_FINISH_SECONDS": "0",
            },
        )
        channel = open_channel(f"127.0.0.1:{await port_of(process)}")
        channels.append(channel)
        composer = ComposerProcess(process, composer_pb2_grpc.PostcardServiceStub(channel))
        started.append(composer)
        return composer

    yield start_one
    for composer in started:
        if composer.process.returncode is None:
            await composer.kill()
    for channel in channels:
        await channel.close()


async def port_of(process: asyncio.subprocess.Process) -> int:
    """The port that a composer says it serves on; the rest of its log is read away."""
    assert process.stderr is not None
    lines = []
    while line := await process.stderr.readline():
        lines.append(line.decode())
        said = json.loads(line) if line.startswith(b"{") else {}
        if said.get("message") == "serving":
            keeper = asyncio.create_task(process.stderr.read())
            keepers.add(keeper)
            keeper.add_done_callback(keepers.discard)
            return said["port"]
    raise AssertionError("".join(lines))


keepers: set[asyncio.Task[bytes]] = set()


def manifest_of(folder: Path, postcard_id: str) -> Manifest | None:
    path = folder / "postcards" / postcard_id / "manifest.json"
    return load(path.read_bytes()) if path.exists() else None


def done(folder: Path, postcard_id: str, *kinds: PartKind) -> bool:
    manifest = manifest_of(folder, postcard_id)
    return manifest is not None and all(manifest.part(kind).state is PartState.DONE for kind in kinds)


def check_files(folder: Path, postcard: composer_pb2.Postcard) -> None:
    assert len(postcard.files) == 7
    for file in postcard.files:
        data = (folder / "postcards" / postcard.id / file.name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file.sha256


@asynccontextmanager
async def killed_at(stage: str, start: Starting, folder: Path, parts) -> AsyncIterator[str]:
    """A composer that was killed at a stage of making a postcard; yields the postcard's id."""
    gates = {"accepted": (), "picture": ("image",), "phrase": ("language",), "call": ("audio",), "card": ()}[stage]
    gate = parts.hold(*gates)
    composer = await start()
    postcard = await composer.create("crash")
    if gates:
        await gate.reached.wait()
    if stage == "picture":
        await eventually(lambda: done(folder, postcard.id, PartKind.LANGUAGE, PartKind.AUDIO))
    if stage == "call":
        await eventually(lambda: done(folder, postcard.id, PartKind.IMAGE, PartKind.LANGUAGE))
    if stage == "card":
        await eventually(lambda: done(folder, postcard.id, *PartKind), interval=0.001)
    await composer.kill()
    yield postcard.id


@pytest.mark.parametrize("stage", ["accepted", "picture", "phrase", "call", "card"])
async def test_what_was_accepted_is_finished_after_a_kill(start, folder: Path, parts, stage: str):
    async with killed_at(stage, start, folder, parts) as postcard_id:
        composer = await start()
        postcard = await composer.finished(postcard_id)

    assert postcard.state == ACTIVE
    check_files(folder, postcard)
    again = await composer.create("crash")
    assert again.id == postcard_id
    for name in MADE_BEFORE[stage]:
        assert len(getattr(parts, f"{name}_requests")) == 1, name
    await eventually(lambda: not (folder / "pending").exists())


@pytest.mark.long
async def test_a_postcard_outlives_many_kills(start, folder: Path):
    times = random.Random(5)  # noqa: S311
    first = await start()
    ids = [(await first.create(f"many-{number}")).id for number in range(4)]
    for _ in range(3):
        await asyncio.sleep(times.uniform(0.05, 0.6))
        await first.kill()
        first = await start()

    postcards = [await first.finished(postcard_id) for postcard_id in ids]

    assert [postcard.state for postcard in postcards] == [ACTIVE] * 4
    for postcard in postcards:
        check_files(folder, postcard)
    listed = await first.stub.ListPostcards(composer_pb2.ListPostcardsRequest())
    assert [postcard.id for postcard in listed.postcards] == ids[::-1]


def put_to_sleep(composer: ComposerProcess, folder: Path) -> bool:
    """Stops a composer, but not while it holds a lock of the folder, which would stop everybody."""
    composer.process.send_signal(signal.SIGSTOP)
    for path in (folder / ".scratch").glob("*.lock"):
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                composer.process.send_signal(signal.SIGCONT)
                return False
    return True


async def test_who_slept_through_its_lease_changes_nothing(start, folder: Path, parts):
    gate = parts.hold("image")
    sleeper = await start()
    postcard = await sleeper.create("sleep")
    await gate.reached.wait()
    await eventually(lambda: put_to_sleep(sleeper, folder))
    other = await start()
    finished = await other.finished(postcard.id)
    before = (folder / "postcards" / postcard.id / "manifest.json").read_bytes()

    gate.opened.set()
    sleeper.process.send_signal(signal.SIGCONT)

    assert (await sleeper.finished(postcard.id)) == finished
    assert (await sleeper.finished((await sleeper.create("awake")).id)).state == ACTIVE
    assert (folder / "postcards" / postcard.id / "manifest.json").read_bytes() == before
    check_files(folder, finished)


async def test_on_sigterm_the_lease_is_given_back(start, folder: Path, parts):
    gate = parts.hold("image")
    composer = await start()
    postcard = await composer.create("term")
    await gate.reached.wait()

    composer.process.send_signal(signal.SIGTERM)

    assert await composer.process.wait() == 0
    manifest = manifest_of(folder, postcard.id)
    assert manifest is not None
    assert (manifest.state, manifest.lease) == (PostcardState.CREATING, None)
