"""Noise levels, and the one form to which every network is brought: noisy picture and noise level in, picture out.

Sigma is the standard deviation of the noise in model units, as in Karras et al. 2022 (arXiv:2206.00364). A network
trained as a DDPM (Ho et al. 2020, arXiv:2006.11239) sees `alpha * image + sqrt(1 - alpha^2) * noise`, which is the
same picture divided by sqrt(1 + sigma^2), with sigma = sqrt(1 - alpha^2) / alpha.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from postcards_image.engines.ddpm.description import ModelDescription, PredictionType

Array = npt.NDArray[np.float32]

_MAX_BETA = 0.999


class NoiseSchedule:
    """Translates between noise levels and the timesteps that a network was trained with."""

    def __init__(self, description: ModelDescription) -> None:
        alphas_cumprod = np.cumprod(1 - _betas(description))
        self._log_sigmas: Final = 0.5 * np.log((1 - alphas_cumprod) / alphas_cumprod)
        self.sigma_min: Final = max(description.sigma_min, float(np.exp(self._log_sigmas[0])))
        """Smallest noise level that the network knows."""
        self.sigma_max: Final = min(description.sigma_max, float(np.exp(self._log_sigmas[-1])))
        """Largest noise level to start from."""
        self.train_timesteps: Final = description.train_timesteps
        """Number of timesteps that the network was trained with."""

    def timestep_of(self, sigma: npt.ArrayLike) -> Array:
        """Continuous timesteps of noise levels, 0 to `train_timesteps - 1`; of the same shape."""
        logs = np.log(np.asarray(sigma, np.float64))
        return np.interp(logs, self._log_sigmas, np.arange(len(self._log_sigmas))).astype(np.float32)

    def sigma_of(self, timestep: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Noise levels of continuous timesteps; of the same shape."""
        steps = np.asarray(timestep, np.float64)
        return np.exp(np.interp(steps, np.arange(len(self._log_sigmas)), self._log_sigmas))


def network_input(noisy: Array, sigma: Array) -> Array:
    """What the network is shown.

    Args:
        noisy: pictures with noise, [rows, 3, height, width], model units.
        sigma: their noise levels, [rows].
    """
    return noisy * _each(1 / np.sqrt(1 + sigma**2))


def denoised(prediction: Array, noisy: Array, sigma: Array, kind: PredictionType) -> Array:
    """The pictures that a prediction amounts to.

    Args:
        prediction: what the network answered to `network_input(noisy, sigma)`, [rows, 3, height, width].
        noisy: pictures with noise, of the same shape, model units.
        sigma: their noise levels, [rows].
        kind: what the network predicts.

    Returns:
        Pictures without noise, of the same shape, model units.
    """
    match kind:
        case "sample":
            return prediction
        case "epsilon":
            return (noisy - _each(sigma) * prediction).astype(np.float32, copy=False)
        case "v_prediction":
            kept, taken = _each(1 / (1 + sigma**2)), _each(sigma / np.sqrt(1 + sigma**2))
            return (noisy * kept - prediction * taken).astype(np.float32, copy=False)


def _each(values: npt.NDArray[np.floating[Any]]) -> Array:
    return values.astype(np.float32)[:, None, None, None]


def _betas(description: ModelDescription) -> npt.NDArray[np.float64]:
    count, first, last = description.train_timesteps, description.beta_start, description.beta_end
    match description.beta_schedule:
        case "linear":
            return np.linspace(first, last, count)
        case "scaled_linear":
            return np.linspace(math.sqrt(first), math.sqrt(last), count) ** 2
        case "sigmoid":
            return 1 / (1 + np.exp(-np.linspace(-6, 6, count))) * (last - first) + first
        case "squaredcos_cap_v2":
            edges = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * math.pi / 2) ** 2
            return np.minimum(1 - edges[1:] / edges[:-1], _MAX_BETA)
