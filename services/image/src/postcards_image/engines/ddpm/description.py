"""What one must know about a trained model to draw samples with it.

The trainer writes it into `postcards.json` of the model's folder and into the metadata of the ONNX file. A checkpoint
from elsewhere has none: there it is read from the configurations of its UNet and scheduler.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

PredictionType = Literal["v_prediction", "epsilon", "sample"]
"""What a network predicts: `alpha * noise - sigma * image`, the noise, or the image."""

BetaSchedule = Literal["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"]
"""How the variance of the noise grows over the training timesteps; the names are those of diffusers."""

ONNX_METADATA_KEY = "postcards"
"""Where an ONNX file keeps the description, as JSON."""

DESCRIPTION_FILE = "postcards.json"
"""Where a model's folder keeps the description."""


@dataclass(frozen=True)
class ModelDescription:
    """A trained denoiser of square RGB pictures.

    "Model units" are pictures in [-1, 1] times `data_scale`.
    """

    name: str
    """What provenance calls it."""
    resolution: int
    """Width and height of a sample, pixels."""
    patch_size: int = 1
    """Side of the square of pixels that becomes one position of the network's input."""
    band_deviations: tuple[float, ...] = ()
    """Standard deviations of the bands of a patch, 3 * patch_size**2, model units; empty where the network is shown
    pixels. See `postcards_image.engines.ddpm.unet.bands`."""
    data_scale: float = 1.0
    """Factor from pictures in [-1, 1] to what the network was trained on; 2 gives photographs unit variance."""
    prediction_type: PredictionType = "epsilon"
    """What the network predicts."""
    beta_schedule: BetaSchedule = "linear"
    """Shape of the noise schedule that gives timesteps their meaning."""
    beta_start: float = 0.0001
    """First variance of "linear", "scaled_linear" and "sigmoid"."""
    beta_end: float = 0.02
    """Last variance of the same."""
    train_timesteps: int = 1000
    """Number of training timesteps."""
    sigma_min: float = 0.02
    """Smallest noise level worth sampling, in model units."""
    sigma_max: float = 80.0
    """Largest noise level to start from, in model units; the schedule may reach less."""
    classes: tuple[str, ...] = ()
    """Names of the classes: the first rows of the class table. Empty when they are not known."""
    labels: int = 0
    """Rows of the class table; 0 when the network takes no class."""
    any_class: int | None = None
    """Row that stands for no class in particular, for guidance; None when there is none."""

    def __post_init__(self) -> None:
        """Checks what would otherwise fail far from here.

        Raises:
            ValueError: names the field that cannot be.
        """
        for field, choices in (("prediction_type", PredictionType), ("beta_schedule", BetaSchedule)):
            if getattr(self, field) not in get_args(choices):
                raise ValueError(f"{field} must be one of {', '.join(get_args(choices))}, not {getattr(self, field)!r}")
        if self.patch_size < 1 or self.resolution < 1 or self.resolution % self.patch_size:
            raise ValueError(
                f"resolution must be a multiple of patch_size, not {self.resolution} and {self.patch_size}"
            )
        if not 0 < self.sigma_min < self.sigma_max:
            raise ValueError(f"sigma_min must be between 0 and sigma_max, not {self.sigma_min} of {self.sigma_max}")
        if self.data_scale <= 0 or self.train_timesteps < 1:
            raise ValueError("data_scale and train_timesteps must be positive")
        if self.band_deviations and len(self.band_deviations) != 3 * self.patch_size**2:
            raise ValueError(
                f"band_deviations must be {3 * self.patch_size**2} numbers, not {len(self.band_deviations)}"
            )
        if any(not deviation > 0 for deviation in self.band_deviations):
            raise ValueError("band_deviations must be positive")
        if len(self.classes) > self.labels or (self.any_class is not None and not 0 <= self.any_class < self.labels):
            raise ValueError(
                f"a class table of {self.labels} rows cannot hold {len(self.classes)} classes and any_class"
            )

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ModelDescription":
        """Reads what `to_json` wrote. Fields that a later version added are left out.

        Raises:
            ValueError: it is no description.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
            tuples: dict[str, Any] = {name: tuple(known.get(name, ())) for name in ("classes", "band_deviations")}
            return cls(**known | tuples)
        except (TypeError, AttributeError) as fault:
            raise ValueError(f"not a description of a model: {fault}") from None

    @classmethod
    def from_diffusers(cls, name: str, unet: Mapping[str, Any], scheduler: Mapping[str, Any]) -> "ModelDescription":
        """Describes a checkpoint of a `DDPMPipeline` by the configurations of its parts.

        Raises:
            ValueError: it is not a denoiser of square RGB pictures.
        """
        resolution = _square(unet.get("sample_size"))
        if resolution is None or unet.get("in_channels") != 3 or unet.get("out_channels") != 3:
            raise ValueError("only models of square RGB pictures can be served")
        if unet.get("class_embed_type") is not None:
            raise ValueError(f"class_embed_type {unet['class_embed_type']!r} cannot be served")
        return cls(
            name=name,
            resolution=resolution,
            prediction_type=scheduler.get("prediction_type", "epsilon"),
            beta_schedule=scheduler.get("beta_schedule", "linear"),
            beta_start=scheduler.get("beta_start", 0.0001),
            beta_end=scheduler.get("beta_end", 0.02),
            train_timesteps=scheduler.get("num_train_timesteps", 1000),
            labels=unet.get("num_class_embeds") or 0,
        )


def _square(size: object) -> int | None:
    """The side of a `sample_size` that is a number or two equal ones; else None."""
    match size:
        case int():
            return size
        case [int() as height, int() as width] if height == width:
            return height
        case _:
            return None
