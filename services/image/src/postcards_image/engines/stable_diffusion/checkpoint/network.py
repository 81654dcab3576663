"""The UNet as one function of a batch whose rows are at timesteps and words of their own."""

from typing import Any, Final

import torch

from postcards_serving.device.compiled import CompiledNetwork, filled


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
        self._unet: Final = CompiledNetwork(unet, compiled=compiled, name="the UNet")
        self._words_width: Final = int(unet.config.cross_attention_dim)
        self._device: Final = device
        self._dtype: Final = dtype

    @property
    def unet(self) -> Any:  # noqa: ANN401
        """The UNet2DConditionModel as diffusers loaded it, never the compiled one."""
        return self._unet.as_it_is

    def compiled_for(self, height: int, width: int, tokens: int) -> bool:
        """Whether the UNet runs compiled for latent pictures of one size with so many tokens."""
        return self._unet.knows((height, width, tokens))

    def rehearse(self, rows: int, height: int, width: int, tokens: int) -> None:
        """Compiles for batches of up to `rows` of one size, if it is to be compiled; see `CompiledNetwork.rehearse`."""
        self._unet.rehearse(
            rows,
            (height, width, tokens),
            lambda call, size: self._ask_nothing(call, size, height, width, tokens),
        )

    def try_out(self, rows: int, height: int, width: int, tokens: int) -> None:
        """One call of the UNet as it is, for nothing: what it takes can be measured."""
        self._ask_nothing(self._unet.as_it_is, rows, height, width, tokens)

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
        call, size = self._unet.fit(rows, (height, width, words.shape[1]))
        return self._ask(call, latents, timesteps, words, size)

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
                filled(latents.to(self._device, self._dtype), size),
                filled(timesteps.to(self._device), size),
                encoder_hidden_states=filled(words.to(self._device, self._dtype), size),
                return_dict=False,
            )[0][:rows]
            return answer.float()
