"""A hand-coloured plate of an old field guide."""

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np

from postcards_image.engines.creature.finish.composition import covering, shaded_backdrop, to_bytes
from postcards_image.engines.creature.finish.lettering import Face, letter
from postcards_image.engines.creature.finish.paper import aged_paper, tooth
from postcards_image.engines.creature.layers import Animal, FloatImage, Scenery
from postcards_image.engines.creature.scenery.filters import blurred, recoloured, softened, stretched
from postcards_image.engines.creature.scenery.noise import clouds, generator, smoothstep
from postcards_species.place.scene import Scene

_INK = np.array([0.17, 0.125, 0.10], np.float32)
_INSET = 0.042
"""From the edge of the paper to the rule, as a share of the shorter side."""
_FOOT = 0.118
"""From the lower edge to the rule."""
_GREY = np.array([0.2126, 0.7152, 0.0722], np.float32)


def print_plate(scene: Scene, scenery: Scenery, animal: Animal, caption: Sequence[str]) -> np.ndarray:
    """(h, w, 3) uint8: aged paper, a vignette of habitat, the animal in wash, hatching and ink, frame and caption."""
    height, width = animal.alpha.shape
    unit = min(width, height)
    rng = generator(scene.flora_seed, "plate")
    paper = aged_paper(rng, width, height)
    grain = tooth(rng, width, height, unit * 0.0012)
    habitat, presence = _habitat(scenery, animal, rng)
    presence = presence * _within(width, height, unit)
    density = _wash(habitat, presence, grain, rng, unit, 0.86)
    body = _body_tones(animal)
    density = density * (1 - animal.alpha[..., None] * 0.97)
    density += _wash(body, animal.alpha, grain, rng, unit, 1.0)
    print_ = paper * np.exp(-density)
    ink = np.maximum(_drawn(habitat, presence, unit) * (1 - animal.alpha), _hatching(animal, presence, rng, unit))
    ink = np.maximum(ink, np.clip(animal.ink * 1.05, 0, 1) * (0.84 + 0.10 * np.clip(grain, -1.5, 1.5)))
    ink = np.maximum(ink, _frame(width, height, unit, scene, caption))
    print_ = print_ + np.clip(ink, 0, 1)[..., None] * 0.92 * (_INK - print_)
    return to_bytes(print_.astype(np.float32))


def paint_plate(scene: Scene, painting: FloatImage, width: int, height: int, caption: Sequence[str]) -> np.ndarray:
    """(h, w, 3) uint8: a square painting (n, n, 3), encoded sRGB, in body colour and pen on the same paper."""
    unit = min(width, height)
    rng = generator(scene.flora_seed, "plate")
    paper = aged_paper(rng, width, height)
    grain = tooth(rng, width, height, unit * 0.0012)
    window = (unit * _INSET, unit * _INSET, width - unit * _INSET, height - unit * _FOOT)
    picture = covering(painting, width, height, window)
    presence = _painted_area(width, height, window, rng)
    tones = _in_daylight(np.power(np.clip(picture * 0.94 + 0.05, 0, 1), 2.2).astype(np.float32))
    print_ = paper * np.exp(-_wash(tones, presence, grain, rng, unit, 1.0))
    ink = np.maximum(_drawn(tones, presence, unit) * 0.8, _frame(width, height, unit, scene, caption))
    print_ = print_ + np.clip(ink, 0, 1)[..., None] * 0.92 * (_INK - print_)
    return to_bytes(print_.astype(np.float32))


def _in_daylight(tones: FloatImage) -> FloatImage:
    """Linear tones (h, w, 3), those of a dark picture lifted: a plate is painted at a desk, not at night."""
    bright = float(np.quantile(tones[::3, ::3] @ _GREY, 0.85))
    return np.clip(tones * np.float32(np.clip(0.5 / max(bright, 0.02), 1.0, 4.0)), 0.01, 1).astype(np.float32)


def _painted_area(
    width: int, height: int, window: tuple[float, float, float, float], rng: np.random.Generator
) -> FloatImage:
    """(h, w) where the brush has been: most of the window, with an edge that nobody ruled."""
    left, top, right, bottom = window
    unit = min(width, height)
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y)) / np.float32(unit)
    rough = clouds(rng, width, height, 9, 5)
    return smoothstep(0.030, 0.042, inside + (rough - 0.5) * 0.045)


def _body_tones(animal: Animal) -> FloatImage:
    """(h, w, 3) linear tones of the animal for the brush: its own colours, its modelling, no hour."""
    lit = animal.colour @ _GREY
    own = animal.albedo @ _GREY
    shade = lit / np.maximum(own, 0.02)
    inside = animal.alpha > 0.5
    bright = float(np.quantile(shade[inside][::3], 0.92)) if inside.any() else 1.0
    shade = np.clip(shade / max(bright, 1e-4), 0, 1.15)
    tones = (np.power(np.clip(animal.albedo, 0, 1), 0.82) * (0.50 + 0.62 * shade[..., None])).astype(np.float32)
    if inside.any():
        tones *= np.clip(0.40 / max(float(np.quantile((tones @ _GREY)[inside][::3], 0.8)), 1e-3), 1.0, 2.4)
    stronger = np.full((3, 3), -0.28 / 3, np.float32) + np.eye(3, dtype=np.float32) * 1.28
    return np.clip(recoloured(tones, stronger) + np.float32(0.05), 0.03, 1)


def _habitat(scenery: Scenery, animal: Animal, rng: np.random.Generator) -> tuple[FloatImage, FloatImage]:
    """The backdrop in daylight tones, and where the painter has washed it in: around the feet, fading."""
    backdrop = shaded_backdrop(scenery, animal)
    height, width = backdrop.shape[:2]
    grey = backdrop @ _GREY
    low = int(height * 0.45)
    reference = float(np.quantile(grey[low::3, ::3], 0.85))
    tones = np.clip(backdrop * (0.62 / max(reference, 0.02)), 0.01, 1)
    x = (np.arange(width, dtype=np.float32)[None, :] / width - 0.5) / 0.37
    y = (np.arange(height, dtype=np.float32)[:, None] / height - (scenery.ground_y - 0.045)) / 0.145
    y = y * (0.44 + 0.81 * (y > 0))
    rough = clouds(rng, width, height, 7, 5, stretch=1.8)
    reach = np.sqrt(x * x + y * y) + (rough - 0.5) * 0.9
    presence = smoothstep(1.06, 0.82, reach) * (0.55 + 0.45 * smoothstep(1.0, 0.3, reach))
    return tones.astype(np.float32), presence.astype(np.float32)


def _within(width: int, height: int, unit: float) -> FloatImage:
    """(h, w) 1 inside the rules, 0 outside."""
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    gap = unit * (_INSET + 0.014)
    inside = np.minimum(np.minimum(x - gap, width - gap - x), np.minimum(y - gap, height - unit * (_FOOT + 0.014) - y))
    return smoothstep(-0.002 * unit, 0.004 * unit, inside)


def _wash(
    tones: FloatImage, presence: FloatImage, grain: FloatImage, rng: np.random.Generator, unit: float, strength: float
) -> FloatImage:
    """(h, w, 3) optical density of watercolour: flat pools, granulation, pigment gathered at the edges, blooms."""
    height, width = presence.shape
    encoded = (np.power(np.clip(tones, 0, 1), 1 / 2.2) * 255).astype(np.uint8)
    half = np.ascontiguousarray(encoded[::2, ::2]) if unit > 300 else encoded
    smooth = stretched(cv2.medianBlur(half, 5), width, height) / 255
    detail = encoded.astype(np.float32) / 255
    pooled = smooth * 0.62 + detail * 0.38
    density = -np.log(np.clip(pooled, 0.05, 0.985)) * strength
    blooms = clouds(rng, width, height, 5, 4)
    soft = softened(presence, unit * 0.006)
    rim = np.clip((presence - soft) * 2.2, 0, 1) * presence
    load = 0.80 + 0.42 * (blooms - 0.45) + 0.10 * np.clip(grain, -2, 2) + 0.75 * rim
    return (density * (load * presence)[..., None]).astype(np.float32)


def _drawn(tones: FloatImage, presence: FloatImage, unit: float) -> FloatImage:
    """(h, w) pen lines of the habitat: a thresholded difference of Gaussians (after Winnemoeller et al., 2012)."""
    grey = np.power(tones @ _GREY, 1 / 2.2).astype(np.float32)
    sigma = max(0.6, unit * 0.0011)
    narrow, wide = blurred(grey, sigma), blurred(grey, sigma * 1.6)
    return (smoothstep(0.004, 0.022, wide - narrow) * np.clip(presence * 1.2, 0, 1) * 0.86).astype(np.float32)


def _hatching(animal: Animal, presence: FloatImage, rng: np.random.Generator, unit: float) -> FloatImage:
    """(h, w) strokes of the pen where light fails: one direction in the half-tones, a second across the darkest."""
    height, width = animal.alpha.shape
    if unit < 160:
        return np.zeros((height, width), np.float32)
    lit = animal.colour @ _GREY
    own = np.maximum(animal.albedo @ _GREY, 0.02)
    inside = animal.alpha > 0.5
    ratio = lit / own
    ratio = ratio / max(float(np.quantile(ratio[inside][::3], 0.9)) if inside.any() else 1.0, 1e-4)
    dark = (1 - np.clip(softened(ratio.astype(np.float32), unit * 0.003), 0, 1)) * animal.alpha
    wobble = (clouds(rng, width, height, 9, 2) - 0.5) * unit * 0.010
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    pitch = unit * 0.0068
    ink = np.zeros((height, width), np.float32)
    for turn, start in ((0.9, 0.55), (-0.55, 0.78)):
        phase = (x * np.cos(turn) + y * np.sin(turn) + wobble) / pitch
        line = np.abs(phase - np.floor(phase) - 0.5) * 2
        weight = smoothstep(start, start + 0.45, dark) * 0.40
        ink = np.maximum(ink, smoothstep(weight + 0.12, weight - 0.02, line) * (weight > 0.02) * 0.55)
    cast = (1 - animal.shadow) * (1 - animal.alpha) * np.clip(presence * 1.3, 0, 1)
    phase = (y + wobble * 0.6) / (pitch * 0.95)
    line = np.abs(phase - np.floor(phase) - 0.5) * 2
    weight = smoothstep(0.15, 0.8, cast) * 0.5
    return np.maximum(ink, smoothstep(weight + 0.12, weight - 0.02, line) * (weight > 0.03) * 0.6).astype(np.float32)


def _frame(width: int, height: int, unit: float, scene: Scene, caption: Sequence[str]) -> FloatImage:
    """(h, w) the double rule, the plate's number and the caption."""
    mask = np.zeros((height, width), np.float32)
    inset = unit * _INSET
    foot = height - unit * _FOOT
    for gap, weight in ((0.0, 0.0022), (0.0075, 0.0009)):
        _rule(
            mask,
            inset + gap * unit,
            inset + gap * unit,
            width - inset - gap * unit,
            foot - gap * unit,
            max(0.7, weight * unit),
        )
    if unit < 200:
        return mask
    number = 1 + int.from_bytes(hashlib.sha256(f"plate/{scene.flora_seed}".encode()).digest()[:2], "big") % 389
    letter(mask, f"Pl. {roman(number)}.", (width - inset, inset * 0.56), unit * 0.021, face=Face.PLATE, anchor="rm")
    letter(mask, scene.biome.value.replace("-", " ").capitalize(), (inset, inset * 0.56), unit * 0.021, face=Face.PLATE)
    lines = [line for line in caption if line.strip()][:2]
    sizes = (0.036, 0.0245)
    for line, size, at in zip(lines, sizes, (0.050, 0.086), strict=False):
        letter(
            mask,
            line,
            (width / 2, foot + at * unit),
            size * unit,
            face=Face.PLATE,
            anchor="ms",
            widest=width - 2.4 * inset,
        )
    return mask * 0.88


def _rule(mask: FloatImage, left: float, top: float, right: float, bottom: float, weight: float) -> None:
    """A rectangle of lines `weight` pixels wide."""
    x = np.arange(mask.shape[1], dtype=np.float32)[None, :] + 0.5
    y = np.arange(mask.shape[0], dtype=np.float32)[:, None] + 0.5
    outside = np.maximum(np.maximum(left - x, x - right), np.maximum(top - y, y - bottom))
    np.maximum(mask, np.clip(weight / 2 + 0.5 - np.abs(outside), 0, 1), out=mask)


def roman(number: int) -> str:
    """Roman numeral of 1 to 3999."""
    text = ""
    for value, sign in (
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ):
        count, number = divmod(number, value)
        text += sign * count
    return text
