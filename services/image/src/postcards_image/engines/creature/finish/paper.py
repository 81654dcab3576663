"""Paper and the grain of what is printed on it."""

import cv2
import numpy as np

from postcards_image.engines.creature.layers import FloatImage
from postcards_image.engines.creature.scenery.filters import blurred
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep


def tooth(rng: np.random.Generator, width: int, height: int, cell: float) -> FloatImage:
    """(h, w) the tooth of a paper, mean 0, deviation about 1; bumps of `cell` pixels."""
    noise = rng.standard_normal((height, width), dtype=np.float32)
    if cell > 0.4:
        noise = blurred(noise, cell)
    return (noise / (float(noise.std()) + 1e-6)).astype(np.float32)


def aged_paper(rng: np.random.Generator, width: int, height: int) -> FloatImage:
    """(h, w, 3) encoded sRGB of an old sheet: fibres, foxing, darker towards its edges."""
    unit = min(width, height)
    base = np.array([0.949, 0.918, 0.838], np.float32)
    brown = np.array([0.80, 0.68, 0.50], np.float32)
    cloud = clouds(rng, width, height, 3, 4)
    x = np.abs(np.linspace(-1, 1, width, dtype=np.float32))[None, :]
    y = np.abs(np.linspace(-1, 1, height, dtype=np.float32))[:, None]
    edge = np.maximum(smoothstep(0.80, 1.06, x + 0 * y), smoothstep(0.80, 1.06, y + 0 * x))
    stain = np.clip(0.10 * (cloud - 0.4) + edge * (0.18 + 0.5 * (cloud - 0.3)), 0, 1)
    spots = np.zeros((height, width), np.uint8)
    for px, py, r, level in rng.random((26, 4)):
        radius = unit * (0.0012 + 0.006 * r**4)
        cv2.circle(
            spots,
            (round(px * width * 16), round(py * height * 16)),
            max(8, round(radius * 16)),
            int(30 + 90 * level),
            -1,
            cv2.LINE_AA,
            4,
        )
    fox = blurred(spots, max(0.5, unit * 0.0022)).astype(np.float32) / 255
    sheet = base + (np.clip(stain + fox * 0.6, 0, 0.85))[..., None] * (brown - base)
    fibres = tooth(rng, width, height, unit * 0.0011) * 0.011
    return (sheet + fibres[..., None]).astype(np.float32)
