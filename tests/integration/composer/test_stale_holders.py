"""Who has lost a lease and does not know it yet: stopped before any write, it wakes after another has finished."""

import hashlib
import io
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image
from postcards.composer.v1 import composer_pb2
from prometheus_client import CollectorRegistry

from postcards_composer.making.recovery import MAX_TAKEOVERS, Recovery
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.postcards import clock
from postcards_composer.postcards.manifest import LeaseRecord
from postcards_composer.store.folder import FolderStore
from postcards_serving.testing import eventually

ACTIVE = composer_pb2.POSTCARD_STATE_ACTIVE
NAMES = ["image.png", "preview.webp", "phrase.json", "call.flac", "call.mp3", "card.html", "card.png"]


class StoppingStore(FolderStore):
    """A folder whose user stands still from the moment when it would write a certain file: a frozen machine."""

    def __init__(self, root: Path, stop_before: str) -> None:
        super().__init__(root)
        self._stop_before = stop_before
        self.stopped = threading.Event()
        self.awake = threading.Event()

    def put(self, key, data, content_type, **conditions):
        if key.endswith(self._stop_before):
            self.stopped.set()
        if self.stopped.is_set():
            self.awake.wait(60)
        return super().put(key, data, content_type, **conditions)


def other_png() -> bytes:
    """A picture of other bytes than the first one: a GPU, or an API, never gives the same twice."""
    out = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(out, "PNG")
    return out.getvalue()


def check_files(folder: Path, postcard: composer_pb2.Postcard) -> None:
    """Every file is what the manifest says, where it says and where people look for it."""
    assert len(postcard.files) == len(NAMES)
    for file in postcard.files:
        plain = folder / "postcards" / postcard.id / file.name
        assert hashlib.sha256(plain.read_bytes()).hexdigest() == file.sha256, file.name
        assert plain.resolve().as_uri() == file.url


@pytest.mark.parametrize("name", NAMES)
async def test_who_wakes_before_a_write_tears_nothing(open_replica, parts, folder: Path, name: str):
    store = StoppingStore(folder, name)
    sleeper = await open_replica(store, lease_seconds=0.5)
    postcard = await sleeper.create()
    await eventually(store.stopped.is_set)
    parts.png = other_png()
    other = await open_replica(lease_seconds=0.5)
    finished = await other.finished(postcard.id)
    assert finished.state == ACTIVE
    check_files(folder, finished)

    store.awake.set()
    await eventually(lambda: sleeper.count("postcards_in_flight") == 0)

    assert await other.get(postcard.id) == finished
    check_files(folder, finished)


async def test_a_repair_leaves_nothing_of_what_it_replaced(replica, folder: Path):
    postcard = await replica.made()
    place = folder / "postcards" / postcard.id
    (place / "image.png").resolve().unlink()
    await replica.stub.RepairPostcard(composer_pb2.RepairPostcardRequest(id=postcard.id))

    finished = await replica.finished(postcard.id)

    check_files(folder, finished)
    named = {Path(unquote(urlsplit(file.url).path)) for file in finished.files}
    await eventually(lambda: {path for path in place.glob("*/*") if path.is_file()} == named)


async def test_restarts_in_good_order_are_no_takeovers(open_replica, parts):
    """However often a process gives its lease back, the postcard is none that silences who makes it."""
    gate = parts.hold(*["image"] * (MAX_TAKEOVERS + 3))
    replica = await open_replica()
    postcard = await replica.create()
    for _ in range(MAX_TAKEOVERS + 1):
        await gate.reached.wait()
        gate.reached.clear()
        await replica.composer.drain()
        replica = await open_replica()
    gate.opened.set()

    assert (await replica.finished(postcard.id)).state == ACTIVE


async def test_a_clock_that_is_ahead_takes_nothing_from_who_makes_it(open_replica, parts):
    maker = await open_replica(lease_seconds=30, recovery_interval_seconds=600)
    gate = parts.hold("image", "language")
    postcard = await maker.create()
    # Both are asked: nothing changes the manifest any more until the gate opens.
    await eventually(lambda: len(parts.image_requests) == len(parts.language_requests) == 1)
    archive = maker.composer.operations.archive
    kept = await archive.load(postcard.id)
    long_ago = LeaseRecord(maker.composer._jobs.holder, clock.now() - timedelta(minutes=10))
    job = maker.composer._jobs._jobs[postcard.id]
    job._lease._kept = await archive.replace(kept, replace(kept.manifest, lease=long_ago))
    other = await open_replica(recovery_interval_seconds=600)
    moment = 0.0
    recovery = Recovery(
        archive,
        other.composer._jobs,
        ComposerMetrics(CollectorRegistry()),
        lease_seconds=30,
        interval=1,
        monotonic=lambda: moment,
    )

    await recovery.look()
    moment = 29.0
    await recovery.look()

    assert not other.composer._jobs.is_making(postcard.id)
    gate.opened.set()
    assert (await maker.finished(postcard.id)).state == ACTIVE
    assert len(parts.image_requests) == 1
