"""The network: a diffusers `UNet2DModel` over patches or their bands, whose class table may be mixed."""

import math
from pathlib import Path

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.training.network.bands import Bands
from postcards_image.training.recipe import AUGMENTATION_LABELS, Recipe

EDM_SCALE = 2.0
"""What photographs in [-1, 1] are multiplied by to have about unit variance."""

_HEAD_CHANNELS = 64


class MixedEmbedding(nn.Embedding):
    """An embedding table that also takes weights of its rows."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Integer rows, [rows], as any embedding; or weights, [rows, labels], which mix the rows."""
        return input @ self.weight if input.is_floating_point() else super().forward(input)


class Network(nn.Module):
    """From pictures to predictions of the same shape, whatever the size of the patches."""

    def __init__(self, unet: UNet2DModel, description: ModelDescription) -> None:
        """Wraps the UNet of a model; its class table becomes one that can be mixed."""
        super().__init__()
        self.unet = unet
        self.bands = Bands(description) if description.band_deviations else None
        self.patch_size = description.patch_size
        table = unet.class_embedding
        if isinstance(table, nn.Embedding) and not isinstance(table, MixedEmbedding):
            mixed = MixedEmbedding(table.num_embeddings, table.embedding_dim)
            mixed.load_state_dict(table.state_dict())
            unet.class_embedding = mixed

    def forward(self, sample: Tensor, timestep: Tensor, class_weights: Tensor | None = None) -> Tensor:
        """Predicts.

        Args:
            sample: pictures as the network is shown them, [rows, 3, height, width].
            timestep: continuous training timesteps, [rows].
            class_weights: weights of the rows of the class table, [rows, labels]; None without classes.

        Returns:
            The prediction, [rows, 3, height, width].
        """
        if self.bands is None:
            patches = functional.pixel_unshuffle(sample, self.patch_size)
            return functional.pixel_shuffle(self._ask(patches, timestep, class_weights), self.patch_size)
        bands = self.bands.split(sample)
        gain, guess, missed = self.bands.factors(timestep)
        answer = self._ask(bands * gain, timestep, class_weights)
        return self.bands.join(guess * bands + missed * answer)

    def _ask(self, patches: Tensor, timestep: Tensor, class_weights: Tensor | None) -> Tensor:
        return self.unet(patches, timestep, class_labels=class_weights, return_dict=False)[0]


def describe(
    recipe: Recipe, classes: tuple[str, ...], name: str, band_deviations: tuple[float, ...] = ()
) -> ModelDescription:
    """What the engine must know about the model that a recipe makes; `band_deviations` are those of its data."""
    classes = classes if recipe.class_conditional else ()
    labels = len(classes) + 1 + AUGMENTATION_LABELS if recipe.class_conditional else 0
    edm = recipe.objective == "edm"
    return ModelDescription(
        name=name,
        resolution=recipe.resolution,
        patch_size=recipe.patch_size,
        band_deviations=band_deviations if edm else (),
        data_scale=EDM_SCALE if edm else 1.0,
        prediction_type="v_prediction" if edm else "epsilon",
        beta_schedule="squaredcos_cap_v2" if edm else "linear",
        classes=classes,
        labels=labels,
        any_class=len(classes) if labels else None,
    )


def build(recipe: Recipe, description: ModelDescription) -> Network:
    """A network with fresh weights, drawn from torch's global random state."""
    levels = range(len(recipe.channels))
    attends = [level in recipe.attention for level in levels]
    pixels = 3 * recipe.patch_size**2
    unet = UNet2DModel(
        sample_size=recipe.resolution // recipe.patch_size,
        in_channels=pixels,
        out_channels=pixels,
        block_out_channels=recipe.channels,
        layers_per_block=recipe.layers_per_block,
        down_block_types=tuple("AttnDownBlock2D" if attend else "DownBlock2D" for attend in attends),
        up_block_types=tuple("AttnUpBlock2D" if attend else "UpBlock2D" for attend in reversed(attends)),
        dropout=recipe.dropout,
        attention_head_dim=min(_HEAD_CHANNELS, math.gcd(*recipe.channels)),
        norm_num_groups=math.gcd(32, *recipe.channels),
        # Added before a normalisation of few channels, as in the first DDPM, time and class are mostly normalised away.
        resnet_time_scale_shift="default" if recipe.objective == "ddpm" else "scale_shift",
        num_class_embeds=description.labels or None,
    )
    if isinstance(unet.class_embedding, nn.Embedding):
        # Drawn as wide as usual, thousands of steps pass before the timestep is heard over the classes.
        nn.init.normal_(unet.class_embedding.weight, std=0.1)
    return Network(unet, description)


def load(folder: Path, description: ModelDescription) -> Network:
    """The network of a model's folder.

    Raises:
        OSError: there is none, or only pickled weights.
    """
    return Network(UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True), description)


def parameter_count(network: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def bf16_is_fast() -> bool:
    """Whether this machine has instructions for bf16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    # torch asks the processor, but has no public name for the question.
    return torch.cpu._is_avx512_bf16_supported()  # pyright: ignore[reportPrivateUsage]
