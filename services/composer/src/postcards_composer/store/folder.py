"""A store in a folder: one file per object.

A write goes to a temporary file, is synced, and is renamed into place, so that no reader and no crash ever sees half an
object. Conditions are decided under an advisory lock per key, which the system releases when its holder dies; so
several processes may share a folder. A process that is stopped, not dead, in the middle of a write keeps its lock:
writes of others to that key then fail as unavailable, after a while. For replicas on several machines use a bucket.
"""

import errno
import fcntl
import hashlib
import heapq
import os
import secrets
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from postcards_composer.store.objects import (
    NotFound,
    ObjectInfo,
    PreconditionFailed,
    StoredObject,
    StoreFull,
    StoreUnavailable,
    check_conditions,
    check_key,
    check_prefix,
)

LOCK_TIMEOUT_SECONDS = 10.0
_LOCK_COUNT = 256
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FolderStore:
    """An `ObjectStore` in a local folder. The etag of an object is the SHA-256 of its bytes."""

    def __init__(self, root: Path) -> None:
        """Keeps objects below `root`, which `prepare` makes where it is missing."""
        self._root = root.expanduser().absolute()
        self._scratch = self._root / ".scratch"

    def prepare(self) -> None:
        """Makes the folder, and removes what interrupted writes left in it."""
        with _errors(self._root):
            self._scratch.mkdir(parents=True, exist_ok=True)
            # Another process may be between write and rename: only what is older than any write is litter.
            for litter in self._scratch.glob("*.part"):
                with suppress(FileNotFoundError):
                    if time.time() - litter.stat().st_mtime > 60 * LOCK_TIMEOUT_SECONDS:
                        litter.unlink()

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,  # noqa: ARG002 - a file tells its type by its name
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> str:
        """Writes an object; see `ObjectStore.put`."""
        check_conditions(if_absent=if_absent, if_match=if_match)
        path = self._path(key)
        with _errors(path), self._lock(key):
            if if_absent and path.exists():
                raise PreconditionFailed(f"{key} exists already")
            if if_match is not None and _etag_of(path) != if_match:
                raise PreconditionFailed(f"{key} has changed")
            self._replace(path, data)
        return hashlib.sha256(data).hexdigest()

    def get(self, key: str) -> StoredObject:
        """Reads an object; see `ObjectStore.get`."""
        path = self._path(key)
        with _errors(path):
            data = _read(path)
        if data is None:
            self._check_root()
            raise NotFound(f"no {key} in {self._root}")
        return StoredObject(data, hashlib.sha256(data).hexdigest())

    def stat(self, key: str) -> ObjectInfo:
        """Tells about an object; see `ObjectStore.stat`."""
        stored = self.get(key)
        return ObjectInfo(key, len(stored.data), stored.etag)

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[str]:
        """Lists keys; see `ObjectStore.list`."""
        check_prefix(prefix)
        folder, slash, _ = prefix.rpartition("/")
        with _errors(self._root):
            below = self._keys(str(self._root / folder), folder + slash)
            first = heapq.nsmallest(limit, (key for key in below if key.startswith(prefix) and key > start_after))
        self._check_root()
        return first

    def delete(self, key: str) -> None:
        """Removes an object, and the folders that it leaves empty; see `ObjectStore.delete`."""
        path = self._path(key)
        with _errors(path), self._lock(key):
            with suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
                _sync_folder(path.parent)
            for folder in path.parents:
                if folder == self._root:
                    break
                try:
                    folder.rmdir()
                except OSError:
                    break

    def show(self, names: Mapping[str, str]) -> None:
        """Links each name to its object, relatively, so that the folder may be moved; see `ObjectStore.show`."""
        for name, key in names.items():
            link, target = self._path(name), self._path(key)
            part = self._scratch / f"{secrets.token_hex(12)}.part"
            with suppress(OSError):
                part.symlink_to(os.path.relpath(target, link.parent))
                try:
                    part.replace(link)
                finally:
                    part.unlink(missing_ok=True)

    def url(self, key: str) -> str:
        """The file URL of an object."""
        return self._path(key).as_uri()

    def location(self, prefix: str) -> str:
        """The path of `prefix`."""
        check_prefix(prefix)
        return str(self._root / prefix.rstrip("/"))

    def _path(self, key: str) -> Path:
        check_key(key)
        return self._root / key

    def _check_root(self) -> None:
        if not self._root.is_dir():
            raise StoreUnavailable(f"the store's folder {self._root} is gone")

    def _keys(self, folder: str, prefix: str) -> Iterator[str]:
        """The keys below a folder, each beginning with `prefix`, which is the folder's own key and a slash."""
        try:
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        with entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    yield from self._keys(entry.path, f"{prefix}{entry.name}/")
                else:
                    yield prefix + entry.name

    def _replace(self, path: Path, data: bytes) -> None:
        part = self._scratch / f"{secrets.token_hex(12)}.part"
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            for attempt in range(3):
                _make_folder(path.parent)
                try:
                    part.replace(path)
                    break
                except FileNotFoundError:
                    # A delete of a neighbour may have removed the empty folder just now.
                    if attempt == 2:
                        raise
            _sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _lock(self, key: str) -> Generator[None]:
        self._check_root()
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _LOCK_COUNT
        self._scratch.mkdir(exist_ok=True)
        with (self._scratch / f"{number:03d}.lock").open("a") as file:
            _acquire(file.fileno(), key)
            yield


def _acquire(descriptor: int, key: str) -> None:
    end = time.monotonic() + LOCK_TIMEOUT_SECONDS
    pause = 0.001
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise StoreUnavailable(f"{key} has been locked for {LOCK_TIMEOUT_SECONDS:.0f} s") from None
            time.sleep(pause)
            pause = min(pause * 2, 0.05)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _etag_of(path: Path) -> str | None:
    data = _read(path)
    return None if data is None else hashlib.sha256(data).hexdigest()


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it, each so that it survives a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a rename or an unlink in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _errors(path: Path) -> Generator[None]:
    """Turns the system's errors into the store's."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreFull(f"no room left for {path}: {error.strerror}") from error
        raise StoreUnavailable(f"cannot use {path}: {error.strerror or error}") from error
