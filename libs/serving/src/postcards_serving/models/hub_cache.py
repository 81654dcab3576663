"""Where the Hugging Face hub's client keeps models on this machine, read without that client.

The layout is the client's own (`models--owner--name/{refs,snapshots,blobs,trees}`), so a model that is in the cache can
be served where the client is not installed. Standard library only.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
"""Endings of files that can run code when they are read: never fetched, never opened."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_YES = {"1", "ON", "YES", "TRUE"}


def hub_home() -> Path:
    """The folder of everything that the hub's client keeps (`HF_HOME`)."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expandvars(os.environ.get("HF_HOME") or f"{cache}/huggingface")).expanduser()


def hub_cache() -> Path:
    """The folder of the models (`HF_HUB_CACHE`, else `HF_HOME/hub`)."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(os.path.expandvars(named)).expanduser() if named else hub_home() / "hub"


def is_offline() -> bool:
    """Whether nothing may be fetched (`HF_HUB_OFFLINE`)."""
    return (os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or "").upper() in _YES


def snapshot_of(model: str, revision: str = "") -> Path | None:
    """The folder of a model's snapshot in the cache, whole or not.

    Args:
        model: id on the hub.
        revision: commit, branch or tag; empty: `main` as it was when it was fetched.
    """
    home = hub_cache() / f"models--{model.replace('/', '--')}"
    commit = revision if _COMMIT.fullmatch(revision) else _read(home / "refs" / (revision or "main")).strip()
    folder = home / "snapshots" / commit
    return folder if commit and folder.is_dir() else None


def listed_files(snapshot: Path) -> list[str] | None:
    """Paths of all files that the model of a snapshot has on the hub, as newer clients remember; None: nobody knows."""
    return _listing(snapshot.parents[1] / "trees" / f"{snapshot.name}.json")


def missing_files(snapshot: Path, patterns: Sequence[str]) -> tuple[str, ...]:
    """The files of a snapshot that match `patterns` and have not been fetched, as far as the cache can say.

    The listing that newer clients keep tells exactly; without it, a download that was broken off counts as one missing
    file.
    """
    listed = listed_files(snapshot)
    if listed is None:
        return tuple(sorted(path.name for path in (snapshot.parents[1] / "blobs").glob("*.incomplete")))[:1]
    return tuple(path for path in matching(listed, patterns) if not (snapshot / path).is_file())


def matching(paths: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Those of the paths that match one of the patterns, sorted; pickles never do. `*` also stands for slashes."""
    return sorted(
        path
        for path in paths
        if not path.lower().endswith(PICKLED) and any(fnmatchcase(path, pattern) for pattern in patterns)
    )


def files_below(folder: Path) -> list[str]:
    """Paths of all files in a folder and the folders in it, links followed, relative to it, with slashes."""
    seen: set[str] = set()
    found: list[str] = []
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        found += [(Path(place) / name).relative_to(folder).as_posix() for name in files]
    return sorted(path for path in found if (folder / path).is_file())


def _listing(path: Path) -> list[str] | None:
    try:
        listing: Any = json.loads(_read(path))
    except ValueError:
        return None
    files = cast(Any, listing).get("files") if isinstance(listing, dict) else None
    return list(cast(dict[str, object], files)) if isinstance(files, dict) else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
