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

_WEIGHTS: Final = {
    "text_encoder": "model",
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "safety_checker": "model",
}
"""Beginnings of the names of weight files, by part."""

REQUIRED_PARTS: Final = ("text_encoder", "unet", "vae")
"""The parts without which there is no picture, and which have weights."""


def patterns(*, half: bool) -> tuple[str, ...]:
    """All files of a checkpoint, in half precision or whole; those of large models come in several parts."""
    weights = [
        f"{part}/{name}{end}"
        for part, stem in _WEIGHTS.items()
        for name in (f"{stem}.fp16" if half else stem,)
        for end in (".safetensors", "-00*.safetensors", ".safetensors.index.json")
    ]
    if half:
        weights += [f"{part}/{stem}.safetensors.index.fp16.json" for part, stem in _WEIGHTS.items()]
    return (*CONFIGURATIONS, *weights)


def required(*, half: bool) -> tuple[str, ...]:
    """Patterns that a file of every checkpoint matches."""
    ending = ".fp16*.safetensors" if half else "*.safetensors"
    weights = tuple(f"{part}/{_WEIGHTS[part]}{ending}" for part in REQUIRED_PARTS)
    return ("scheduler/scheduler_config.json", "tokenizer/tokenizer_config.json", "unet/config.json", *weights)
