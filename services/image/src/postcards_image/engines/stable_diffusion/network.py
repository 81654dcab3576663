"""The UNet as one function of a batch whose rows are at timesteps and words of their own."""

from typing import Any, Final

import torch

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Rows of a call once the UNet is compiled: each size is compiled once and then used again and again."""


class Network:
    """Predicts for noisy latent pictures what its checkpoint was trained to predict."""

    def __init__(self, unet: Any, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:  # noqa: ANN401 - diffusers has no types here
        """Takes a UNet2DConditionModel that is on `device` in `dtype`.

        Args:
            unet: the model.
            device: where it computes.
            dtype: in what.
            compiled: whether to compile it; batches are then padded to a few sizes.
        """
        self.channels: Final = int(unet.config.in_channels)
        self._unet: Final = unet
        # CUDA graphs, which this mode uses, also save the launches that bind small batches to the CPU.
        self._call: Any = torch.compile(unet, mode="reduce-overhead", dynamic=False) if compiled else unet
        self._padded: Final = compiled
        self._device: Final = device
        self._dtype: Final = dtype

    def __call__(self, latents: torch.Tensor, timesteps: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """One call of the UNet.

        Args:
            latents: [rows, channels, height, width], scaled as the sampler wants them.
            timesteps: [rows], float32.
            words: [rows, tokens, width].

        Returns:
            [rows, channels, height, width], float32.
        """
        rows = latents.shape[0]
        size = padded_size(rows) if self._padded else rows
        with torch.inference_mode():
            answer = self._call(
                _filled(latents.to(self._device, self._dtype), size),
                _filled(timesteps.to(self._device), size),
                encoder_hidden_states=_filled(words.to(self._device, self._dtype), size),
                return_dict=False,
            )[0][:rows]
            # A compiled UNet writes its next answer into the same memory.
            return answer.to(torch.float32, copy=self._padded)


def padded_size(rows: int) -> int:
    """The least of a few sizes that holds `rows`; beyond the largest, `rows` itself."""
    return next((size for size in _SIZES if size >= rows), rows)


def _filled(values: torch.Tensor, size: int) -> torch.Tensor:
    """`values` with its last row repeated until there are `size`."""
    missing = size - values.shape[0]
    return torch.cat([values, values[-1:].expand(missing, *values.shape[1:])]) if missing else values
