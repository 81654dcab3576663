"""Fetches a model into the hub's cache: exactly the files that an engine needs, each checked, each taken up where it
broke off.

The cache is laid out as the hub's own client does it, so that whatever reads that cache finds the model. That client is
not used to fetch: it starts a file anew when its process was ended, and needs the libraries of the model engines.
"""

import asyncio
import errno
import hashlib
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from postcards_weights.cache import UNFINISHED, Cache
from postcards_weights.catalog import Model, Need, missing, wanted
from postcards_weights.files import is_pickled
from postcards_weights.hub_api import FetchFailed, Hub, Listing, RemoteFile

SPARE_BYTES = 256 * 1024 * 1024
"""Room that is left on the disk."""

_AT_ONCE = 4
_MARK = ".postcards"
_GIT_HASH_LENGTH = 40
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Order:
    """What is to be fetched of a model."""

    model: Model
    """The model."""
    listing: Listing
    """Its files on the hub."""
    files: tuple[RemoteFile, ...]
    """Those that the engine needs."""
    absent: tuple[RemoteFile, ...]
    """Those of them that are not in the cache."""
    held: Mapping[str, int]
    """Bytes that were fetched of absent ones before, by path."""

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.size for file in self.files)

    @property
    def held_bytes(self) -> int:
        """What was fetched of the absent ones before."""
        return sum(self.held.values())

    @property
    def absent_bytes(self) -> int:
        """What is still to come."""
        return sum(file.size for file in self.absent) - self.held_bytes


class Watcher(Protocol):
    """Is told how a download gets on."""

    def came(self, file: RemoteFile, count: int) -> None:
        """`count` bytes of a file have come in; negative when some must come again."""
        ...

    def done(self, file: RemoteFile) -> None:
        """A file is whole."""
        ...


async def prepare(hub: Hub, cache: Cache, model: Model) -> Order:
    """Looks what has to be fetched.

    Raises:
        FetchFailed: the hub does not say, or what it has cannot be loaded.
    """
    listing = await hub.listing(model.model_id, model.revision)
    paths = [file.path for file in listing.files]
    needs = next((needs for needs in model.variants if not missing(needs, paths)), None)
    if needs is None:
        raise FetchFailed(_unfit(model, missing(model.variants[-1], paths), paths), "MODEL_UNFIT")
    return order_of(cache, model, listing, wanted(needs, paths))


def order_of(cache: Cache, model: Model, listing: Listing, paths: Collection[str]) -> Order:
    """What has to be fetched so that these files of a model are in the cache."""
    chosen = set(paths)
    files = tuple(file for file in listing.files if file.path in chosen)
    home = cache.home(model.model_id)
    snapshot = home / "snapshots" / listing.commit
    absent = tuple(file for file in files if _size(snapshot / file.path) != file.size)
    held = {file.path: _held(home, file) for file in absent}
    return Order(model, listing, files, absent, held)


def check_room(cache: Cache, orders: list[Order]) -> None:
    """Makes sure that there is room for everything.

    Raises:
        FetchFailed: there is not; nothing was written.
        OSError: the cache's folder cannot be made.
    """
    needed = sum(order.absent_bytes for order in orders)
    cache.folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache.folder).free
    if needed and free < needed + SPARE_BYTES:
        raise FetchFailed(
            f"{needed / 1e9:.1f} GB are needed in {cache.folder} and {free / 1e9:.1f} GB are free: make room, or set "
            "HF_HOME to a folder on another disk",
            "DISK_FULL",
        )


async def fetch(hub: Hub, cache: Cache, order: Order, watcher: Watcher) -> Path:
    """Fetches what is absent; the folder of the snapshot.

    Raises:
        FetchFailed: not everything came; what came is kept, and the next call goes on from there.
    """
    home = cache.home(order.model.model_id)
    commit = order.listing.commit
    snapshot = home / "snapshots" / commit
    places = asyncio.Semaphore(_AT_ONCE)
    # Files that are alike share one blob: the second waits for the first.
    turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def one(file: RemoteFile) -> None:
        async with turns[file.blob], places:
            blob = _blob(home, file)
            if _size(blob) != file.size:
                await _fetch_blob(hub, order, file, home, watcher)
            _link(blob, snapshot / file.path)
            watcher.done(file)

    with _words_for_the_disk(cache):
        # Who looks while it is being fetched, or after it broke off, sees from the listing that files are missing.
        _write(home / "trees" / f"{commit}.json", _tree(order.listing))
        try:
            async with asyncio.TaskGroup() as group:
                for file in order.absent:
                    group.create_task(one(file))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        refs = home / "refs"
        if order.model.revision != commit:
            _write(refs / order.model.revision, commit)
        elif not (refs / "main").exists():
            # Programs that name no revision find this one.
            _write(refs / "main", commit)
    return snapshot


async def _fetch_blob(hub: Hub, order: Order, file: RemoteFile, home: Path, watcher: Watcher) -> None:
    """Brings one file to its place in `blobs`. One that arrived damaged is fetched once more."""
    partial = _partial(home, file)
    partial.parent.mkdir(parents=True, exist_ok=True)
    with _held_alone(partial, order.model.model_id):
        for _ in range(2):
            await hub.download(
                order.model.model_id, order.listing.commit, file, partial, lambda count: watcher.came(file, count)
            )
            if await asyncio.to_thread(_hash, partial, file) == file.blob:
                partial.replace(_blob(home, file))
                return
            watcher.came(file, -file.size)
            partial.write_bytes(b"")
    raise FetchFailed(f"{file.path} of {order.model.model_id} arrived damaged, twice", "DAMAGED")


@contextmanager
def _held_alone(partial: Path, model_id: str) -> Generator[None]:
    """Keeps other processes from writing the same file, where the system can."""
    with partial.open("ab") as held:
        if not _lock(held):
            raise FetchFailed(f"another process is fetching {model_id} into the same cache", "BUSY")
        yield


def _lock(file: BinaryIO) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network disks know no locks.
        return True
    return True


@contextmanager
def _words_for_the_disk(cache: Cache) -> Generator[None]:
    try:
        yield
    except OSError as fault:
        if fault.errno not in _NO_ROOM:
            raise
        raise FetchFailed(
            f"the disk of {cache.folder} is full: make room and go on with the same command", "DISK_FULL"
        ) from None


def _blob(home: Path, file: RemoteFile) -> Path:
    return home / "blobs" / file.blob


def _partial(home: Path, file: RemoteFile) -> Path:
    return home / "blobs" / f"{file.blob}{_MARK}{UNFINISHED}"


def _held(home: Path, file: RemoteFile) -> int:
    return file.size if _size(_blob(home, file)) == file.size else _size(_partial(home, file))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _hash(path: Path, file: RemoteFile) -> str:
    """What the file is called if it is whole: git's name for a small one holds its length too."""
    if len(file.blob) == _GIT_HASH_LENGTH:
        return hashlib.sha1(b"blob %d\0" % path.stat().st_size + path.read_bytes(), usedforsecurity=False).hexdigest()
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _link(blob: Path, pointer: Path) -> None:
    if pointer.is_file() and pointer.samefile(blob):
        return
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.unlink(missing_ok=True)
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:
        # Windows allows links to developers only.
        shutil.copyfile(blob, pointer)


def _tree(listing: Listing) -> str:
    files = {file.path: dict(file.about) for file in sorted(listing.files, key=lambda file: file.path)}
    return json.dumps({"format_version": 1, "files": files}, indent=1)


def _write(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _unfit(model: Model, lacking: list[Need], paths: list[str]) -> str:
    """Why a model on the hub cannot be loaded."""
    name = lacking[0].choices[0]
    pickled = list(filter(is_pickled, paths))
    if pickled and name.endswith((".safetensors", ".onnx")):
        return (
            f"{model.model_id} has only pickled weights ({pickled[0]}), which can run code and are never loaded; "
            "--revision names another commit or branch that has safetensors"
        )
    return f"{model.model_id} is no model that this engine can load: it has no {name}"
