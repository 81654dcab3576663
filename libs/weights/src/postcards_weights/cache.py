"""Looks at weights on this machine: in the cache of the Hugging Face hub, or in a folder. Reads no weights."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from postcards_weights.catalog import PICKLED, Model, Need, missing, wanted

UNFINISHED = ".incomplete"
"""Ending of a file in the cache that is still being fetched."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_LONGEST_HEADER = 100_000_000
_YES = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True)
class Cache:
    """The hub's cache on this machine."""

    folder: Path
    """Folder of the models."""

    def home(self, model_id: str) -> Path:
        """Folder of one model."""
        return self.folder / f"models--{model_id.replace('/', '--')}"

    def snapshot(self, model_id: str, revision: str) -> Path | None:
        """Folder of a model's files at a commit, branch or tag; None when nothing of it was fetched."""
        home = self.home(model_id)
        commit = revision if _COMMIT.fullmatch(revision) else _read(home / "refs" / revision)
        folder = home / "snapshots" / commit
        return folder if commit and folder.is_dir() else None

    def unfinished_bytes(self, model_id: str) -> int:
        """What was fetched of files that are not whole yet."""
        return sum(map(_bytes_now, (self.home(model_id) / "blobs").glob(f"*{UNFINISHED}")))


def _bytes_now(path: Path) -> int:
    """Size of a file that another process may finish, and rename, at any moment."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def hub_cache(settings: Mapping[str, str], home: Path | None = None) -> Cache:
    """The cache that the services read with these environment variables; in `home` where that is given (`HF_HOME`)."""
    if home is not None:
        return Cache(home / "hub")
    named = settings.get("HF_HUB_CACHE") or settings.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Cache(Path(os.path.expandvars(named)).expanduser())
    cache = settings.get("XDG_CACHE_HOME") or "~/.cache"
    return Cache(Path(os.path.expandvars(settings.get("HF_HOME") or f"{cache}/huggingface")).expanduser() / "hub")


def is_offline(settings: Mapping[str, str]) -> bool:
    """Whether the services may fetch nothing."""
    return (settings.get("HF_HUB_OFFLINE") or settings.get("TRANSFORMERS_OFFLINE") or "").upper() in _YES


def is_hub_id(name: str) -> bool:
    """Whether a name could be a model's id on the hub."""
    return bool(_HUB_ID.fullmatch(name)) and ".." not in name and "--" not in name and len(name) <= 96


@dataclass(frozen=True)
class State:
    """What there is of a model."""

    folder: Path | None
    """Where; None when nothing is there."""
    missing: tuple[Need, ...] = ()
    """What the engine needs and is not there."""
    pickled: tuple[str, ...] = ()
    """Pickled weights in place of what is missing: they are never loaded."""
    damaged: tuple[str, ...] = ()
    """Weights that are cut off or no weights, each with what is wrong."""
    unfetched: tuple[str, ...] = ()
    """Files that the hub has, that the engine would load, and that are not there."""
    unfinished_bytes: int = 0
    """What was fetched of files that are not whole yet."""
    bytes: int = 0
    """Size of what is there and needed."""

    @property
    def complete(self) -> bool:
        """Whether an engine can load it."""
        return self.folder is not None and not self.missing and not self.damaged and not self.unfetched


def state_in_cache(cache: Cache, model: Model) -> State:
    """What there is of a model in the hub's cache: of the first variant that is whole, else of the first of all."""
    folder = cache.snapshot(model.model_id, model.revision)
    unfinished = cache.unfinished_bytes(model.model_id)
    if folder is None:
        return State(None, tuple(missing(model.variants[0], [])), unfinished_bytes=unfinished)
    listed = _listing(cache.home(model.model_id) / "trees" / f"{folder.name}.json")
    states = [
        replace(
            state_of_folder(folder, needs),
            unfetched=tuple(path for path in wanted(needs, listed) if not (folder / path).is_file()),
            unfinished_bytes=unfinished,
        )
        for needs in model.variants
    ]
    return next((state for state in states if state.complete), states[0])


def state_of_folder(folder: Path, needs: tuple[Need, ...]) -> State:
    """What there is of a model in a folder."""
    paths = list(_files(folder))
    lacking = tuple(missing(needs, paths))
    pickled = tuple(path for path in paths if path.lower().endswith(PICKLED)) if lacking else ()
    files = wanted(needs, paths)
    faults = [(path, fault_of(folder / path)) for path in files if path.endswith(".safetensors")]
    return State(
        folder,
        lacking,
        pickled,
        tuple(f"{path} {fault}" for path, fault in faults if fault),
        bytes=sum((folder / path).stat().st_size for path in files),
    )


def fault_of(path: Path) -> str:
    """What is wrong with a safetensors file, read after its name; empty when its length is what its header says."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= min(size - 8, _LONGEST_HEADER):
                file.seek(0)
                pointer = file.read(64).startswith(b"version https://git-lfs")
                return "is only a pointer of Git LFS: run `git lfs pull`" if pointer else "is no safetensors file"
            header: Any = json.loads(file.read(length))
        ends = [
            int(about["data_offsets"][1])
            for name, about in cast(dict[str, Any], header).items()
            if name != "__metadata__"
        ]
    except OSError as fault:
        return f"cannot be read: {fault.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return "is no safetensors file"
    whole = 8 + length + max(ends, default=0)
    return "" if size == whole else f"has {size:,} of {whole:,} bytes"


def _files(folder: Path) -> Iterator[str]:
    """Paths of the files in a folder, links followed; links that lead nowhere are no files."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place) / name
            if path.is_file():
                yield path.relative_to(folder).as_posix()


def _listing(path: Path) -> list[str]:
    """The paths of a model's files as the hub listed them; none where nobody kept that."""
    try:
        return list(cast(dict[str, Any], json.loads(_read(path))["files"]))
    except (ValueError, KeyError, TypeError):
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
