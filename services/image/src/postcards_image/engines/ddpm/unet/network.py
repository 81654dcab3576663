"""The network: a diffusers `UNet2DModel` over patches or their bands, whose class table may be mixed."""

from pathlib import Path

from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.unet.bands import Bands


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


def load(folder: Path, description: ModelDescription) -> Network:
    """The network of a model's folder.

    Raises:
        OSError: there is none, or only pickled weights.
    """
    return Network(UNet2DModel.from_pretrained(folder / "unet", use_safetensors=True), description)
