"""The UNet as one function of a batch whose rows are at timesteps and words of their own."""

import logging
from typing import Any, Final

import torch

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Rows of a call once the UNet is compiled: each size is compiled once and then used again and again."""

_log = logging.getLogger(__name__)


class Network:
    """Predicts for noisy latent pictures what its checkpoint was trained to predict."""

    def __init__(self, unet: Any, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:  # noqa: ANN401 - diffusers has no types here
        """Takes a UNet2DConditionModel that is on `device` in `dtype`.

        Args:
            unet: the model.
            device: where it computes.
            dtype: in what.
            compiled: whether to compile it for the shapes that are rehearsed; their batches are padded to a few sizes.
        """
        self.channels: Final = int(unet.config.in_channels)
        self._unet: Final = unet
        # Not the mode with CUDA graphs: torch keeps those for the thread that made them, and ours change threads.
        self._compiled: Any = torch.compile(unet, dynamic=False) if compiled else None
        self._rehearsed: set[tuple[int, int, int, int]] = set()
        self._words_width: Final = int(unet.config.cross_attention_dim)
        self._device: Final = device
        self._dtype: Final = dtype

    def compiled_for(self, height: int, width: int, tokens: int) -> bool:
        """Whether the UNet runs compiled for latent pictures of one size with so many tokens."""
        return any(shape[1:] == (height, width, tokens) for shape in self._rehearsed)

    def rehearse(self, rows: int, height: int, width: int, tokens: int) -> None:
        """Compiles for batches of up to `rows` of one size, so that no request has to wait for that.

        Other shapes are never compiled. Where that cannot be done (no C compiler, say) the UNet runs as it is, and the
        log says so.
        """
        if self._compiled is None:
            return
        largest = padded_size(rows)
        for size in (size for size in _SIZES if size <= largest):
            try:
                self._ask_nothing(self._compiled, size, height, width, tokens)
            except Exception as fault:
                _log.warning("the UNet cannot be compiled here and runs as it is: %s", type(fault).__name__)
                _log.debug("compiling failed", exc_info=fault)
                self._compiled = None
                self._rehearsed.clear()
                return
            self._rehearsed.add((size, height, width, tokens))

    def try_out(self, rows: int, height: int, width: int, tokens: int) -> None:
        """One call of the UNet as it is, for nothing: what it takes can be measured."""
        self._ask_nothing(self._unet, rows, height, width, tokens)

    def __call__(self, latents: torch.Tensor, timesteps: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """One call of the UNet.

        Args:
            latents: [rows, channels, height, width], scaled as the sampler wants them.
            timesteps: [rows], float32.
            words: [rows, tokens, width].

        Returns:
            [rows, channels, height, width], float32.
        """
        rows, _, height, width = latents.shape
        size = padded_size(rows)
        if (size, height, width, words.shape[1]) in self._rehearsed:
            return self._ask(self._compiled, latents, timesteps, words, size)
        return self._ask(self._unet, latents, timesteps, words, rows)

    def _ask_nothing(self, call: Any, rows: int, height: int, width: int, tokens: int) -> None:  # noqa: ANN401
        # Made as the steps make theirs: what is compiled for other tensors would be compiled again.
        with torch.inference_mode():
            latents, timesteps = torch.zeros(rows, self.channels, height, width), torch.zeros(rows)
            self._ask(call, latents, timesteps, torch.zeros(rows, tokens, self._words_width), rows)

    def _ask(
        self,
        call: Any,  # noqa: ANN401
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        words: torch.Tensor,
        size: int,
    ) -> torch.Tensor:
        rows = latents.shape[0]
        with torch.inference_mode():
            answer = call(
                _filled(latents.to(self._device, self._dtype), size),
                _filled(timesteps.to(self._device), size),
                encoder_hidden_states=_filled(words.to(self._device, self._dtype), size),
                return_dict=False,
            )[0][:rows]
            return answer.float()


def padded_size(rows: int) -> int:
    """The least of a few sizes that holds `rows`; beyond the largest, `rows` itself."""
    return next((size for size in _SIZES if size >= rows), rows)


def _filled(values: torch.Tensor, size: int) -> torch.Tensor:
    """`values` with its last row repeated until there are `size`."""
    missing = size - values.shape[0]
    return torch.cat([values, values[-1:].expand(missing, *values.shape[1:])]) if missing else values
