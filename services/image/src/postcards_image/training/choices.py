"""From what was asked of the command to a recipe, a checkpoint and weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postcards_image.training.data.photos import Photos
from postcards_image.training.recipe import PRESETS, Recipe, with_budget

if TYPE_CHECKING:
    from torch import Tensor

    from postcards_image.training.loop.checkpoints import Checkpoint


INSTALL = 'run `make setup-train`, or pip install torch==2.13.0 "postcards-image[train]"'
"""What brings the libraries that training needs."""

NEEDED = ("torch", "typer", "diffusers", "accelerate", "safetensors", "onnx", "datasets")
"""The libraries that training needs beside those of the service, in the order in which they are named."""


class UsageError(Exception):
    """The command cannot do what it was asked; the message is one line that says what to do."""


class StoppedAtOnce(Exception):  # noqa: N818 - no error: the second signal is a request too
    """The run was ended in the middle of a step."""


@dataclass(frozen=True)
class Ask:
    """What was asked of the command."""

    data: str
    """Folder, zip file or dataset."""
    out: Path
    """Folder of the run."""
    preset: str
    """A name in `PRESETS`."""
    overrides: Mapping[str, Any]
    """Fields of the recipe that were given, by name."""
    resume: bool
    """Whether to go on with the run in `out`."""
    start_from: Path | None
    """Model whose weights to start from."""
    licence: str
    """Of the pictures; may be empty."""
    attribution: str
    """Who made the pictures; may be empty."""
    intervals: tuple[float, float]
    """Seconds between checkpoints, and between sample sheets."""


def choose_recipe(ask: Ask) -> Recipe:
    """The preset with what was asked to be otherwise.

    Raises:
        UsageError: names the option and its limit.
    """
    check_intervals(ask.intervals)
    if ask.preset not in PRESETS:
        raise UsageError(f"--preset must be one of {', '.join(PRESETS)}, not {ask.preset}")
    changes = dict(ask.overrides)
    for name, value in changes.items():
        _check_range(name, value)
    ends = {name: changes.pop(name, None) for name in ("epochs", "minutes")}
    preset = with_budget(PRESETS[ask.preset], **ends)
    if "channels" in changes:
        # A network of fewer levels than the preset's attends at its narrowest.
        lowest = len(changes["channels"]) - 1
        changes["attention"] = tuple(sorted({min(level, lowest) for level in preset.attention}))
    try:
        return replace(preset, **changes)
    except ValueError as fault:
        raise UsageError(f"--{fault}") from None


def choose_checkpoint(ask: Ask) -> "Checkpoint | None":
    """The checkpoint to go on from, or None for a new run.

    Raises:
        UsageError: there is none, there is one that was not asked for, or what was asked would change the run.
    """
    from postcards_image.training.loop import checkpoints, trainer

    check_intervals(ask.intervals)
    if ask.out.exists() and not ask.out.is_dir():
        raise UsageError(f"--out must be a folder, and {ask.out} is a file")
    folder = ask.out / trainer.CHECKPOINTS
    found = checkpoints.load_newest(folder)
    if found is None and any(folder.glob("step-*")):
        raise UsageError(f"no checkpoint in {folder} can be read; choose another --out to begin again")
    if not ask.resume:
        if found is not None:
            raise UsageError(f"{ask.out} holds a run already: go on with --resume, or choose another --out")
        return None
    if found is None and folder.is_dir():
        # Killed before the first checkpoint was whole: there is nothing to lose.
        return None
    if found is None:
        raise UsageError(f"{ask.out} holds no checkpoint to resume")
    ends = {name: ask.overrides.get(name) for name in ("epochs", "minutes")}
    for name, value in ask.overrides.items():
        _check_range(name, value)
        if name not in ends and value != getattr(found.recipe, name):
            raise UsageError(f"--{name.replace('_', '-')} of a run cannot change: it is {getattr(found.recipe, name)}")
    if ask.start_from is not None:
        raise UsageError("--start-from is for new runs; a run that is resumed has its weights")
    return trainer.go_on(found, **ends)


def nearest_preset(recipe: Recipe) -> str:
    """The preset that a recipe shares most settings with: that of a run which is taken up again."""
    values = asdict(recipe)

    def differences(name: str) -> int:
        preset = asdict(PRESETS[name])
        return sum(preset[key] != value for key, value in values.items())

    return min(PRESETS, key=differences)


def check_intervals(intervals: tuple[float, float]) -> None:
    """Refuses times between checkpoints and sheets that are none.

    Raises:
        UsageError: names the option and its limit.
    """
    for option, value in zip(("--checkpoint-seconds", "--sample-seconds"), intervals, strict=True):
        if not value >= 0:
            raise UsageError(f"{option} must be at least 0, not {value:g}")


def choose_weights(ask: Ask, recipe: Recipe, classes: tuple[str, ...]) -> "Mapping[str, Tensor] | None":
    """Weights to start from, where some are named, with the class table that `classes` ask for.

    Raises:
        UsageError: they cannot be read.
    """
    if ask.start_from is None:
        return None
    from postcards_image.training.network.building import describe
    from postcards_image.training.network.class_table import fitted
    from postcards_image.training.network.export import read_weights

    try:
        weights, theirs = read_weights(ask.start_from)
        return fitted(weights, theirs, describe(recipe, classes, theirs.name))
    except (ValueError, OSError) as fault:
        raise UsageError(f"--start-from: {fault}") from None


def check_data(ask: Ask, checkpoint: "Checkpoint | None", photos: Photos) -> None:
    """Refuses to resume a run on other photographs.

    Raises:
        UsageError: they are others.
    """
    from postcards_image.training.loop.trainer import fingerprint

    if checkpoint is not None and checkpoint.data != fingerprint(photos):
        raise UsageError(f"the run in {ask.out} was trained on other pictures than {ask.data}")


def _check_range(name: str, value: Any) -> None:  # noqa: ANN401 - as the field
    """Holds a value against the range in the recipe's field."""
    limits = next(field.metadata for field in fields(Recipe) if field.name == name)
    option = f"--{name.replace('_', '-')}"
    parts: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]
    prefix = "item_" if isinstance(value, tuple) else ""
    if isinstance(value, tuple) and not limits["min_length"] <= len(parts) <= limits["max_length"]:
        raise UsageError(f"{option} must be {limits['min_length']} to {limits['max_length']} numbers, not {len(parts)}")
    for part in parts:
        if not part >= limits.get(f"{prefix}ge", part) or not part > limits.get(f"{prefix}gt", part - 1):
            least = limits.get(f"{prefix}ge", limits.get(f"{prefix}gt"))
            word = "at least" if f"{prefix}ge" in limits else "more than"
            raise UsageError(f"{option} must be {word} {least}, not {part}")
        if not part <= limits.get(f"{prefix}le", part):
            raise UsageError(f"{option} must be at most {limits[f'{prefix}le']}, not {part}")
