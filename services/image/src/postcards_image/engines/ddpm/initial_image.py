"""The drawing that a sample may start from."""

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.unfinished import draw_unfinished
from postcards_image.engines.ddpm.denoiser import Array
from postcards_serving.engine.work import Work
from postcards_species.body.plan import BodyPlan
from postcards_species.place.scene import Scene

Bytes = NDArray[np.uint8]

_OVERSAMPLING = 3
_LEAST, _MOST = 128, 512
"""Pixels: smaller drawings lose their limbs, larger ones gain nothing."""


def draw_initial_image(plan: BodyPlan, scene: Scene, seed: int, resolution: int, work: Work) -> Bytes:
    """The animal in its habitat without any finish, sRGB [resolution, resolution, 3].

    Raises:
        Cancelled: the caller has gone.
        DeadlineExceeded: the time is over.
    """
    size = min(_MOST, max(_LEAST, _OVERSAMPLING * resolution))
    picture = draw_unfinished(plan, scene, seed, size, size, work)
    return cv2.resize(picture, (resolution, resolution), interpolation=cv2.INTER_AREA).astype(np.uint8)


def to_model_units(picture: Bytes, scale: float) -> Array:
    """An sRGB picture [height, width, 3] as [3, height, width] in model units."""
    return (picture.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1) * np.float32(scale)


def to_picture(sample: Array, scale: float) -> Bytes:
    """The opposite of `to_model_units`; what lies beyond black and white is cut."""
    return np.rint((np.clip(sample.transpose(1, 2, 0) / scale, -1, 1) + 1) * 127.5).astype(np.uint8)
