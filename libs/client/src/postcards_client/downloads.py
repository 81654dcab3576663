"""Brings the files of a postcard to where they are wanted: into a folder, or into memory."""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from postcards.composer.v1 import composer_pb2

from postcards_client.backoff import backoff
from postcards_client.errors import PostcardsError
from postcards_client.http_get import Broken, Refused, opened
from postcards_client.locations import is_web_url, local_path

TRIES = 4
"""How often a file is asked for when the connection fails or the store is busy."""
FIRST_PAUSE = 0.2
"""Seconds before the second try; each later pause is twice as long."""
LONGEST_PAUSE = 5.0
"""No pause between two tries is longer, in seconds."""
MAX_FILE_BYTES = 256 * 1024 * 1024
"""No file is taken that is longer, announced or not."""

_PIECE_BYTES = 256 * 1024
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which asking again may help."""
_GONE = frozenset({404, 410})


class DownloadFailed(PostcardsError):  # noqa: N818 - a word of the domain, as its siblings
    """A file could not be read at its URL, or its bytes are not those that were announced."""


async def download(postcard: composer_pb2.Postcard, folder: str | PathLike[str]) -> dict[str, Path]:
    """Copies every file of `postcard` into `folder`/<id>/ and returns the paths by file name.

    Files that are there already with the right SHA-256 are kept. A file appears under its name only when it is
    complete and its SHA-256 is right.

    Raises:
        DownloadFailed: a file could not be had.
        OSError: `folder` cannot be written.
    """
    target = Path(folder) / safe_name(postcard.id)
    target.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    for file in postcard.files:
        paths[file.name] = target / safe_name(file.name)
        await asyncio.to_thread(_fetch, file, paths[file.name])
    return paths


async def read_kept(file: composer_pb2.File) -> bytes | None:
    """The bytes at the URL of `file`, whatever they are; None when nothing is there.

    Raises:
        DownloadFailed: the URL cannot be read.
    """
    held = BytesIO()
    try:
        await asyncio.to_thread(_copy, file, held, MAX_FILE_BYTES)
    except DownloadFailed as failure:
        if failure.reason == "GONE":
            return None
        raise
    return held.getvalue()


def safe_name(name: str) -> str:
    """`name`, which must be a plain file name: what a server sends never leaves the folder."""
    if not name or name in (".", "..") or any(mark in name for mark in "/\\\0:"):
        raise DownloadFailed(f"the server sent an unsafe file name: {name!r}", reason="UNSAFE_NAME")
    return name


def _fetch(file: composer_pb2.File, path: Path) -> None:
    """Writes the bytes of `file` to `path`, whole or not at all."""
    if path.is_file() and _sha256(path) == file.sha256:
        return
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            _copy(file, out, min(file.size_bytes or MAX_FILE_BYTES, MAX_FILE_BYTES))
        if (found := _sha256(partial)) != file.sha256:
            raise DownloadFailed(f"{file.name} arrived damaged: SHA-256 {found}, announced {file.sha256}")
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy(file: composer_pb2.File, out: BinaryIO, most: int) -> None:
    """Writes the bytes behind the file's URL to `out`. Raises `DownloadFailed` too when they are more than `most`."""
    if is_web_url(file.url):
        _with_patience(lambda: _copy_from_server(file, out, most))
    elif (path := local_path(file.url)) is not None:
        _copy_from_disk(file, path, out, most)
    else:
        raise DownloadFailed(f"{file.name} has no URL that can be read", reason="NO_URL")


def _copy_from_disk(file: composer_pb2.File, path: Path, out: BinaryIO, most: int) -> None:
    try:
        with path.open("rb") as source:
            _copy_pieces(file, iter(lambda: source.read(_PIECE_BYTES), b""), out, most)
    except FileNotFoundError:
        raise _unreadable(file, "it is gone", reason="GONE") from None
    except OSError as error:
        if error.filename != str(path):
            # It is the folder that cannot be written, not the file that cannot be read.
            raise
        raise _unreadable(file, error.strerror or str(error)) from None


def _with_patience(attempt: Callable[[], str]) -> None:
    """Tries until `attempt` returns no reason to try again, or `TRIES` times. Raises `DownloadFailed`."""
    for number in range(1, TRIES + 1):
        trouble = attempt()
        if not trouble:
            return
        if number == TRIES:
            raise DownloadFailed(f"{trouble}, {TRIES} times", reason="UNREADABLE")
        time.sleep(backoff(number, FIRST_PAUSE, LONGEST_PAUSE))


def _copy_from_server(file: composer_pb2.File, out: BinaryIO, most: int) -> str:
    """One try, from the first byte on; why another one may help, else empty. Raises `DownloadFailed`.

    No message shows the URL: what makes a presigned one work is in it.
    """
    start = out.seek(0)
    out.truncate(start)
    host = urlsplit(file.url).netloc.rpartition("@")[2]
    try:
        with opened(file.url) as pieces:
            _copy_pieces(file, pieces, out, most)
    except Refused as refusal:
        if refusal.status in _BUSY:
            return f"{file.name} cannot be read: {host} answers {refusal.status}"
        hint = "; its URL may have expired: ask for the postcard again" if refusal.status == 403 else ""
        reason = "GONE" if refusal.status in _GONE else "UNREADABLE"
        raise _unreadable(file, f"{host} answers {refusal.status}{hint}", reason=reason) from None
    except Broken as fault:
        trouble = f"{file.name} cannot be read: no whole answer from {host} ({fault})"
        if fault.passing:
            return trouble
        raise DownloadFailed(trouble, reason="UNREADABLE") from None
    return ""


def _copy_pieces(file: composer_pb2.File, pieces: Iterable[bytes], out: BinaryIO, most: int) -> None:
    left = most
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise DownloadFailed(f"{file.name} is longer than the {most} bytes that are taken", reason="TOO_LONG")
        out.write(piece)


def _unreadable(file: composer_pb2.File, why: str, *, reason: str = "UNREADABLE") -> DownloadFailed:
    return DownloadFailed(f"{file.name} cannot be read: {why}", reason=reason)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
