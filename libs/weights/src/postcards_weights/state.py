"""What there is of a model on this machine: whole, damaged, or only in part. Reads no weights but their headers."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from postcards_weights.cache import Cache, listed_files
from postcards_weights.catalog import Model, Need, missing, wanted
from postcards_weights.files import files_below, is_pickled

_LONGEST_HEADER = 100_000_000


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
    listed = listed_files(folder) or []
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
    paths = files_below(folder)
    lacking = tuple(missing(needs, paths))
    pickled = tuple(filter(is_pickled, paths)) if lacking else ()
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
