"""Everything that a training run is, in one file that appears whole or not at all.

A checkpoint is a safetensors file: weights, averaged weights, state of the optimiser and the losses so far, with where
the run stands in its metadata. Randomness and the position in the data are functions of the seed and the step, so they
need no state of their own.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from postcards_image.training.recipe import Recipe

KEPT = 2
"""Checkpoints that stay in a folder: the newest, and the one before in case a disk loses the newest."""

_NAME = re.compile(r"step-(\d{9})\.safetensors")


@dataclass(frozen=True)
class Position:
    """Where a run stands."""

    step: int = 0
    """Training steps done."""
    samples: int = 0
    """Samples learned from."""
    seconds: float = 0.0
    """Time spent, over all resumptions."""


@dataclass(frozen=True)
class Checkpoint:
    """A run as it was."""

    recipe: Recipe
    """How it is trained."""
    classes: tuple[str, ...]
    """Classes of its data."""
    data: str
    """SHA-256 of its photographs; another set would not continue the same run."""
    position: Position
    """Where it stands."""
    tensors: Mapping[str, Tensor]
    """Named parts: `network.*`, `averaged.*`, `optimizer.*`, `history.*`."""

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors of one part, by their names within it."""
        return {
            key.removeprefix(f"{name}."): value for key, value in self.tensors.items() if key.startswith(f"{name}.")
        }


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Writes a checkpoint and removes those that it makes superfluous.

    Raises:
        OSError: it could not be written; those that were there still are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{checkpoint.position.step:09d}.safetensors"
    unfinished = folder / "unfinished.part"
    about = {
        "recipe": asdict(checkpoint.recipe),
        "classes": checkpoint.classes,
        "data": checkpoint.data,
        "position": asdict(checkpoint.position),
    }
    try:
        save_file(dict(checkpoint.tensors), unfinished, metadata={"postcards": json.dumps(about)})
        _flush(unfinished)
        unfinished.replace(path)
        _flush(folder)
    except (OSError, SafetensorError) as fault:
        unfinished.unlink(missing_ok=True)
        raise OSError(f"the checkpoint could not be written: {fault}") from fault
    for old in _paths(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def load_newest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that can be read; None when there is none."""
    for path in reversed(_paths(folder)):
        try:
            return load(path)
        except ValueError:
            continue
    return None


def load(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        ValueError: the file is no checkpoint, or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["postcards"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return Checkpoint(
            recipe=_recipe(about["recipe"]),
            classes=tuple(about["classes"]),
            data=about["data"],
            position=Position(**about["position"]),
            tensors=tensors,
        )
    except (SafetensorError, KeyError, TypeError, OSError) as fault:
        raise ValueError(f"{path.name} is no checkpoint: {fault}") from fault


def _recipe(values: dict[str, Any]) -> Recipe:
    tuples: dict[str, Any] = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Recipe(**values | tuples)


def _paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*.safetensors") if _NAME.fullmatch(path.name))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
