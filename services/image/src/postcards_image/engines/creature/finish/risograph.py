"""A print in two spot inks through a stencil duplicator."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from postcards_image.engines.creature.finish.composition import covering, over, placed, shaded_backdrop, shown, to_bytes
from postcards_image.engines.creature.finish.lettering import Face, letter
from postcards_image.engines.creature.finish.paper import tooth
from postcards_image.engines.creature.layers import Animal, FloatImage, Scenery
from postcards_image.engines.creature.scenery.filters import smoothed_up, warped
from postcards_image.engines.creature.scenery.noise import clouds, generator, smoothstep
from postcards_species.place.scene import Scene

_GREY = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SIDE, _FOOT = 0.035, 0.075
"""Margins of white paper left, right and above, and below, as shares of the shorter side."""


@dataclass(frozen=True)
class Inks:
    """A bright ink for light and a dark one for form, as encoded sRGB on white."""

    name: str
    bright: tuple[int, int, int]
    dark: tuple[int, int, int]


PAIRS: tuple[Inks, ...] = (
    Inks("bright red / midnight", (255, 92, 84), (46, 62, 92)),
    Inks("orange / teal", (255, 126, 52), (0, 112, 122)),
    Inks("sunflower / federal blue", (255, 184, 28), (44, 72, 142)),
    Inks("yellow / purple", (255, 226, 0), (108, 76, 160)),
    Inks("light lime / violet", (196, 226, 40), (92, 66, 150)),
    Inks("mint / red", (110, 214, 196), (214, 52, 66)),
    Inks("aqua / burgundy", (82, 200, 222), (142, 40, 82)),
    Inks("cornflower / brick", (112, 168, 236), (172, 58, 44)),
    Inks("lavender / forest", (178, 140, 226), (18, 98, 74)),
    Inks("fluorescent pink / blue", (255, 72, 176), (0, 112, 188)),
    Inks("fluorescent pink / hunter green", (255, 84, 160), (12, 104, 82)),
    Inks("melon / indigo", (255, 150, 110), (66, 60, 140)),
)
"""Pairs around the colour wheel: a scene's hue chooses."""


def inks_of(scene: Scene) -> Inks:
    """The pair of inks of a scene."""
    return PAIRS[int(scene.hue * len(PAIRS)) % len(PAIRS)]


def print_risograph(scene: Scene, scenery: Scenery, animal: Animal, caption: Sequence[str]) -> np.ndarray:
    """(h, w, 3) uint8: two separations, screened at two angles, out of register, in grainy ink on white paper."""
    bright, dark = _separations(scenery, animal)
    return _pressed(scene, bright, dark, np.clip(animal.ink * 0.9, 0, 1), caption, 150)


def press_painting(scene: Scene, painting: FloatImage, width: int, height: int, caption: Sequence[str]) -> np.ndarray:
    """(h, w, 3) uint8: a square painting (n, n, 3), encoded sRGB, in the same two inks, in larger dots."""
    unit = min(width, height)
    window = (unit * _SIDE, unit * _SIDE, width - unit * _SIDE, height - unit * _FOOT)
    bright, dark = _separated(covering(painting, width, height, window))
    return _pressed(scene, bright, dark, np.zeros_like(dark), caption, 118)


def _pressed(
    scene: Scene, bright: FloatImage, dark: FloatImage, lines: FloatImage, caption: Sequence[str], cells: float
) -> np.ndarray:
    """The print of two coverages and of solid lines (h, w); `cells` dots of the screen go across the shorter side."""
    height, width = dark.shape
    unit = min(width, height)
    rng = generator(scene.flora_seed, "risograph")
    inks = inks_of(scene)
    field = _field(width, height, unit)
    marks = _marks(width, height, unit, scene, caption)
    cell = max(3.0, unit / cells)
    first = _screened(bright * field, cell * 1.05, 0.26)
    second = np.maximum(_screened(dark * field, cell, 1.31), lines * field)
    second = np.maximum(second, marks)
    shift = unit * 0.0034
    turn = float(rng.uniform(0, 2 * np.pi))
    first = _moved(first, shift * np.cos(turn), shift * np.sin(turn), float(rng.uniform(-0.0016, 0.0016)))
    paper = np.array([0.968, 0.957, 0.925], np.float32) + (tooth(rng, width, height, 0.6) * 0.008)[..., None]
    print_ = paper
    for plate, ink, speckle in ((first, inks.bright, 0.30), (second, inks.dark, 0.24)):
        cover = _inked(plate, rng, speckle)
        colour = np.power(np.array(ink, np.float32) / 255, 1.0)
        print_ = print_ * (1 - cover[..., None] * (1 - colour) * 0.985)
    return to_bytes(print_.astype(np.float32))


def _separations(scenery: Scenery, animal: Animal) -> tuple[FloatImage, FloatImage]:
    """Coverages (h, w) of the bright and the dark ink.

    The dark ink carries form: it follows darkness, stretched so that every scene uses the whole range. The bright ink
    carries colour: in the habitat it fills the middle tones, on the animal it follows warmth and saturation.
    """
    habitat = over(scenery.foreground, shaded_backdrop(scenery, animal))
    full = over(scenery.foreground, placed(shaded_backdrop(scenery, animal), scenery, animal))
    tone = _stretched(shown(habitat) @ _GREY)
    alpha = animal.alpha * (1 - scenery.foreground[..., 3])
    picture = shown(full)
    body = picture @ _GREY
    inside = alpha > 0.5
    body = 0.7 * body + 0.3 * np.power(np.clip(animal.albedo @ _GREY, 0, 1), 1 / 2.2)
    low, high = np.quantile(body[inside][::3], (0.03, 0.97)) if inside.any() else (0.0, 1.0)
    body = np.clip((body - low) / max(float(high - low), 0.05), 0, 1)
    albedo = np.power(np.clip(animal.albedo, 0, 1), 1 / 2.2)
    warmth = albedo[..., 0] - albedo[..., 2]
    red, green, blue = albedo[..., 0], albedo[..., 1], albedo[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if inside.any():
        centre, scale = float(np.median(warmth[inside][::3])), float(warmth[inside].std()) + 0.04
        warmth = np.clip(0.5 + 0.4 * (warmth - centre) / scale, 0, 1)
    dark_habitat = np.clip(1.02 - tone * 1.28, 0, 1) ** 1.25 * 0.86
    bright_habitat = np.clip(1.12 - np.abs(tone - 0.42) * 1.5, 0.05, 0.92) * smoothstep(1.02, 0.72, tone)
    dark_body = np.clip(0.96 - body * 1.18, 0, 1) ** 1.2
    bright_body = np.clip(0.10 + 0.75 * warmth * (0.55 + spread) + 0.25 * (1 - body), 0, 1) * smoothstep(
        1.05, 0.8, body
    )
    dark = dark_habitat * (1 - alpha) * 0.92 + dark_body * alpha
    bright = bright_habitat * (1 - alpha) + bright_body * alpha
    gap = cv2.dilate(alpha, np.ones((3, 3), np.uint8), iterations=max(1, round(min(alpha.shape) * 0.003))) - alpha
    keep = 1 - 0.9 * np.clip(gap, 0, 1)
    return (bright * keep).astype(np.float32), (dark * keep).astype(np.float32)


def _separated(picture: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Coverages (h, w) of the bright and the dark ink for a picture without layers."""
    tone = _stretched(picture @ _GREY)
    warmth = picture[..., 0] - picture[..., 2]
    spread = picture.max(axis=2) - picture.min(axis=2)
    centre, scale = float(np.median(warmth[::3, ::3])), float(warmth[::3, ::3].std()) + 0.04
    warm = np.clip(0.5 + 0.4 * (warmth - centre) / scale, 0, 1)
    dark = np.clip(1.0 - tone * 1.22, 0, 1) ** 1.2 * 0.94
    bright = (0.16 + 0.62 * warm * (0.6 + spread) + 0.3 * (1 - tone)) * smoothstep(1.02, 0.8, tone)
    return np.clip(bright, 0, 1).astype(np.float32), dark.astype(np.float32)


def _stretched(grey: FloatImage) -> FloatImage:
    """Greys from the darkest to the brightest few per cent."""
    low, high = np.quantile(grey[::3, ::3], (0.02, 0.985))
    return np.clip((grey - low) / max(float(high - low), 0.08), 0, 1).astype(np.float32)


def _screened(coverage: FloatImage, cell: float, angle: float) -> FloatImage:
    """(h, w) round dots that grow with coverage, `cell` pixels apart on a screen turned by `angle`."""
    height, width = coverage.shape
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    u = (x * np.cos(angle) + y * np.sin(angle)) * np.float32(2 * np.pi / cell)
    v = (y * np.cos(angle) - x * np.sin(angle)) * np.float32(2 * np.pi / cell)
    spot = 0.5 - 0.25 * (np.cos(u) + np.cos(v))
    threshold = spot
    soft = np.float32(1.6 / cell)
    return np.clip((np.clip(coverage, 0, 1) * (1 + soft) - threshold) / soft, 0, 1).astype(np.float32)


def _moved(plate: FloatImage, dx: float, dy: float, turn: float) -> FloatImage:
    """The plate shifted by pixels and turned by radians."""
    height, width = plate.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.degrees(turn)), 1.0)
    matrix[:, 2] += (dx, dy)
    return warped(plate, matrix, cv2.BORDER_CONSTANT)


def _inked(plate: FloatImage, rng: np.random.Generator, speckle: float) -> FloatImage:
    """What the drum leaves on the paper: pin holes, cloudy density, faint streaks along the feed."""
    height, width = plate.shape
    holes = tooth(rng, width, height, 0.55)
    cloud = clouds(rng, width, height, 6, 4)
    streak = smoothed_up(rng.random((1, max(4, width // 24)), dtype=np.float32), width, 1)
    density = 0.93 - 0.16 * np.clip(cloud - 0.35, 0, 1) - 0.05 * streak
    density = density * (1 - speckle * smoothstep(1.1, 2.3, holes))
    return np.clip(plate * density, 0, 1).astype(np.float32)


def _field(width: int, height: int, unit: float) -> FloatImage:
    """(h, w) the printed field: everything but a margin of white paper."""
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    side, foot = unit * _SIDE, unit * _FOOT
    inside = np.minimum(np.minimum(x - side, width - side - x), np.minimum(y - side, height - foot - y))
    return np.clip(inside + 0.5, 0, 1).astype(np.float32)


def _marks(width: int, height: int, unit: float, scene: Scene, caption: Sequence[str]) -> FloatImage:
    """(h, w) register crosses, the caption and the number of the print."""
    mask = np.zeros((height, width), np.float32)
    if unit < 200:
        return mask
    side = unit * _SIDE
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    for cx in (side / 2, width - side / 2):
        for cy in (side / 2, height - side / 2):
            dx, dy = np.abs(x - cx), np.abs(y - cy)
            cross = ((dx < 0.6) & (dy < side * 0.3)) | ((dy < 0.6) & (dx < side * 0.3))
            ring = np.abs(np.hypot(dx, dy) - side * 0.16) < 0.6
            np.maximum(mask, (cross | ring).astype(np.float32), out=mask)
    digest = hashlib.sha256(f"edition/{scene.flora_seed}".encode()).digest()
    run = 40 + 10 * (digest[0] % 12)
    line = height - unit * 0.038
    text = "   ".join(part for part in caption if part.strip())
    letter(mask, text, (side * 1.4, line), unit * 0.027, face=Face.PRINT, widest=width * 0.74)
    letter(mask, f"{1 + digest[1] % run}/{run}", (width - side * 1.4, line), unit * 0.025, face=Face.PRINT, anchor="rm")
    return mask
