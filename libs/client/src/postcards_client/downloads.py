"""Brings the files of a postcard into a folder."""

import asyncio
import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import BinaryIO

from postcards.composer.v1 import composer_pb2

from postcards_client.errors import PostcardsError

_TIMEOUT = 60.0


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
    target = folder / _safe_name(postcard.id)
    target.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    for file in postcard.files:
        paths[file.name] = target / _safe_name(file.name)
        await asyncio.to_thread(_fetch, file, paths[file.name])
    return paths


def _fetch(file: composer_pb2.File, path: Path) -> None:
    """Writes the bytes of `file` to `path`, whole or not at all."""
    if path.is_file() and _sha256(path) == file.sha256:
        return
    if urllib.parse.urlsplit(file.url).scheme not in ("file", "http", "https"):
        raise DownloadFailed(f"{file.name} has no URL that can be read", reason="NO_URL")
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
    try:
        with urllib.request.urlopen(file.url, timeout=_TIMEOUT) as source:  # noqa: S310 - the scheme was checked
            shutil.copyfileobj(source, out)
    except urllib.error.URLError as error:
        raise DownloadFailed(f"{file.name} cannot be read: {error.reason}", reason="UNREADABLE") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _safe_name(name: str) -> str:
    """`name`, which must be a plain file name: what a server sends never leaves the folder."""
    if not name or name in (".", "..") or any(c in name for c in "/\\\0:"):
        raise DownloadFailed(f"the server sent an unsafe file name: {name!r}", reason="UNSAFE_NAME")
    return name
