"""Looks at a sample that grows."""

from collections.abc import Callable

import cv2
import numpy as np

from postcards_image.engines.creature.rendering.previews import PREVIEW_SIZE, to_webp
from postcards_image.engines.ddpm.initial_image import Bytes

__all__ = ["Look", "of_print", "of_sample", "to_webp"]

Look = Callable[[], Bytes]
"""Draws a preview."""


def of_sample(sample: Bytes) -> Bytes:
    """A sample [resolution, resolution, 3], softly enlarged."""
    return cv2.resize(sample, (PREVIEW_SIZE, PREVIEW_SIZE), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def of_print(picture: Bytes) -> Bytes:
    """The finished picture [height, width, 3], small."""
    height, width = picture.shape[:2]
    scale = min(1.0, PREVIEW_SIZE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
