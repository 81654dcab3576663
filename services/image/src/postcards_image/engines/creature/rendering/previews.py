"""Looks at the unfinished picture."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.anatomy.body import Bones
from postcards_image.engines.creature.geometry.camera import aim
from postcards_image.engines.creature.geometry.raster import Visible
from postcards_image.engines.creature.geometry.space import Floats, unit
from postcards_image.engines.creature.rendering.painter import Canvas, Clad, View
from postcards_species.body.plan import BodyPlan

PREVIEW_SIZE = 384
"""Longest side of a preview in pixels."""

_PAPER = np.array((0.93, 0.9, 0.83), np.float32)
_INK = np.array((0.16, 0.14, 0.17), np.float32)
_CLAY = np.array((0.74, 0.68, 0.6), np.float32)
_LAMP = np.array((-0.5, 0.68, 0.54), np.float32)
_QUALITY = 82

Bytes = NDArray[np.uint8]
Look = Callable[[], Bytes]
"""Draws a preview."""


def preview_scale(canvas: Canvas) -> tuple[int, int]:
    """Width and height of a preview of `canvas`."""
    longest = max(canvas.width, canvas.height)
    scale = min(1.0, PREVIEW_SIZE / longest)
    return max(1, round(canvas.width * scale)), max(1, round(canvas.height * scale))


def show_skeleton(plan: BodyPlan, bones: Bones, canvas: Canvas) -> Bytes:
    """The bones as a drawing, sRGB (h, w, 3)."""
    width, height = preview_scale(canvas)
    ends = np.stack([(bone.start, bone.end) for bone in bones.bones])
    camera = aim(ends.reshape(-1, 3), plan.view_yaw, plan.view_pitch, width, height, canvas.ground_y, 0.72, True)
    flat = camera.project(ends.reshape(-1, 3)).reshape(-1, 2, 3)
    picture = np.ascontiguousarray(np.broadcast_to(_PAPER * 255, (height, width, 3)).astype(np.uint8))
    ink = tuple(int(c * 255) for c in _INK)
    for bone, (start, end) in zip(bones.bones, flat, strict=True):
        thick = max(1, round(0.3 * camera.pixels * min(bone.start_radius, bone.end_radius)))
        a, b = (tuple(int(v * 16) for v in p[:2]) for p in (start, end))
        cv2.line(picture, a, b, (196, 186, 170), thick + 3, cv2.LINE_AA, 4)
        cv2.line(picture, a, b, ink, 1, cv2.LINE_AA, 4)
        cv2.circle(picture, a, 28, ink, -1, cv2.LINE_AA, 4)
    return picture


def show_body(view: View, normal: Floats, canvas: Canvas) -> Bytes:
    """The bare body in clay; `normal` (k, 3) of the visible pixels."""
    return _small(view.solid, _CLAY * _lamp(normal), canvas)


def show_skin(view: View, clad: Clad, canvas: Canvas) -> Bytes:
    """The skin under an even lamp."""
    return _small(view.solid, clad.skin.albedo * (0.35 + 0.9 * _lamp(clad.skin.normal)), canvas)


def show_light(linear: Floats, canvas: Canvas) -> Bytes:
    """The lit animal in its habitat, (h, w, 3) linear."""
    return _encode(_shrink(linear, canvas))


def show_print(picture: Bytes, canvas: Canvas) -> Bytes:
    """The finished picture, small."""
    return cv2.resize(picture, preview_scale(canvas), interpolation=cv2.INTER_AREA).astype(np.uint8)


def to_webp(picture: Bytes) -> bytes:
    """An sRGB picture (h, w, 3) as WebP."""
    _, data = cv2.imencode(".webp", picture[:, :, ::-1], (cv2.IMWRITE_WEBP_QUALITY, _QUALITY))
    return data.tobytes()


def _lamp(normal: Floats) -> Floats:
    return (0.22 + 0.78 * np.clip(normal @ unit(_LAMP), 0, 1))[:, None]


def _small(visible: Visible, colour: Floats, canvas: Canvas) -> Bytes:
    picture = visible.image(colour.astype(np.float32))
    inside = visible.image(np.ones(len(colour), np.float32))[..., None]
    picture = picture + (1 - inside) * _PAPER**2.2
    return _encode(_shrink(picture, canvas))


def _shrink(picture: Floats, canvas: Canvas) -> Floats:
    return np.asarray(cv2.resize(picture, preview_scale(canvas), interpolation=cv2.INTER_AREA), np.float32)


def _encode(linear: Floats) -> Bytes:
    return np.rint(np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
