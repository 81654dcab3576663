"""Finds the files of a model: a folder, or an id on the Hugging Face hub that is looked for in the cache first.

Once a model is in the cache, nothing here needs the network. Weights are safetensors or ONNX:
pickles are neither fetched nor opened.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from postcards_serving.errors import ModelUnusable
from postcards_serving.models.fetch import fetch
from postcards_weights.cache import hub_cache, is_hub_id, listed_files, missing_files
from postcards_weights.files import files_below, is_pickled, matching
from postcards_weights.hashes import hashes_of, revision_of

__all__ = ["ModelFiles", "ModelUnusable", "cached", "find_model", "first_line", "is_hub_id"]

_WEIGHTS = (".safetensors", ".onnx")
_LONGEST_LINE = 300


@dataclass(frozen=True)
class ModelFiles:
    """A model on this machine."""

    folder: Path
    """Of the snapshot in the cache, or the one that was named."""
    name: str
    """Id on the hub, or the folder's name."""
    revision: str
    """Commit on the hub; of a folder "sha256:" and the hash over its files."""
    files: Mapping[str, str] = field(repr=False)
    """Lower-case SHA-256 of the files that match the patterns, by path within the model, with slashes."""


def find_model(
    model: str,
    *,
    patterns: Sequence[str],
    revision: str = "",
    install: str = "",
    required: Sequence[str] = (),
) -> ModelFiles:
    """The files of a model, fetched from the hub where they are not on this machine.

    `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_TOKEN_FILE` mean what they mean to
    the hub's client. A revision in the cache is used without asking whether the hub has a newer one.

    Args:
        model: a folder, or an id on the hub ("owner/name", or the bare name of an old one).
        patterns: which files take part, e.g. "*.json", "unet/*.safetensors"; `*` also stands for slashes.
        revision: commit, branch or tag on the hub; empty: `main`. A folder has none.
        install: what brings what fetching needs where it is missing, e.g. "run `make setup-models`".
        required: patterns each of which at least one file must match.

    Raises:
        ModelUnusable: there is no such model, it cannot be fetched, or files are missing; says what to do.
    """
    if not model:
        raise ModelUnusable("no model is named")
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _of_folder(folder, patterns, required)
    if folder.exists():
        raise ModelUnusable(f"{model} is a file: name the folder of a model, or its id on the Hugging Face hub")
    if not is_hub_id(model):
        raise ModelUnusable(f"there is no folder {model}, and it is no id on the Hugging Face hub")
    snapshot = hub_cache(os.environ).snapshot(model, revision)
    if snapshot is not None and not missing_files(snapshot, patterns):
        lacking, listed = _lacking(snapshot, patterns, required), listed_files(snapshot)
        if not lacking:
            return _of_snapshot(model, snapshot, patterns)
        if listed is not None:
            # All that the hub has is here: asking it again would bring nothing.
            raise ModelUnusable(_without(model, lacking, listed))
    try:
        snapshot = fetch(model, patterns=patterns, revision=revision, install=install)
    except ModelUnusable as fault:
        # What cannot be asked for more may hold enough; only who says what is required can tell.
        if snapshot is None:
            raise
        if required and not _lacking(snapshot, patterns, required):
            return _of_snapshot(model, snapshot, patterns)
        raise ModelUnusable(f"{_incomplete(model, snapshot, patterns, required)}; {fault.message}") from None
    lacking = _lacking(snapshot, patterns, required)
    if lacking:
        raise ModelUnusable(_without(model, lacking, listed_files(snapshot) or []))
    return _of_snapshot(model, snapshot, patterns)


def cached(
    model: str, patterns: Sequence[str], revision: str = "", *, required: Sequence[str] = ()
) -> ModelFiles | None:
    """The files of a model if all are on this machine, else None. Asks no network; arguments as `find_model`."""
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        return None if _lacking(folder, patterns, required) else _of_folder(folder, patterns, required)
    snapshot = hub_cache(os.environ).snapshot(model, revision) if is_hub_id(model) else None
    if snapshot is None or missing_files(snapshot, patterns) or _lacking(snapshot, patterns, required):
        return None
    return _of_snapshot(model, snapshot, patterns)


def first_line(fault: BaseException) -> str:
    """What a library's fault says, short enough for one sentence; its kind where it says nothing."""
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:_LONGEST_LINE]


def _of_folder(folder: Path, patterns: Sequence[str], required: Sequence[str]) -> ModelFiles:
    present = files_below(folder)
    lacking = _lacking(folder, patterns, required)
    if lacking:
        raise ModelUnusable(_without(str(folder), lacking, present))
    files = _hashed(folder, matching(present, patterns))
    return ModelFiles(folder, folder.resolve().name, revision_of(files), files)


def _of_snapshot(model: str, snapshot: Path, patterns: Sequence[str]) -> ModelFiles:
    return ModelFiles(snapshot, model, snapshot.name, _hashed(snapshot, matching(files_below(snapshot), patterns)))


def _hashed(folder: Path, paths: Sequence[str]) -> dict[str, str]:
    try:
        return hashes_of(folder, paths)
    except OSError as fault:
        raise ModelUnusable(f"{fault.filename or folder} cannot be read: {fault.strerror}") from None


def _lacking(folder: Path, patterns: Sequence[str], required: Sequence[str]) -> tuple[str, ...]:
    """The required patterns that no file matches; where nothing is said to be required, weights of some kind are."""
    present = files_below(folder)
    found = matching(present, patterns)
    if required or not found:
        return tuple(pattern for pattern in required or patterns if not matching(present, (pattern,)))
    weights = tuple(pattern for pattern in patterns if pattern.endswith(_WEIGHTS))
    return () if any(path.endswith(_WEIGHTS) for path in found) else weights


def _without(model: str, lacking: Sequence[str], present: Sequence[str]) -> str:
    """Why a model of which files are missing cannot be used, in one sentence."""
    found = ((pattern, path) for pattern in lacking for path in _pickled_instead(pattern, present))
    pattern, pickled = next(found, ("", ""))
    if pickled:
        return (
            f"{model} has pickled weights only ({pickled}), which are refused: they are never unpickled, because "
            f"pickles can run code; convert them to safetensors, or name a revision that has {pattern}"
        )
    return f"{model} is not a model of this kind, or not a whole one: it has no {' and no '.join(lacking[:4])}"


def _pickled_instead(pattern: str, present: Sequence[str]) -> list[str]:
    """Pickles in the place of weights that a pattern looks for: of the same name, or with no others beside them."""
    if not pattern.endswith(_WEIGHTS):
        return []
    place, ending = pattern.rpartition("/")[0], f".{pattern.rpartition('.')[2]}"
    beside = [path for path in present if not place or path.rpartition("/")[0] == place]
    pickled = [path for path in beside if is_pickled(path)]
    namesakes = [path for path in pickled if matching((f"{path.rpartition('.')[0]}{ending}",), (pattern,))]
    return namesakes or ([] if any(path.endswith(_WEIGHTS) for path in beside) else pickled)


def _incomplete(model: str, snapshot: Path, patterns: Sequence[str], required: Sequence[str]) -> str:
    missing = (*_lacking(snapshot, patterns, required), *missing_files(snapshot, patterns))
    return f"{model} is in the cache only in part ({missing[0]} is missing)"
