"""Brings the files of a postcard to where they are wanted: into a folder, or into memory."""

import asyncio
import hashlib
import ipaddress
import os
import random
import shutil
import ssl
import tempfile
import time
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx
from postcards.composer.v1 import composer_pb2

from postcards_client.errors import PostcardsError
from postcards_client.locations import local_path

TIMEOUTS = httpx.Timeout(60.0, connect=10.0)
"""Seconds without a byte, and seconds until a connection stands, after which a try is given up."""
TRIES = 4
"""How often a file is asked for when the connection fails or the store is busy."""
FIRST_PAUSE = 0.2
"""Seconds before the second try; each later pause is twice as long."""

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which asking again may help."""
_GONE = frozenset({404, 410})


class DownloadFailed(PostcardsError):  # noqa: N818 - a word of the domain, as its siblings
    """A file could not be read at its URL, or its bytes are not those that were announced."""


async def download(postcard: composer_pb2.Postcard, folder: Path) -> dict[str, Path]:
    """Copies every file of `postcard` into `folder`/<id>/ and returns the paths by file name.

    Files that are there already with the right SHA-256 are kept. A file appears under its name only when it is
    complete and its SHA-256 is right.

    Raises:
        DownloadFailed: a file could not be had.
        OSError: `folder` cannot be written.
    """
    target = folder / safe_name(postcard.id)
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
        await asyncio.to_thread(_copy, file, held)
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
            _copy(file, out)
        if (found := _sha256(partial)) != file.sha256:
            raise DownloadFailed(f"{file.name} arrived damaged: SHA-256 {found}, announced {file.sha256}")
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy(file: composer_pb2.File, out: BinaryIO) -> None:
    """Streams the bytes behind the file's URL into `out`."""
    parts = urlsplit(file.url)
    if parts.scheme in ("http", "https"):
        _copy_from_server(file, out, parts.hostname or "")
    elif (path := local_path(file.url)) is not None:
        _copy_from_disk(file, path, out)
    else:
        raise DownloadFailed(f"{file.name} has no URL that can be read", reason="NO_URL")


def _copy_from_disk(file: composer_pb2.File, path: Path, out: BinaryIO) -> None:
    try:
        with path.open("rb") as source:
            shutil.copyfileobj(source, out)
    except FileNotFoundError:
        raise _unreadable(file, "it is gone", reason="GONE") from None
    except OSError as error:
        if error.filename != str(path):
            # It is the folder that cannot be written, not the file that cannot be read.
            raise
        raise _unreadable(file, error.strerror or str(error)) from None


def _copy_from_server(file: composer_pb2.File, out: BinaryIO, host: str) -> None:
    # A proxy of the surroundings knows nothing of this machine's own loopback address.
    with httpx.Client(
        timeout=TIMEOUTS, verify=_trusted(), trust_env=not _is_loopback(host), follow_redirects=True
    ) as client:
        _with_patience(lambda: _stream(client, file, out))


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that the system trusts: a store of one's own may be signed by an authority of one's own."""
    return ssl.create_default_context()


def _with_patience(attempt: Callable[[], str]) -> None:
    """Tries until `attempt` returns no reason to try again, or `TRIES` times. Raises `DownloadFailed`."""
    for number in range(1, TRIES + 1):
        trouble = attempt()
        if not trouble:
            return
        if number == TRIES:
            raise DownloadFailed(f"{trouble}, {TRIES} times", reason="UNREADABLE")
        time.sleep(FIRST_PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret


def _stream(client: httpx.Client, file: composer_pb2.File, out: BinaryIO) -> str:
    """One try, from the first byte on; why another one may help, else empty. Raises `DownloadFailed`.

    No message shows the URL: what makes a presigned one work is in it.
    """
    start = out.seek(0)
    out.truncate(start)
    host = urlsplit(file.url).netloc
    try:
        with client.stream("GET", file.url) as answer:
            if answer.status_code in _BUSY:
                return f"{file.name} cannot be read: {host} answers {answer.status_code}"
            if not answer.is_success:
                hint = "; its URL may have expired: ask for the postcard again" if answer.status_code == 403 else ""
                reason = "GONE" if answer.status_code in _GONE else "UNREADABLE"
                raise _unreadable(file, f"{host} answers {answer.status_code}{hint}", reason=reason)
            for piece in answer.iter_bytes():
                out.write(piece)
    except (httpx.TransportError, httpx.TooManyRedirects, httpx.InvalidURL, httpx.DecodingError) as error:
        trouble = f"{file.name} cannot be read: no whole answer from {host} ({type(error).__name__})"
        if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
            return trouble
        raise DownloadFailed(trouble, reason="UNREADABLE") from None
    return ""


def _unreadable(file: composer_pb2.File, why: str, *, reason: str = "UNREADABLE") -> DownloadFailed:
    return DownloadFailed(f"{file.name} cannot be read: {why}", reason=reason)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
