"""Patches as bands, each band preconditioned for itself.

A network that is shown patches of many pixels must carry their noise through all its layers: at 64 pixels and patches
of 4, some 48 numbers through 64 channels, and for a long time its samples stay grainy. But in a photograph the fine
bands of a patch are weak, and at most noise levels what they hold is known beforehand to be noise. So a patch is
turned into its bands (a cosine transform of each of three opponent colours, an orthonormal change of basis), and each
band gets the preconditioning of Karras et al. 2022 (arXiv:2206.00364, table 1) for its own deviation s instead of one
for all:

    input       x_in * g                      with g = sqrt((1 + sigma^2) / (s^2 + sigma^2))
    prediction  k * x_in + s * g * F          with k = sigma * (1 - s^2) / (s^2 + sigma^2)

where x_in is the noisy picture divided by sqrt(1 + sigma^2), F the network, and the prediction the v of Salimans and
Ho 2022 (arXiv:2202.00512). k * x_in is the best linear guess of v, and s * g the deviation of what it misses; for
s = 1 this is plain v-prediction. The network sees and answers numbers of unit variance in every band.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.noise_schedule import NoiseSchedule

_LEAST_DEVIATION = 0.02
"""Deviation below which a band is taken for this; grey pictures have bands of nothing at all."""


def band_basis(patch_size: int) -> npt.NDArray[np.float32]:
    """The orthonormal basis of a patch, [bands, values]: one row for each band.

    The values of a patch come in the order of `pixel_unshuffle`: red, green, blue; in each row after row.
    """
    colours = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float64)
    colours /= np.linalg.norm(colours, axis=1, keepdims=True)
    places = np.arange(patch_size)
    cosines = np.cos(math.pi * (2 * places[None] + 1) * places[:, None] / (2 * patch_size))
    cosines /= np.linalg.norm(cosines, axis=1, keepdims=True)
    return np.kron(colours, np.kron(cosines, cosines)).astype(np.float32)


def measure_bands(pictures: npt.NDArray[np.float32], patch_size: int) -> tuple[float, ...]:
    """Standard deviations of the bands of some pictures, about a mean of 0.

    Args:
        pictures: [count, 3, height, width], model units.
        patch_size: side of a patch, pixels.
    """
    patches = functional.pixel_unshuffle(torch.from_numpy(pictures), patch_size).numpy()
    bands = np.einsum("bv,nvhw->nbhw", band_basis(patch_size), patches, optimize=True)
    deviations = np.sqrt(np.square(bands, dtype=np.float64).mean(axis=(0, 2, 3)))
    return tuple(round(float(max(deviation, _LEAST_DEVIATION)), 5) for deviation in deviations)


class Bands(nn.Module):
    """The change to bands and back, and their preconditioning."""

    basis: Tensor
    deviations: Tensor
    log_sigmas: Tensor

    def __init__(self, description: ModelDescription) -> None:
        """Tabulates basis, deviations and noise levels; none of them is trained or saved with the weights."""
        super().__init__()
        self._patch_size = description.patch_size
        basis = torch.from_numpy(band_basis(description.patch_size))[:, :, None, None]
        levels = NoiseSchedule(description).sigma_of(np.arange(description.train_timesteps))
        self.register_buffer("basis", basis, persistent=False)
        self.register_buffer("deviations", torch.tensor(description.band_deviations), persistent=False)
        self.register_buffer("log_sigmas", torch.from_numpy(np.log(levels)).float(), persistent=False)

    def split(self, sample: Tensor) -> Tensor:
        """Pictures, [rows, 3, height, width], as bands, [rows, bands, height / patch, width / patch]."""
        return functional.conv2d(functional.pixel_unshuffle(sample, self._patch_size), self.basis)

    def join(self, bands: Tensor) -> Tensor:
        """The pictures of bands; the inverse of `split`."""
        return functional.pixel_shuffle(functional.conv_transpose2d(bands, self.basis), self._patch_size)

    def factors(self, timestep: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For each row and band, [rows, bands, 1, 1]: g, k and s * g of the module's formulas."""
        last = self.log_sigmas.shape[0] - 1
        below = timestep.floor().clamp(0, last - 1).long()
        share = timestep - below
        logs = self.log_sigmas[below] * (1 - share) + self.log_sigmas[below + 1] * share
        square = torch.exp(2 * logs)[:, None]
        own = torch.square(self.deviations)[None]
        total = own + square
        gain = torch.sqrt((1 + square) / total)
        guess = torch.sqrt(square) * (1 - own) / total
        return _each(gain), _each(guess), _each(self.deviations[None] * gain)


def _each(values: Tensor) -> Tensor:
    return values[:, :, None, None]
