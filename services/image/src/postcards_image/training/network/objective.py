"""What the network learns: a random noise level for each picture, and how far its prediction is off."""

from typing import Protocol

import torch
from torch import Tensor

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.noise_schedule import NoiseSchedule
from postcards_image.training.recipe import Recipe


class Predictor(Protocol):
    """A network as `network.Network` is called."""

    def __call__(self, sample: Tensor, timestep: Tensor, class_weights: Tensor | None) -> Tensor:
        """The prediction for pictures with noise."""
        ...


class Loss:
    """The loss of a batch, by the recipe's objective."""

    def __init__(self, recipe: Recipe, description: ModelDescription) -> None:
        self._recipe = recipe
        self._schedule = NoiseSchedule(description)
        self._description = description

    def __call__(
        self, predict: Predictor, pictures: Tensor, class_weights: Tensor | None, random: torch.Generator
    ) -> Tensor:
        """Mean square error of the prediction, a scalar near 1 before training.

        Args:
            predict: the network.
            pictures: [rows, 3, height, width], in [-1, 1].
            class_weights: [rows, labels], or None.
            random: where noise levels and noise come from; on the device of `pictures`.
        """
        clean = pictures * self._description.data_scale
        sigma, timestep = self._levels(len(clean), random)
        noise = torch.randn(clean.shape, generator=random, device=clean.device)
        level = sigma[:, None, None, None]
        size = torch.sqrt(1 + level**2)
        prediction = predict((clean + level * noise) / size, timestep, class_weights)
        target = noise if self._recipe.objective == "ddpm" else (noise - level * clean) / size
        return (prediction.float() - target).square().mean()

    def _levels(self, rows: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Noise levels and their timesteps, each [rows]."""
        device = random.device
        if self._recipe.objective == "ddpm":
            drawn = torch.randint(self._description.train_timesteps, (rows,), generator=random, device=device)
            sigma = self._schedule.sigma_of(drawn.cpu().numpy())
            return torch.from_numpy(sigma).float().to(device), drawn.float()
        # One level from each of `rows` equal slices of the distribution: less variance than independent draws.
        order = torch.randperm(rows, generator=random, device=device)
        share = (order + torch.rand(rows, generator=random, device=device)) / rows
        quantile = torch.erfinv(2 * share.clamp(1e-4, 1 - 1e-4) - 1) * 2**0.5
        sigma = torch.exp(self._recipe.noise_mean + self._recipe.noise_std * quantile)
        sigma = sigma.clamp(self._schedule.sigma_min, self._schedule.sigma_max)
        timestep = torch.from_numpy(self._schedule.timestep_of(sigma.cpu().numpy())).to(device)
        return sigma, timestep
