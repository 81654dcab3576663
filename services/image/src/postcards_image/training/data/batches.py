"""Which photographs a training step sees, and how."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.training.data.augmentation import choose_view, show
from postcards_image.training.data.photos import Photos
from postcards_image.training.recipe import Recipe


@dataclass(frozen=True)
class Batch:
    """What one process learns from in one step."""

    pictures: npt.NDArray[np.float32]
    """[rows, 3, resolution, resolution], in [-1, 1]."""
    class_weights: npt.NDArray[np.float32] | None
    """[rows, labels]: the class, or none in particular, and what was done to the photograph; None without classes."""

    def tensors(self, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Pictures and class weights on a device."""
        weights = None if self.class_weights is None else torch.from_numpy(self.class_weights).to(device)
        return torch.from_numpy(self.pictures).to(device), weights


class Batches:
    """The batches of one process: a function of the seed and the step."""

    def __init__(
        self, photos: Photos, recipe: Recipe, description: ModelDescription, process: int, processes: int
    ) -> None:
        """Serves process `process` of `processes`."""
        self._photos = photos
        self._recipe = recipe
        self._description = description
        self._process = process
        self._processes = processes
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def batch(self, step: int) -> Batch:
        """The batch of step `step`, 0 and up. Every photograph is seen once before one is seen again."""
        rows = self._recipe.batch_size
        first = (step * self._processes + self._process) * rows
        seen = [self._sample(index) for index in range(first, first + rows)]
        weights = np.stack([weights for _, weights in seen]) if self._description.labels else None
        return Batch(np.stack([picture for picture, _ in seen]), weights)

    def _sample(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        random = np.random.Generator(np.random.Philox(key=[self._recipe.seed, index]))
        epoch, place = divmod(index, len(self._photos.images))
        photo = self._order(epoch)[place]
        view = choose_view(random, self._recipe.augmentation)
        picture = show(self._photos.images[photo], view, self._recipe.resolution)
        weights = np.zeros(self._description.labels, np.float32)
        any_class = self._description.any_class
        if any_class is not None:
            withheld = random.random() < self._recipe.class_dropout
            weights[any_class if withheld else self._photos.labels[photo]] = 1
            weights[any_class + 1 :] = view.labels
        return picture, weights

    def _shuffled(self, epoch: int) -> npt.NDArray[np.int64]:
        return np.random.default_rng([self._recipe.seed, epoch]).permutation(len(self._photos.images))
