"""The cache of the Hugging Face hub on this machine, read without the hub's client. Standard library only.

The layout is that client's own (`models--owner--name/{refs,snapshots,blobs,trees}`), so that whatever reads it finds
what we fetch, and a model in it can be served where the client is not installed.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from postcards_weights.files import matching

UNFINISHED = ".incomplete"
"""Ending of a file in the cache that is still being fetched."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_YES = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True)
class Cache:
    """The hub's cache on this machine."""

    folder: Path
    """Folder of the models."""

    def home(self, model_id: str) -> Path:
        """Folder of one model."""
        return self.folder / f"models--{model_id.replace('/', '--')}"

    def snapshot(self, model_id: str, revision: str = "") -> Path | None:
        """Folder of a model's files, whole or not; None when nothing of it was fetched.

        Args:
            model_id: id on the hub.
            revision: commit, branch or tag; empty: `main` as it was when it was fetched.
        """
        home = self.home(model_id)
        commit = revision if _COMMIT.fullmatch(revision) else _read(home / "refs" / (revision or "main")).strip()
        folder = home / "snapshots" / commit
        return folder if commit and folder.is_dir() else None

    def unfinished_bytes(self, model_id: str) -> int:
        """What was fetched of files that are not whole yet."""
        return sum(map(_bytes_now, (self.home(model_id) / "blobs").glob(f"*{UNFINISHED}")))


def hub_home(settings: Mapping[str, str]) -> Path:
    """The folder of everything that the hub's client keeps with these environment variables (`HF_HOME`)."""
    cache = settings.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expandvars(settings.get("HF_HOME") or f"{cache}/huggingface")).expanduser()


def hub_cache(settings: Mapping[str, str], home: Path | None = None) -> Cache:
    """The cache that the services read with these environment variables; in `home` where that is given (`HF_HOME`)."""
    if home is not None:
        return Cache(home / "hub")
    named = settings.get("HF_HUB_CACHE") or settings.get("HUGGINGFACE_HUB_CACHE")
    return Cache(Path(os.path.expandvars(named)).expanduser() if named else hub_home(settings) / "hub")


def is_offline(settings: Mapping[str, str]) -> bool:
    """Whether nothing may be fetched (`HF_HUB_OFFLINE`)."""
    return (settings.get("HF_HUB_OFFLINE") or settings.get("TRANSFORMERS_OFFLINE") or "").upper() in _YES


def is_hub_id(name: str) -> bool:
    """Whether a name could be an id on the hub: "owner/name", or the bare name of an old model."""
    return bool(_HUB_ID.fullmatch(name)) and ".." not in name and "--" not in name and len(name) <= 96


def listed_files(snapshot: Path) -> list[str] | None:
    """Paths of all files that the model of a snapshot has on the hub, as the hub listed them; None: nobody knows."""
    try:
        listing: Any = json.loads(_read(snapshot.parents[1] / "trees" / f"{snapshot.name}.json"))
    except ValueError:
        return None
    files = cast(Any, listing).get("files") if isinstance(listing, dict) else None
    return list(cast(dict[str, object], files)) if isinstance(files, dict) else None


def missing_files(snapshot: Path, patterns: Sequence[str]) -> tuple[str, ...]:
    """The files of a snapshot that match `patterns` and have not been fetched, as far as the cache can say.

    The listing in it tells exactly; without one, a download that was broken off counts as one missing file.
    """
    listed = listed_files(snapshot)
    if listed is None:
        return tuple(sorted(path.name for path in (snapshot.parents[1] / "blobs").glob(f"*{UNFINISHED}")))[:1]
    return tuple(path for path in matching(listed, patterns) if not (snapshot / path).is_file())


def _bytes_now(path: Path) -> int:
    """Size of a file that another process may finish, and rename, at any moment."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
