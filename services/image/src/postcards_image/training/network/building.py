"""The network that a recipe asks for, with fresh weights."""

import math

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import nn

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.unet.network import Network
from postcards_image.training.recipe import AUGMENTATION_LABELS, Recipe

EDM_SCALE = 2.0
"""What photographs in [-1, 1] are multiplied by to have about unit variance."""

_HEAD_CHANNELS = 64


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


def parameter_count(network: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def bf16_is_fast() -> bool:
    """Whether this machine has instructions for bf16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    # torch asks the processor, but has no public name for the question.
    return torch.cpu._is_avx512_bf16_supported()  # pyright: ignore[reportPrivateUsage]
