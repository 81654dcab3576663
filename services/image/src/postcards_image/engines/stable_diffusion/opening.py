"""The door to the heavy part: looks for the libraries before it imports what stands on them."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from postcards_image.engine import ImageEngine
from postcards_image.engines.stable_diffusion import files
from postcards_image.engines.stable_diffusion.choices import DEFAULT_MODEL, DEFAULT_REVISION, Choices
from postcards_serving.errors import ModelUnusable
from postcards_serving.models import ModelFiles, find_model

INSTALL: Final = "make setup-models"
"""What brings torch, diffusers, transformers and peft."""

INSTALL_LINE: Final = f"run `{INSTALL}`"

_NEEDED = ("torch", "diffusers", "transformers", "safetensors")


def load_engine(choices: Choices) -> ImageEngine:
    """The engine with its model in memory.

    Raises:
        ModelUnusable: a library or the model is missing, or the model is none that can be served here.
    """
    missing = [name for name in (*_NEEDED, *(("peft",) if choices.lora else ())) if find_spec(name) is None]
    if missing:
        raise ModelUnusable(f"stable-diffusion needs {', '.join(missing)}, not installed here: run `{INSTALL}`")
    # Asked before torch is loaded, which takes long: a model that is not there is told at once.
    find_files(choices, files.CONFIGURATIONS, files.REQUIRED_CONFIGURATIONS)
    loading = import_module("postcards_image.engines.stable_diffusion.loading")
    engine = import_module("postcards_image.engines.stable_diffusion.engine")
    return engine.StableDiffusionEngine(loading.load_checkpoint(choices), batch_rows=choices.batch_rows)


def find_files(choices: Choices, patterns: Sequence[str], required: Sequence[str]) -> ModelFiles:
    """The files of the chosen model that match `patterns`.

    Raises:
        ModelUnusable: there is no such model, or one of the `required` files is missing.
    """
    model = choices.model or DEFAULT_MODEL
    revision = choices.revision or (DEFAULT_REVISION if model == DEFAULT_MODEL else "")
    return find_model(model, patterns=patterns, revision=revision, install=INSTALL_LINE, required=required)
