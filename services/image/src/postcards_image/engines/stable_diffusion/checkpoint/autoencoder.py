"""The way from pictures to latent pictures and back, large ones tile by tile."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

WHOLE: Final = 96 * 96
"""Latent pixels that are decoded at once; larger pictures come in tiles. 768 x 768 pixels with Stable Diffusion."""
TILE: Final = 64
"""Latent pixels along the side of a tile."""
OVERLAP: Final = 16
"""Latent pixels over which neighbouring tiles are blended."""


@dataclass(frozen=True)
class Tile:
    """A rectangle of the latent picture."""

    top: int
    left: int
    height: int
    width: int


class Autoencoder:
    """Encodes and decodes one picture at a time."""

    def __init__(self, vae: Any, device: torch.device, dtype: torch.dtype) -> None:  # noqa: ANN401 - diffusers has no types here
        """Takes an AutoencoderKL that is on `device` in `dtype`."""
        self._vae: Final = vae
        self._device: Final = device
        self._dtype: Final = dtype
        self._scale: Final = float(vae.config.scaling_factor)
        self.factor: Final = 2 ** (len(vae.config.block_out_channels) - 1)
        """Pixels along the side of a latent pixel."""
        self.channels: Final = int(vae.config.latent_channels)

    def encode(self, picture: Bytes, noise: torch.Tensor) -> torch.Tensor:
        """The latent picture of an sRGB picture [height, width, 3]: [1, channels, height / factor, width / factor].

        The encoder answers with a distribution; `noise`, standard normal and of the shape of the result, chooses in it.
        """
        with torch.inference_mode():
            values = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
            found = self._vae.encode(values.to(self._device, self._dtype)).latent_dist
            chosen = found.mean.float() + found.std.float() * noise.to(self._device)
            return chosen * self._scale

    def mean(self, picture: Bytes) -> torch.Tensor:
        """The middle of the distribution that `encode` chooses from."""
        height, width = picture.shape[0] // self.factor, picture.shape[1] // self.factor
        return self.encode(picture, torch.zeros(1, self.channels, height, width))

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """The picture of a latent picture [1, channels, h, w]: [h * factor, w * factor, 3], 0 to 1, on the CPU."""
        with torch.inference_mode():
            decoded = self._vae.decode((latent / self._scale).to(self._device, self._dtype), return_dict=False)[0]
            return (decoded[0].permute(1, 2, 0).float() / 2 + 0.5).clamp(0, 1).cpu()


def tiles(height: int, width: int, *, whole: int = WHOLE, side: int = TILE, overlap: int = OVERLAP) -> Iterator[Tile]:
    """The tiles that cover a latent picture; a single one when it has at most `whole` pixels."""
    if height * width <= whole:
        yield Tile(0, 0, height, width)
        return
    for top in _starts(height, side, overlap):
        for left in _starts(width, side, overlap):
            yield Tile(top, left, min(side, height), min(side, width))


class Mosaic:
    """A picture that is put together from decoded tiles, which fade into each other where they overlap."""

    def __init__(self, height: int, width: int, factor: int) -> None:
        """Begins empty.

        Args:
            height: latent pixels.
            width: latent pixels.
            factor: pixels along the side of a latent pixel.
        """
        self._size: Final = (height, width)
        self._factor: Final = factor
        self._whole: torch.Tensor | None = None
        """The picture, where one tile is all of it."""

    @cached_property
    def _sum(self) -> torch.Tensor:
        height, width = self._size
        return torch.zeros(height * self._factor, width * self._factor, 3)

    @cached_property
    def _weight(self) -> torch.Tensor:
        return torch.zeros(*self._sum.shape[:2], 1)

    def add(self, tile: Tile, picture: torch.Tensor) -> None:
        """Lays a decoded tile, [height, width, 3], in its place."""
        height, width = self._size
        if (tile.height, tile.width) == self._size:
            self._whole = picture
            return
        down = _ramp(tile.top, tile.height, height, self._factor)
        across = _ramp(tile.left, tile.width, width, self._factor)
        weight = (down[:, None] * across[None, :])[..., None]
        rows = slice(tile.top * self._factor, (tile.top + tile.height) * self._factor)
        columns = slice(tile.left * self._factor, (tile.left + tile.width) * self._factor)
        self._sum[rows, columns] += picture * weight
        self._weight[rows, columns] += weight

    def picture(self) -> torch.Tensor:
        """The whole picture, [height, width, 3]; every pixel has been covered."""
        return self._sum / self._weight if self._whole is None else self._whole


def to_bytes(picture: torch.Tensor) -> Bytes:
    """A picture in 0 to 1 as sRGB bytes, rounded as diffusers rounds."""
    return (picture.numpy() * 255).round().astype(np.uint8)


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Evenly spread, so that the last tile ends where the picture does."""
    if length <= side:
        return [0]
    count = -(-(length - overlap) // (side - overlap))
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def _ramp(start: int, length: int, whole: int, factor: int) -> torch.Tensor:
    """The weight of a tile's rows: falling towards edges inside the picture, never to zero."""
    weight = torch.ones(length * factor)
    fade = min(OVERLAP, length) * factor
    slope = (torch.arange(fade) + 0.5) / fade
    if start > 0:
        weight[:fade] *= slope
    if start + length < whole:
        weight[-fade:] *= slope.flip(0)
    return weight
