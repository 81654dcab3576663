# ruff: noqa: N818  (these names are the words of the domain; callers read `except NotFound`)
"""The interface of an object store, and what may go wrong with one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

MAX_KEY_LENGTH = 512
_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_PREFIX = re.compile(rf"({_SEGMENT}/)*({_SEGMENT})?")


class StoreError(Exception):
    """Something went wrong with the store. The message names the place and never holds a secret."""


class NotFound(StoreError):
    """There is no such object."""


class PreconditionFailed(StoreError):
    """The object is not in the state that the write demanded; nothing was written."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or refuses service; the same call may work later."""


class StoreFull(StoreError):
    """The store has no room left; nothing was written."""


class InvalidKey(StoreError, ValueError):
    """The key is not one that every store can hold."""


@dataclass(frozen=True)
class StoredObject:
    """The bytes of an object and the version they belong to."""

    data: bytes
    """All bytes."""
    etag: str
    """Names this version of the object; for `if_match`."""


@dataclass(frozen=True)
class ObjectInfo:
    """What is known of an object without reading it."""

    key: str
    """Its key."""
    size_bytes: int
    """Its length."""
    etag: str
    """Names this version of the object; for `if_match`."""


class ObjectStore(Protocol):
    """Keeps named byte strings. Every method is synchronous, safe to call from many threads, and may block.

    Keys are segments of A-Z a-z 0-9 . _ - joined by "/", no segment beginning with a dot, at most 512 characters. Every
    method may raise `StoreUnavailable`, and `InvalidKey` for a key that is none.
    """

    def prepare(self) -> None:
        """Makes the folder or the bucket where it is missing. May be called again."""
        ...

    def put(
        self, key: str, data: bytes, content_type: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> str:
        """Writes all of `data` or nothing, durably, and returns the etag of the new version.

        `if_absent` writes only where there is no such object; `if_match` only over the version of that etag. Of several
        writers with the same condition exactly one succeeds.

        Raises:
            PreconditionFailed: the condition does not hold.
            StoreFull: there is no room.
            ValueError: both conditions were given.
        """
        ...

    def get(self, key: str) -> StoredObject:
        """Reads an object. Raises `NotFound`."""
        ...

    def stat(self, key: str) -> ObjectInfo:
        """Tells about an object. Raises `NotFound`."""
        ...

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[str]:
        """The keys that begin with `prefix` and sort after `start_after`, in the order of their bytes.

        At most `limit` (1 or more) of them.
        """
        ...

    def delete(self, key: str) -> None:
        """Removes an object; does nothing where there is none."""
        ...

    def show(self, names: Mapping[str, str]) -> None:
        """Lets people who look with their own eyes find objects under other keys too: name -> key of the object.

        A name is replaced whole, and may outlive its object. Where it cannot be done nothing happens.
        """
        ...

    def url(self, key: str) -> str:
        """Where a reader may fetch the object: a file URL, or a URL that is signed for a while. Asks nobody."""
        ...

    def location(self, prefix: str) -> str:
        """Names the place of `prefix` for people: a path, or s3://bucket/prefix. Asks nobody."""
        ...


def check_key(key: str) -> None:
    """Raises `InvalidKey` unless `key` is one that every store can hold."""
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise InvalidKey(f"not a key: {key[:80]!r}")


def check_prefix(prefix: str) -> None:
    """Raises `InvalidKey` unless some key could begin with `prefix`."""
    if len(prefix) > MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix):
        raise InvalidKey(f"not a prefix: {prefix[:80]!r}")


def check_conditions(*, if_absent: bool, if_match: str | None) -> None:
    """Raises `ValueError` when a write carries two conditions."""
    if if_absent and if_match is not None:
        raise ValueError("a write is either if_absent or if_match")
