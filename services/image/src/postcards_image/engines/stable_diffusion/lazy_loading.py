"""The door to the heavy part: looks for the libraries before it imports what stands on them."""

from importlib import import_module
from importlib.util import find_spec

from postcards_image.engine import ImageEngine
from postcards_image.engines.stable_diffusion.checkpoint import files
from postcards_image.engines.stable_diffusion.checkpoint.files import INSTALL, find_files
from postcards_image.engines.stable_diffusion.choices import Choices
from postcards_serving.errors import ModelUnusable

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
    loading = import_module("postcards_image.engines.stable_diffusion.checkpoint.loading")
    engine = import_module("postcards_image.engines.stable_diffusion.engine")
    return engine.StableDiffusionEngine(loading.load_checkpoint(choices), batch_rows=choices.batch_rows)
