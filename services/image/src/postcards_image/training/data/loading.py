"""Reads the photographs of a source into memory, many at once, and says what could not be read."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from postcards_image.training.data.entries import DataError, Entry, Source
from postcards_image.training.data.memory import available_bytes, in_words
from postcards_image.training.data.photos import Photos
from postcards_image.training.data.pictures import Pixels, UnreadablePictureError, read_square
from postcards_serving.device.choice import available_cores

LEAST_PHOTOS = 12
"""Fewest photographs that training starts with."""
MEMORY_SHARE = 0.4
"""Share of the available memory that photographs may take: for a moment, when some are held out, there are two copies.
The rest is for the network."""

_READ_AHEAD = 64


@dataclass(frozen=True)
class Skipped:
    """A file that was left out."""

    name: str
    """Which."""
    reason: str
    """Why, in a few words."""


@dataclass(frozen=True)
class Loaded:
    """Photographs, and what was left out."""

    photos: Photos
    """Those that could be read, each once."""
    skipped: tuple[Skipped, ...]
    """Files that could not be read."""
    duplicates: int
    """Copies that were left out."""


def memory_for(count: int, side: int) -> int:
    """Bytes that `count` photographs of `side` pixels take."""
    return count * side * side * 3


def check_memory(count: int, side: int, available: int | None) -> None:
    """Refuses photographs that would not fit.

    Raises:
        DataError: says how much they take, how much there is, and what helps.
    """
    needed = memory_for(count, side)
    limit = None if available is None else int(available * MEMORY_SHARE)
    if limit is not None and needed > limit:
        raise DataError(
            f"{count:,} pictures of {side} x {side} pixels take {in_words(needed)} of memory; {in_words(limit)} can be "
            f"used here. Take a lower --resolution, or about {limit // memory_for(1, side):,} of the pictures"
        )


def load(
    source: Source,
    side: int,
    *,
    told: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> Loaded:
    """Reads a source.

    Args:
        source: what to read.
        side: width and height of the photographs, pixels.
        told: called with the number of files read so far and of all of them; None: nobody is told.
        threads: that decode; None for one per core, 8 at most.

    Raises:
        DataError: it does not fit into the memory, or too few could be read.
    """
    count = len(source.entries)
    check_memory(count, side, available_bytes())
    images = np.empty((count, side, side, 3), np.uint8)
    labels = np.empty(count, np.int64)
    index = {name: number for number, name in enumerate(source.classes)}
    digests: list[str] = []
    known: set[bytes] = set()
    skipped: list[Skipped] = []
    duplicates = 0
    for done, (entry, answer) in enumerate(_read_all(source.entries, side, threads or _threads()), 1):
        if told is not None:
            told(done, count)
        if isinstance(answer, UnreadablePictureError):
            skipped.append(Skipped(entry.name, str(answer)))
            continue
        pixels, digest = answer
        # The same picture with other metadata has other bytes: both are compared.
        content = hashlib.sha256(pixels.tobytes()).digest()
        if content in known or bytes.fromhex(digest) in known:
            duplicates += 1
            continue
        known |= {content, bytes.fromhex(digest)}
        images[len(digests)] = pixels
        labels[len(digests)] = index.get(entry.label or "", len(source.classes))
        digests.append(digest)
    kept = len(digests)
    if kept < LEAST_PHOTOS:
        raise DataError(_too_few(kept, skipped, duplicates))
    # Classes whose every picture was left out still have their rows: the model names what the folders name.
    return Loaded(Photos(images[:kept], labels[:kept], source.classes, tuple(digests)), tuple(skipped), duplicates)


def _threads() -> int:
    return min(8, available_cores())


_Answer = tuple[Pixels, str] | UnreadablePictureError


def _read_all(entries: Sequence[Entry], side: int, threads: int) -> Iterator[tuple[Entry, _Answer]]:
    """Each entry with its picture and SHA-256, or why there is none, in order; only a few are read ahead."""
    with ThreadPoolExecutor(threads, thread_name_prefix="photographs") as pool:
        rest = iter(entries)
        waiting: list[tuple[Entry, Future[_Answer]]] = []
        try:
            while True:
                more = list(islice(rest, _READ_AHEAD))
                ahead = [(entry, pool.submit(_read, entry, side)) for entry in more]
                for entry, future in waiting:
                    yield entry, future.result()
                waiting = ahead
                if not waiting:
                    return
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read(entry: Entry, side: int) -> _Answer:
    try:
        data = entry.read()
        return read_square(data, side), hashlib.sha256(data).hexdigest()
    except UnreadablePictureError as fault:
        return fault
    except OSError as fault:
        return UnreadablePictureError(fault.strerror or str(fault))


def _too_few(kept: int, skipped: Sequence[Skipped], duplicates: int) -> str:
    left_out = [
        f"{len(skipped)} could not be read" if skipped else "",
        f"{duplicates} were copies" if duplicates else "",
    ]
    why = ", ".join(filter(None, left_out))
    example = f"; the first: {skipped[0].name}: {skipped[0].reason}" if skipped else ""
    return (
        f"only {kept} pictures can be used{f' ({why}{example})' if why else ''}; at least {LEAST_PHOTOS} are needed, "
        "and a few hundred make an interesting model"
    )
