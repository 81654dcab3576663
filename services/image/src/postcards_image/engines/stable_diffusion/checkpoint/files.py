"""Which files of a repository a checkpoint is. Standard library only."""

from collections.abc import Sequence
from typing import Final

from postcards_image.engines.stable_diffusion.choices import DEFAULT_MODEL, DEFAULT_REVISION, Choices
from postcards_serving.models.find import ModelFiles, find_model

CONFIGURATIONS: Final = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/*.json",
    "tokenizer/merges.txt",
    "text_encoder/config.json",
    "unet/config.json",
    "vae/config.json",
    "safety_checker/config.json",
    "feature_extractor/preprocessor_config.json",
)
"""Small files: how the parts are built."""

REQUIRED_CONFIGURATIONS: Final = (
    "scheduler/scheduler_config.json",
    "tokenizer/tokenizer_config.json",
    "unet/config.json",
)
"""Those of them that every checkpoint has."""

_WEIGHTS: Final = {
    "text_encoder": "model",
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "safety_checker": "model",
}
"""Names of weight files, by part. Those of this family are never in several pieces."""

REQUIRED_PARTS: Final = ("text_encoder", "unet", "vae")
"""The parts without which there is no picture, and which have weights."""


def patterns(*, half: bool) -> tuple[str, ...]:
    """All files of a checkpoint, in half precision or whole."""
    return (*CONFIGURATIONS, *(weights(part, half=half) for part in _WEIGHTS))


def required(*, half: bool) -> tuple[str, ...]:
    """Those that every checkpoint has."""
    heavy = (weights(part, half=half) for part in REQUIRED_PARTS)
    return (*REQUIRED_CONFIGURATIONS, *heavy)


def weights(part: str, *, half: bool) -> str:
    """The file with the weights of a part, in half precision or whole."""
    return f"{part}/{_WEIGHTS[part]}{'.fp16' if half else ''}.safetensors"


INSTALL: Final = "make setup-models"
"""What brings torch, diffusers, transformers and peft."""


INSTALL_LINE: Final = f"run `{INSTALL}`"


def find_files(choices: Choices, patterns: Sequence[str], required: Sequence[str]) -> ModelFiles:
    """The files of the chosen model that match `patterns`.

    Raises:
        ModelUnusable: there is no such model, or one of the `required` files is missing.
    """
    model = choices.model or DEFAULT_MODEL
    revision = choices.revision or (DEFAULT_REVISION if model == DEFAULT_MODEL else "")
    return find_model(model, patterns=patterns, revision=revision, install=INSTALL_LINE, required=required)
