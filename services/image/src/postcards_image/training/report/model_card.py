"""The model card: what a model is, what it was made of, and how to use it, as README.md of its folder."""

import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from postcards_image.training.recipe import Recipe
from postcards_image.training.report.lettering import duration


@dataclass(frozen=True)
class Data:
    """The photographs of a run."""

    name: str
    """What they are called."""
    hub_id: str
    """Their name at the Hugging Face hub; empty when they come from this machine."""
    licence: str
    """Their licence, as its SPDX name or in words; empty when nobody said."""
    attribution: str
    """Who made them, in words; empty when nobody said."""
    classes: tuple[str, ...]
    """Names of the classes; empty when there are none."""
    used: int
    """Photographs learned from."""
    held_out: int
    """Photographs kept back."""
    skipped: int
    """Files that could not be read."""
    duplicates: int
    """Copies that were left out."""


@dataclass(frozen=True)
class Run:
    """What became of a run."""

    name: str
    """Name of the model."""
    preset: str
    """Preset that the recipe started from."""
    recipe: Recipe
    """How it was trained."""
    parameters: int
    """Trained numbers."""
    device: str
    """Kind of device, e.g. "cpu"."""
    precision: str
    """Arithmetic, e.g. "bf16"."""
    processes: int
    """Processes that trained together."""
    images_seen: int
    """Images learned from."""
    seconds: float
    """Time spent learning."""
    loss: float
    """Mean loss of the last steps; not a number before the first."""
    finished: bool
    """Whether it came to its end."""
    libraries: Mapping[str, str]
    """Versions of the libraries that trained it, by name."""


def model_card(run: Run, data: Data) -> str:
    """The card in Markdown, with the front matter that the Hugging Face hub reads."""
    recipe = run.recipe
    sections = [
        _front_matter(run, data),
        f"# {run.name}",
        f"A diffusion model that draws imagined animals at {recipe.resolution} x {recipe.resolution} pixels, "
        f"{'by class' if data.classes and recipe.class_conditional else 'without classes'}, "
        f"with {run.parameters / 1e6:.1f} million parameters. Trained with Postcards.",
        "![Samples of the averaged weights](samples.png)",
        "## Use",
        "```\nPOSTCARDS_IMAGE_ENGINE=ddpm POSTCARDS_IMAGE_MODEL=<this folder, or model.onnx> make postcard\n```",
        "`model.onnx` needs no torch. The folder is in the format of diffusers"
        + ("; what it is shown are bands of patches, see `postcards.json`." if recipe.objective == "edm" else ".")
        + " Its small samples are made for being enlarged and printed, not for being taken for photographs.",
        "## Data",
        _data_text(data),
        "## Training",
        _training_text(run),
        "![Loss](loss.png)",
        "## Limits",
        _limits_text(data),
        "## The whole recipe",
        _table(asdict(recipe)),
    ]
    return "\n\n".join(sections) + "\n"


def _front_matter(run: Run, data: Data) -> str:
    lines = ["---", "library_name: diffusers", "pipeline_tag: unconditional-image-generation"]
    lines += ["tags:", "  - postcards", "  - diffusion", "  - imagined-animals"]
    if data.hub_id:
        lines += ["datasets:", f"  - {_quoted(data.hub_id)}"]
    if data.licence:
        lines.append(f"license: {_quoted(data.licence)}")
    return "\n".join([*lines, f"model_name: {_quoted(run.name)}", "---"])


def _data_text(data: Data) -> str:
    where = f"`{data.name}`" + (f" ({data.hub_id} at the Hugging Face hub)" if data.hub_id else "")
    left_out = [
        f"{data.skipped:,} files could not be read" if data.skipped else "",
        f"{data.duplicates:,} copies were left out" if data.duplicates else "",
    ]
    lines = [f"{data.used:,} photographs of {where}, {data.held_out:,} more were held out to measure against."]
    lines += [f"{'; '.join(filter(None, left_out))}." if any(left_out) else ""]
    lines += [f"Classes: {', '.join(data.classes)}." if data.classes else ""]
    lines += [f"Licence of the photographs: {data.licence or 'not stated; ask before you publish what this draws'}."]
    lines += [data.attribution]
    return "\n\n".join(filter(None, lines))


def _training_text(run: Run) -> str:
    ended = "to its end" if run.finished else "and stopped before its end"
    machine = f"{run.processes} x {run.device}" if run.processes > 1 else run.device
    loss = "" if math.isnan(run.loss) else f" Mean loss of the last steps: {run.loss:.4f}."
    libraries = ", ".join(f"{name} {version}" for name, version in run.libraries.items())
    return (
        f"Preset `{run.preset}`, {run.images_seen:,} images seen in {duration(run.seconds)} on {machine} "
        f"({run.precision}, {platform.machine()}), {ended}.{loss} {libraries}."
    )


def _limits_text(data: Data) -> str:
    return (
        f"It has seen {data.used:,} photographs and nothing else: it knows their animals, their light and their "
        "backgrounds, and their prejudices. It is too small to be mistaken for a camera and should not be used as one."
    )


def _table(values: Mapping[str, Any]) -> str:
    rows = [f"| {name} | {'' if value is None else value} |" for name, value in values.items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _quoted(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'
