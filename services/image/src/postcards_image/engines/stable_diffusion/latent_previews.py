"""Looks at a latent picture without decoding it: every colour as a linear mixture of its channels."""

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from postcards_image.engines.creature.rendering.previews import PREVIEW_SIZE, Look, to_webp
from postcards_image.engines.stable_diffusion.checkpoint.autoencoder import Autoencoder, Bytes

__all__ = ["LatentPreviews", "Look", "shrunk", "to_webp"]

_LESSON_SIZE = 24
"""Latent pixels along the side of the picture that the mixture is learnt from."""
_PATCHES = 6
"""Colours along its side."""
_CALM = 0.03
"""Keeps the mixture small; latent pictures have a variance of about 1, whatever the lesson looks like."""


class LatentPreviews:
    """Colours of latent pictures, fitted to the autoencoder at hand: any checkpoint gets a mixture of its own."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        """Encodes one picture of coloured patches and solves for the mixture that gives its colours back."""
        lesson = _patches(_LESSON_SIZE * autoencoder.factor)
        latent = autoencoder.mean(lesson)[0].float().cpu().numpy()
        known = np.concatenate([latent.reshape(autoencoder.channels, -1), np.ones((1, _LESSON_SIZE**2))]).T
        wanted = cv2.resize(lesson, (_LESSON_SIZE, _LESSON_SIZE), interpolation=cv2.INTER_AREA).reshape(-1, 3) / 255.0
        squares = known.T @ known + _CALM * len(known) * np.eye(known.shape[1])
        self._mixture: Final[NDArray[np.float32]] = np.linalg.solve(squares, known.T @ wanted).astype(np.float32)

    def of_latent(self, latent: torch.Tensor) -> Bytes:
        """A latent picture [channels, height, width] as a small sRGB picture, softly enlarged."""
        values = latent.float().cpu().numpy().transpose(1, 2, 0)
        colours = np.clip(values @ self._mixture[:-1] + self._mixture[-1], 0, 1)
        height, width = colours.shape[:2]
        scale = PREVIEW_SIZE / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return cv2.resize(np.rint(colours * 255).astype(np.uint8), size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def shrunk(picture: Bytes) -> Bytes:
    """A finished picture, small."""
    height, width = picture.shape[:2]
    scale = min(1.0, PREVIEW_SIZE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _patches(size: int) -> Bytes:
    """Patches of every kind of colour, [size, size, 3], the same at every start."""
    colours = np.random.default_rng(0).uniform(0, 255, (_PATCHES, _PATCHES, 3)).astype(np.uint8)
    return cv2.resize(colours, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
