"""What a source of pictures is: entries, each a class and a picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

MAX_ENTRIES = 2_000_000
"""Most pictures of one source."""


Parts = tuple[str, ...]
"""A path within a source, folder by folder."""


class DataError(ValueError):
    """The photographs cannot be used. The message is one line that says what to do."""


@dataclass(frozen=True)
class Entry:
    """One picture that a source lists."""

    name: str
    """What people call it, e.g. "zebra/0001.jpg"."""
    label: str | None
    """Its class; None for none in particular."""
    read: Callable[[], bytes]
    """Reads the file. May be called on any thread. Raises OSError or UnreadablePictureError."""


@dataclass(frozen=True)
class Source:
    """A set of pictures."""

    name: str
    """What the data is called, e.g. "animals"."""
    kind: Literal["folder", "zip", "dataset"]
    """What it is."""
    entries: Sequence[Entry]
    """The pictures, always in the same order."""
    classes: tuple[str, ...]
    """Names of the classes; empty when there are none."""
    ignored: int = 0
    """Files that are no pictures by their name."""
    hub_id: str = ""
    """Its name at the Hugging Face hub; empty when it comes from this machine."""


def printable(text: str) -> str:
    """A name from outside, safe to print, to draw and to write into a table."""
    return "".join(letter if letter.isprintable() else "?" for letter in text).strip() or "?"
