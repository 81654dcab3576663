"""The drawing before any finish: what a model that paints may start from."""

import math

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.finish.composition import compose, shown, to_bytes
from postcards_image.engines.creature.layers import FloatImage
from postcards_image.engines.creature.pipeline import Unwatched, draw_in_place
from postcards_serving.engine.work import Work
from postcards_species.body.plan import BodyPlan
from postcards_species.place.scene import Scene

Bytes = NDArray[np.uint8]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_MIDDLE, _EXPOSURE = 0.45, 0.6
"""Median brightness of photographs of animals, and how far a drawing is taken there."""


def draw_unfinished(plan: BodyPlan, scene: Scene, seed: int, width: int, height: int, work: Work) -> Bytes:
    """The animal in its habitat as bright as a photograph, sRGB [height, width, 3]; 64 to 2048 pixels each way.

    Raises:
        Cancelled: the caller has gone.
        DeadlineExceeded: the time is over.
    """
    drawn = draw_in_place(plan, scene, seed, width, height, Unwatched(work))
    return to_bytes(_exposed(shown(compose(drawn.scenery, drawn.animal)))).astype(np.uint8)


def _exposed(picture: FloatImage) -> FloatImage:
    """Encoded sRGB (h, w, 3) nearly as bright as photographs are: a model has seen nothing else."""
    middle = float(np.median(picture[::2, ::2] @ _GREY))
    target = middle + _EXPOSURE * (_MIDDLE - middle)
    power = math.log(min(0.9, max(0.05, target))) / math.log(min(0.9, max(0.05, middle)))
    lifted = np.power(np.clip(picture, 0, 1), np.float32(power))
    low, high = (float(level) for level in np.quantile(lifted[::2, ::2] @ _GREY, (0.01, 0.99)))
    stretch = min(1.3, 0.94 / max(0.05, high - low))
    return np.clip((lifted - low) * np.float32(stretch) + 0.02, 0, 1).astype(np.float32)
