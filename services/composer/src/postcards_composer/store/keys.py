"""Where things lie in the store.

postcards/<id>/manifest.json   a postcard; it exists as soon as this object does
postcards/<id>/<attempt>/<file>  its files: each attempt to make one writes to a place of its own, so that who has lost
                               its lease, and does not know it yet, never writes over what a manifest names
index/<time>-<id>              one per postcard, sorting the newest first; empty
pending/<id>-<round>           one per postcard with unfinished work; empty, written before the work is promised
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postcards_composer.postcards.ids import ID_PATTERN

INDEX = "index/"
PENDING = "pending/"

_TIMES = 10**13
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEX_ENTRY = re.compile(rf"(\d{{13}})-({ID_PATTERN})")
_PENDING_KEY = re.compile(rf"{PENDING}({ID_PATTERN})-(\d{{1,9}})")


@dataclass(frozen=True)
class IndexEntry:
    """One place in the order of all postcards."""

    created_at: datetime
    """When the postcard was accepted, to the millisecond."""
    id: str
    """Its id."""


@dataclass(frozen=True)
class PendingEntry:
    """A note that a postcard has unfinished work."""

    id: str
    """Id of the postcard."""
    round: int
    """Which making of the postcard: 0 the first, then one for every repair."""


def folder(postcard_id: str) -> str:
    """Prefix of everything that belongs to a postcard."""
    return f"postcards/{postcard_id}/"


def manifest(postcard_id: str) -> str:
    """Key of a postcard's manifest."""
    return f"postcards/{postcard_id}/manifest.json"


def file(postcard_id: str, place: str) -> str:
    """Key of a file of a postcard, from its place below the postcard's folder."""
    return f"postcards/{postcard_id}/{place}"


def attempt_of(postcard_id: str, key: str) -> str:
    """Which attempt has written a file of a postcard; empty for what is no attempt's: the manifest, plain names."""
    attempt, _, name = key.removeprefix(folder(postcard_id)).partition("/")
    return attempt if name else ""


def index(entry: IndexEntry) -> str:
    """Key of a postcard in the order of all: the later it was created, the earlier it sorts."""
    milliseconds = (entry.created_at - _EPOCH) // timedelta(milliseconds=1)
    return f"{INDEX}{_TIMES - 1 - milliseconds:013d}-{entry.id}"


def parse_index(key: str) -> IndexEntry | None:
    """The entry that `key` stands for; None when it is no key of the index."""
    found = _INDEX_ENTRY.fullmatch(key.removeprefix(INDEX))
    if found is None:
        return None
    return IndexEntry(_EPOCH + timedelta(milliseconds=_TIMES - 1 - int(found[1])), found[2])


def pending(entry: PendingEntry) -> str:
    """Key of the note that a postcard has unfinished work."""
    return f"{PENDING}{entry.id}-{entry.round}"


def notes_of(postcard_id: str) -> str:
    """Prefix of all notes of unfinished work of a postcard."""
    return f"{PENDING}{postcard_id}-"


def parse_pending(key: str) -> PendingEntry | None:
    """The entry that `key` stands for; None when it is no such key."""
    found = _PENDING_KEY.fullmatch(key)
    return None if found is None else PendingEntry(found[1], int(found[2]))
