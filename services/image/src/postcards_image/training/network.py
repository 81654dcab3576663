"""The network: a diffusers `UNet2DModel` over patches, whose class table may be mixed."""

import math
from pathlib import Path

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.training.recipe import AUGMENTATION_LABELS, Recipe

_HEAD_CHANNELS = 64


class MixedEmbedding(nn.Embedding):
    """An embedding table that also takes weights of its rows."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Integer rows, [rows], as any embedding; or weights, [rows, labels], which mix the rows."""
        return input @ self.weight if input.is_floating_point() else super().forward(input)


class Network(nn.Module):
    """From pictures to predictions of the same shape, whatever the size of the patches."""

    def __init__(self, unet: UNet2DModel, patch_size: int) -> None:
        """Wraps a UNet over patches of `patch_size` pixels; its class table becomes one that can be mixed."""
        super().__init__()
        self.unet = unet
        self.patch_size = patch_size
        table = unet.class_embedding
        if isinstance(table, nn.Embedding) and not isinstance(table, MixedEmbedding):
            mixed = MixedEmbedding(*table.weight.shape)
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
        patches = functional.pixel_unshuffle(sample, self.patch_size)
        answer = self.unet(patches, timestep, class_labels=class_weights, return_dict=False)[0]
        return functional.pixel_shuffle(answer, self.patch_size)


def describe(recipe: Recipe, classes: tuple[str, ...], name: str) -> ModelDescription:
    """What the engine must know about the model that a recipe makes."""
    classes = classes if recipe.class_conditional else ()
    labels = len(classes) + 1 + AUGMENTATION_LABELS if recipe.class_conditional else 0
    edm = recipe.objective == "edm"
    return ModelDescription(
        name=name,
        resolution=recipe.resolution,
        patch_size=recipe.patch_size,
        data_scale=2.0 if edm else 1.0,
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
        num_class_embeds=description.labels or None,
    )
    if description.labels:
        # Drawn as wide as usual, thousands of steps pass before the timestep is heard over the classes.
        nn.init.normal_(unet.class_embedding.weight, std=0.1)
    return Network(unet, recipe.patch_size)


def load(folder: Path, patch_size: int) -> Network:
    """The network of a model's folder.

    Raises:
        OSError: there is none, or only pickled weights.
    """
    return Network(UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True), patch_size)


def parameter_count(network: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def bf16_is_fast() -> bool:
    """Whether this machine has instructions for bf16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
