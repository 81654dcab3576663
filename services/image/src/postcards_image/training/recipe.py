"""Everything that decides how a model is trained, and the named choices.

Why the settings are as they are, with the measurements: `docs/decisions/0013-how-small-models-are-trained.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

Objective = Literal["edm", "ddpm"]
"""What is learned: "edm" a preconditioned denoiser at log-normal noise levels (Karras et al. 2022), "ddpm" the noise
at uniform timesteps (Ho et al. 2020)."""

Precision = Literal["auto", "fp32", "bf16"]
"""Arithmetic of the network; "auto" takes bf16 where the processor has instructions for it."""

AUGMENTATION_LABELS = 7
"""Numbers that tell the network what was done to a photograph."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. The metadata of a field holds its range."""

    resolution: int = field(default=64, metadata={"ge": 8, "le": 512})
    """Width and height of the pictures, pixels; a multiple of `patch_size` times 2 for every level below the first."""
    patch_size: int = field(default=4, metadata={"ge": 1, "le": 16})
    """Side of the square of pixels that becomes one position of the network; larger is quicker and coarser."""
    channels: tuple[int, ...] = field(
        default=(64, 96, 128), metadata={"min_length": 1, "max_length": 8, "item_ge": 8, "item_le": 2048}
    )
    """Channels of each level of the network, each level half as wide as the one before."""
    layers_per_block: int = field(default=1, metadata={"ge": 1, "le": 8})
    """Residual blocks of each level on its way down; one more on its way up."""
    attention: tuple[int, ...] = field(default=(2,), metadata={"max_length": 8, "item_ge": 0, "item_le": 7})
    """Levels that attend to the whole picture, 0 the widest."""
    dropout: float = field(default=0.05, metadata={"ge": 0, "le": 0.9})
    """Share of activations dropped in residual blocks."""
    objective: Objective = "edm"
    """What is learned."""
    class_conditional: bool = True
    """Whether the network is told the class, where the data has classes."""
    class_dropout: float = field(default=0.1, metadata={"ge": 0, "le": 1})
    """Share of samples whose class is withheld, so that guidance can be used."""
    augmentation: float = field(default=0.4, metadata={"ge": 0, "le": 1})
    """Share of samples that are moved, turned, zoomed or tinted; the network is told how."""
    noise_mean: float = field(default=-0.1, metadata={"ge": -5, "le": 5})
    """Mean of the logarithm of the noise level, model units ("edm" only)."""
    noise_std: float = field(default=1.3, metadata={"gt": 0, "le": 5})
    """Standard deviation of the same."""
    batch_size: int = field(default=16, metadata={"ge": 1, "le": 65536})
    """Samples of one training step, on each device."""
    learning_rate: float = field(default=7e-4, metadata={"gt": 0, "le": 1})
    """Highest learning rate of AdamW."""
    weight_decay: float = field(default=0.01, metadata={"ge": 0, "le": 1})
    """Weight decay of AdamW."""
    warm_up: int = field(default=200, metadata={"ge": 0, "le": 1_000_000})
    """Steps over which the learning rate rises."""
    cool_down: float = field(default=0.4, metadata={"ge": 0, "le": 1})
    """Last share of the training over which the learning rate falls to nothing."""
    averaging: float = field(default=0.08, metadata={"ge": 0, "le": 0.28})
    """Width of the weights' average as a share of the training so far (sigma_rel of Karras et al. 2024); 0: none."""
    epochs: float | None = field(default=None, metadata={"gt": 0, "le": 1_000_000})
    """Passes over the photographs after which training ends; None where `minutes` decides."""
    minutes: float | None = field(default=None, metadata={"gt": 0, "le": 100_000})
    """Minutes of training after which it ends, over all resumptions; None where `epochs` decides."""
    seed: int = field(default=0, metadata={"ge": 0, "le": 2**63 - 1})
    """Seed of the first weights, the order, the noise and the dropout."""
    precision: Precision = "auto"
    """Arithmetic of the network."""
    held_out: float = field(default=0.1, metadata={"ge": 0, "le": 0.5})
    """Share of the photographs kept back, to measure against."""

    def __post_init__(self) -> None:
        """Checks how the fields fit together; single ranges are in their metadata.

        Raises:
            ValueError: names the field and the limit.
        """
        multiple = self.patch_size * 2 ** (len(self.channels) - 1)
        if self.resolution % multiple:
            raise ValueError(f"resolution must be a multiple of {multiple}, not {self.resolution}")
        if any(level >= len(self.channels) for level in self.attention):
            raise ValueError(f"attention must name levels below {len(self.channels)}, not {self.attention}")
        if self.epochs is None and self.minutes is None:
            raise ValueError("epochs or minutes must be given")


PRESETS: Mapping[str, Recipe] = MappingProxyType(
    {
        "author": Recipe(
            resolution=16,
            patch_size=1,
            channels=(32, 64, 128, 256),
            layers_per_block=2,
            attention=(2,),
            dropout=0.0,
            objective="ddpm",
            class_conditional=False,
            augmentation=0.0,
            batch_size=16,
            learning_rate=1e-4,
            warm_up=500,
            cool_down=1.0,
            averaging=0.0,
            epochs=10,
            precision="fp32",
        ),
        "quick": Recipe(
            resolution=16,
            patch_size=1,
            channels=(48, 64, 96),
            attention=(2,),
            dropout=0.0,
            augmentation=0.2,
            batch_size=32,
            learning_rate=1e-3,
            warm_up=100,
            minutes=15,
        ),
        "best": Recipe(minutes=240),
    }
)
"""The author's own attempt; the quickest that shows animals; what made the model that is shipped."""


def with_budget(recipe: Recipe, *, epochs: float | None, minutes: float | None) -> Recipe:
    """The recipe with another end; one that is given replaces both of the preset's."""
    if epochs is None and minutes is None:
        return recipe
    return replace(recipe, epochs=epochs, minutes=minutes)
