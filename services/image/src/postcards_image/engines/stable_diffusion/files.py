"""Which files of a repository a checkpoint is. Standard library only."""

from typing import Final

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
