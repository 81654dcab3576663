"""One photograph, as the network is shown it: now and then moved, turned, zoomed or tinted, and told so.

Conditional augmentation as in Karras et al. 2022, appendix F.2: because the network learns what was done, a sample
with all labels at zero shows none of it.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from postcards_image.training.recipe import AUGMENTATION_LABELS

Pixels = npt.NDArray[np.uint8]

_MAX_ZOOM = 0.25
_MAX_TURN = 0.25
_MAX_SHIFT = 0.12
_MAX_TINT = 0.35


@dataclass(frozen=True)
class View:
    """One way to look at a photograph."""

    mirrored: bool
    """Left and right exchanged; animals have no preference, so the network is not told."""
    labels: tuple[float, ...] = (0.0,) * AUGMENTATION_LABELS
    """Zoom (log), sine and one minus cosine of the turn, shift right and down (share of the width), brightness and
    saturation (log); 0 for none."""


def choose_view(random: np.random.Generator, share: float) -> View:
    """A random view, of which `share` are moved, turned, zoomed and tinted."""
    mirrored = bool(random.random() < 0.5)
    if random.random() >= share:
        return View(mirrored)
    zoom, turn, right, down, light, colour = np.clip(random.normal(0, 0.5, 6), -1, 1).tolist()
    angle = turn * _MAX_TURN
    return View(
        mirrored,
        (
            zoom * _MAX_ZOOM,
            math.sin(angle),
            1 - math.cos(angle),
            right * _MAX_SHIFT,
            down * _MAX_SHIFT,
            light * _MAX_TINT,
            colour * _MAX_TINT,
        ),
    )


def show(photograph: Pixels, view: View, resolution: int) -> npt.NDArray[np.float32]:
    """The photograph seen so.

    Args:
        photograph: [side, side, 3], RGB.
        view: how to look at it.
        resolution: width and height to make, pixels.

    Returns:
        [3, resolution, resolution], in [-1, 1].
    """
    # Mirrored first: the labels tell what was done to the picture as it now is.
    seen = np.ascontiguousarray(photograph[:, ::-1]) if view.mirrored else photograph
    if any(view.labels):
        picture = _tinted(_moved(seen, view, resolution), view)
    else:
        picture = cv2.resize(seen, (resolution, resolution), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / 127.5 - 1


def _moved(photograph: Pixels, view: View, resolution: int) -> Pixels:
    zoom, sine, versine, right, down, _, _ = view.labels
    side = photograph.shape[0]
    scale = math.exp(zoom)
    cosine = 1 - versine
    turn = np.array([[cosine, -sine], [sine, cosine]]) * scale
    middle = (side - 1) / 2
    shift = np.array([middle, middle]) - turn @ np.array([middle, middle]) + np.array([right, down]) * side
    matrix = np.hstack([turn, shift[:, None]])
    moved = cv2.warpAffine(photograph, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.resize(moved, (resolution, resolution), interpolation=cv2.INTER_AREA), np.uint8)


def _tinted(picture: Pixels, view: View) -> Pixels:
    light, colour = math.exp(view.labels[5]), math.exp(view.labels[6])
    values = picture.astype(np.float32) * light
    grey = values.mean(axis=2, keepdims=True)
    return np.clip(grey + (values - grey) * colour, 0, 255).astype(np.uint8)
