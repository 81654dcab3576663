"""What the text encoder makes of words: any length, in pieces as long as it can read at once."""

from collections import OrderedDict
from typing import Any, Final

import torch

Piece = tuple[int, ...]
"""Token ids of one reading, with beginning, end and padding."""

_REMEMBERED = 256
"""Encoded pieces that are kept: about 60 MB at the width of Stable Diffusion 1 in float32."""


class TextReader:
    """Turns prompts into what the UNet listens to.

    A text that fits is encoded as the pipelines of diffusers do it. A longer one, which they cut, is read in pieces
    that are laid end to end, so that nothing is lost.
    """

    def __init__(self, tokenizer: Any, encoder: Any, device: torch.device) -> None:  # noqa: ANN401 - transformers has no types here
        """Reads with these two; `encoder` is on `device`."""
        self._tokenizer: Final = tokenizer
        self._encoder: Final = encoder
        self._device: Final = device
        self.length: Final = int(tokenizer.model_max_length)
        """Tokens of a piece."""
        self._wants_mask: Final = bool(getattr(encoder.config, "use_attention_mask", False))
        self._remembered: OrderedDict[Piece, torch.Tensor] = OrderedDict()

    def pieces(self, text: str, *, least: int = 1) -> tuple[Piece, ...]:
        """The pieces of a text, filled up with empty ones until they are at least `least`."""
        words = self._tokens(text)
        room = self.length - 2
        parts = [words[start : start + room] for start in range(0, len(words), room)]
        parts += [[]] * (max(1, least) - len(parts))
        return tuple(self._framed(part) for part in parts)

    def reads_at_once(self, text: str) -> bool:
        """Whether a text is one piece. Any thread may ask."""
        return len(self._tokens(text)) <= self.length - 2

    def remembered(self, piece: Piece) -> torch.Tensor | None:
        """What `encode` would give, without computing; None where it is not known any more. Any thread may ask."""
        return self._remembered.get(piece)

    def encode(self, piece: Piece) -> torch.Tensor:
        """What one piece says, [1, tokens, width] on the device."""
        known = self._remembered.get(piece)
        if known is not None:
            self._remembered.move_to_end(piece)
            return known
        with torch.inference_mode():
            ids = torch.tensor([piece], device=self._device)
            mask = self._mask(piece) if self._wants_mask else None
            encoded = self._encoder(ids, attention_mask=mask)[0]
        self._remembered[piece] = encoded
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return encoded

    def _tokens(self, text: str) -> list[int]:
        # Longer than the encoder reads: that is what the pieces are for, so the tokenizer need not warn of it.
        return self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids

    def _framed(self, words: list[int]) -> Piece:
        tokenizer = self._tokenizer
        filled = self.length - 2 - len(words)
        return (tokenizer.bos_token_id, *words, tokenizer.eos_token_id, *(tokenizer.pad_token_id,) * filled)

    def _mask(self, piece: Piece) -> torch.Tensor:
        read = piece.index(self._tokenizer.eos_token_id, 1) + 1
        return torch.tensor([[1] * read + [0] * (len(piece) - read)], device=self._device)
