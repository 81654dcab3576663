"""What the network says about pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from measures.distances import Features
from measures.mobilenet import INPUT_SIZE, MobileNetV2
from measures.pictures import Pixels

ANIMALS = 398
"""Classes of ImageNet, from the first, that are animals."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_ROWS = 32


@dataclass(frozen=True)
class Described:
    """Features of a set of pictures."""

    features: Features
    """[pictures, 1280]."""
    animal: NDArray[np.bool_]
    """[pictures]: whether the likeliest class is an animal."""

    @property
    def animal_share(self) -> float:
        """Share of the pictures that are taken for an animal."""
        return float(self.animal.mean())


@torch.inference_mode()
def describe(network: MobileNetV2, pictures: Sequence[Pixels], size: int = INPUT_SIZE) -> Described:
    """Features of pictures of any size, each brought to `size` pixels (enlarged by cubic interpolation)."""
    features: list[Features] = []
    animal: list[NDArray[np.bool_]] = []
    for first in range(0, len(pictures), _ROWS):
        rows = np.stack([_prepared(picture, size) for picture in pictures[first : first + _ROWS]])
        pooled, scores = network(torch.from_numpy(rows))
        features.append(pooled.numpy().astype(np.float64))
        animal.append((scores.argmax(1) < ANIMALS).numpy())
    return Described(np.concatenate(features), np.concatenate(animal))


def _prepared(picture: Pixels, size: int) -> NDArray[np.float32]:
    # Averaging when reducing: cubic interpolation would skip pixels.
    method = cv2.INTER_CUBIC if picture.shape[0] <= size else cv2.INTER_AREA
    resized = cv2.resize(picture, (size, size), interpolation=method)
    normal = (resized.astype(np.float32) / 255 - np.array(_MEAN)) / np.array(_DEVIATION)
    return np.ascontiguousarray(normal.transpose(2, 0, 1), np.float32)
