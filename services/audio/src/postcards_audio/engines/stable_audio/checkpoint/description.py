"""What a model's `model_config.json` says that the engine relies on. Standard library only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, cast

from postcards_serving.errors import ModelUnusable

CONFIGURATION_FILE = "model_config.json"
"""Its name in a model's folder."""

_RATE: Final = 44_100
_CHANNELS: Final = 2
_KNOWN_CONDITIONS: Final = {"prompt": "t5", "seconds_start": "number", "seconds_total": "number"}


class Objective(StrEnum):
    """What the network was trained to predict, which decides how it is sampled."""

    V = "v"
    """The velocity between sound and noise on a circle: Salimans and Ho 2022 (arXiv:2202.00512)."""
    FLOW = "rectified_flow"
    """The velocity on a straight line: Liu et al. 2022 (arXiv:2209.03003)."""
    DISTILLED_FLOW = "rf_denoiser"
    """The same, distilled to a few steps: Novack et al. 2025 (arXiv:2505.08175)."""


@dataclass(frozen=True)
class ModelDescription:
    """A model of the kind `diffusion_cond`: a diffusion transformer over the latents of an autoencoder."""

    configuration: Mapping[str, Any]
    """The whole file."""
    objective: Objective
    latent_channels: int
    """Numbers of one latent frame."""
    frames: int
    """Latent frames of a sound: the model always makes as many."""
    samples_per_frame: int
    """Samples that one latent frame stands for."""
    text_encoder: str
    """Id on the hub of the T5 that reads prompts, where the model's folder has none."""
    text_tokens: int
    """Longest prompt in tokens; what is longer is cut."""

    @property
    def longest_seconds(self) -> float:
        """Length of the longest sound, down to a tenth."""
        return self.frames * self.samples_per_frame * 10 // _RATE / 10


def read_description(folder: Path, name: str = "") -> ModelDescription:
    """What the folder of a model says of itself.

    Args:
        folder: where its files are; in the hub's cache it bears the name of a commit.
        name: what people call the model; default: as the folder.

    Raises:
        ModelUnusable: it is not a model that this engine can serve.
    """
    try:
        configuration = json.loads((folder / CONFIGURATION_FILE).read_text(encoding="utf-8"))
        return _described(name or folder.name, configuration)
    except OSError as fault:
        raise ModelUnusable(f"{folder / CONFIGURATION_FILE} cannot be read: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ModelUnusable(
            f"{folder / CONFIGURATION_FILE} is no configuration of a Stable Audio model: "
            f"{type(fault).__name__} {str(fault)[:200]}"
        ) from None


def _described(name: str, configuration: dict[str, Any]) -> ModelDescription:
    kind = configuration["model_type"]
    _demand(kind == "diffusion_cond", name, f"is of the kind {kind}; only diffusion_cond can be served")
    model = configuration["model"]
    diffusion, autoencoder = model["diffusion"], model["pretransform"]
    _demand(diffusion["type"] == "dit", name, f"has a network of the kind {diffusion['type']}, not a transformer (dit)")
    concatenated = [*diffusion.get("input_concat_ids", ()), *diffusion.get("prepend_cond_ids", ())]
    _demand(not concatenated, name, f"must be given {', '.join(map(str, concatenated))}, which a call does not have")
    rate, channels = configuration["sample_rate"], configuration.get("audio_channels", _CHANNELS)
    _demand(rate == _RATE, name, f"sounds at {rate} Hz; calls have {_RATE} Hz")
    _demand(channels == _CHANNELS, name, f"has {channels} channels; calls have {_CHANNELS}")
    _check_autoencoder(name, autoencoder)
    text = _text_condition(name, model["conditioning"]["configs"])
    objective = diffusion.get("diffusion_objective", "v")
    _demand(objective in set(Objective), name, f"predicts {objective}; known are {', '.join(Objective)}")
    ratio = int(autoencoder["config"]["downsampling_ratio"])
    return ModelDescription(
        configuration=configuration,
        objective=Objective(objective),
        latent_channels=int(model["io_channels"]),
        frames=int(configuration["sample_size"]) // ratio,
        samples_per_frame=ratio,
        text_encoder=str(text.get("t5_model_name", "t5-base")),
        text_tokens=int(text.get("max_length", 128)),
    )


def _check_autoencoder(name: str, autoencoder: Mapping[str, Any]) -> None:
    """Sounds are read and written in pieces, which is exact for the convolutions of Oobleck alone."""
    parts = autoencoder.get("config", {})
    kinds = [
        autoencoder.get("type"),
        *(parts.get(part, {}).get("type") for part in ("encoder", "decoder", "bottleneck")),
    ]
    _demand(kinds == ["autoencoder", "oobleck", "oobleck", "vae"], name, f"has an autoencoder of the kinds {kinds}")


def _text_condition(name: str, conditions: list[dict[str, Any]]) -> dict[str, Any]:
    for condition in conditions:
        known = _KNOWN_CONDITIONS.get(condition["id"]) == condition["type"]
        _demand(known, name, f"must be given {condition['id']} ({condition['type']}), which a call does not have")
    texts = [condition["config"] for condition in conditions if condition["type"] == "t5"]
    _demand(len(texts) == 1, name, "reads no prompt")
    return cast(dict[str, Any], texts[0])


def _demand(holds: bool, name: str, otherwise: str) -> None:
    if not holds:
        raise ModelUnusable(f"{name} {otherwise}")
