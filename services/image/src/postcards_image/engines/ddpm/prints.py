"""Small samples as prints."""

import cv2
import numpy as np

from postcards_image.engines.ddpm.bones import Bytes
from postcards_species.world import Scene


def print_sample(sample: Bytes, scene: Scene, caption: tuple[str, ...], width: int, height: int) -> Bytes:
    """The sample as a print of `width` by `height` pixels."""
    return cv2.resize(sample, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
