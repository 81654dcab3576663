"""SHA-256 of model files, computed once: gigabytes take seconds. Standard library only."""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from postcards_weights.cache import hub_home

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_REMEMBERED = 10_000


def hashes_of(folder: Path, paths: Iterable[str], remembered: Path | None = None) -> dict[str, str]:
    """Lower-case SHA-256 of files in a folder, by path.

    A large file in the hub's cache is a link to one whose name is its hash: that name is believed. Other hashes are
    remembered for as long as a file keeps its path, size and time of change.

    Args:
        folder: of the model.
        paths: relative to it.
        remembered: file with the hashes known so far; default: `postcards-hashes.json` in `HF_HOME`. Nothing depends
            on it: where it cannot be read or written, hashes are computed again.

    Raises:
        OSError: a file cannot be read.
    """
    memory = remembered or hub_home(os.environ) / "postcards-hashes.json"
    known = _recall(memory)
    found, fresh = dict[str, str](), dict[str, str]()
    for path in paths:
        file = (folder / path).resolve(strict=True)
        if file.parent.name == "blobs" and _SHA256.fullmatch(file.name):
            found[path] = file.name
            continue
        stat = file.stat()
        key = f"{file}|{stat.st_size}|{stat.st_mtime_ns}"
        if key not in known:
            fresh[key] = _sha256(file)
        found[path] = known.get(key) or fresh[key]
    if fresh:
        _remember(memory, fresh)
    return found


def revision_of(files: Mapping[str, str]) -> str:
    """One name for the contents of all files: "sha256:" and the hash over their paths and hashes in order."""
    lines = "".join(f"{files[path]}  {path}\n" for path in sorted(files))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _recall(memory: Path) -> dict[str, str]:
    try:
        told: Any = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {
        key: value
        for key, value in cast(dict[str, object], told).items()
        if isinstance(value, str) and _SHA256.fullmatch(value)
    }


def _remember(memory: Path, fresh: Mapping[str, str]) -> None:
    # Two processes may write at once: one of them forgets what the other learned, and computes it again some day.
    everything = _recall(memory) | dict(fresh)
    newest = dict(list(everything.items())[-_MOST_REMEMBERED:])
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=memory.parent, prefix=f".{memory.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(newest, file, indent=0)
            Path(name).replace(memory)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
