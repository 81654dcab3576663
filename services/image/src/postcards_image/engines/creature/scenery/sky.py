"""Skies: gradients, clouds, sun, moon, stars, aurora."""

import cv2
import numpy as np

from postcards_image.engines.creature.scenery.colour import Colour, encode, from_oklab, mix, oklch, to_oklab
from postcards_image.engines.creature.scenery.filters import blurred, smoothed_up, softened, stretched, warped
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep
from postcards_image.engines.creature.scenery.stage import Stage, distance_field
from postcards_species.surroundings import Biome, TimeOfDay, Weather

Canvas = np.ndarray
"""(h, w, 3) encoded sRGB, float32."""


def gradient(rows: np.ndarray, stops: list[tuple[float, Colour]]) -> np.ndarray:
    """(n, 3) linear colours at `rows`, mixed in OKLab between stops (position, colour)."""
    at = np.array([stop[0] for stop in stops])
    lab = to_oklab(np.stack([stop[1] for stop in stops]))
    return from_oklab(np.stack([np.interp(rows, at, lab[:, k]) for k in range(3)], 1))


def paint_sky(stage: Stage) -> Canvas:
    """The sky of an open biome."""
    palette, scene = stage.palette, stage.scene
    rows = np.arange(stage.height, dtype=np.float32) / stage.horizon
    column = gradient(rows, [(0.0, palette.zenith), (0.55, palette.middle), (0.98, palette.horizon)])
    sky = np.repeat(column[:, None, :], stage.width, 1).astype(np.float32)
    clear = 1.0 - palette.overcast
    night = scene.time_of_day is TimeOfDay.NIGHT
    if night and clear > 0.2:
        _stars(stage, sky, clear)
    if night and scene.biome in (Biome.TUNDRA, Biome.MOUNTAIN) and scene.weather is not Weather.STORM:
        _aurora(stage, sky)
    gap = distance_field(stage, stage.orb, 1.15, 4)
    strength = (0.20 if night else 0.42) * (0.35 + 0.65 * clear)
    glow = mix(palette.horizon, palette.orb, 0.2) if night else palette.orb
    halo = (np.exp(-gap * 3.2) * strength)[..., None] * glow
    halo += (np.exp(-gap * 11.0) * strength * 0.8)[..., None] * palette.orb
    sky += stretched(halo, stage.width, stage.height)
    _orb(stage, sky, night)
    _clouds(stage, sky)
    return encode(sky)


def _orb(stage: Stage, sky: np.ndarray, night: bool) -> None:
    """The sun's disc, or the moon with its seas and phase."""
    radius = 0.036 if night else 0.045
    show = 1.0 - 0.85 * stage.palette.overcast
    reach = 1.3 * radius * stage.unit + 3
    left, right = int(max(0, stage.orb[0] - reach)), int(min(stage.width, stage.orb[0] + reach))
    top, bottom = int(max(0, stage.orb[1] - reach)), int(min(stage.height, stage.orb[1] + reach))
    if right - left < 2 or bottom - top < 2 or show < 0.45:
        return
    part, orb = sky[top:bottom, left:right], stage.palette.orb
    x = (np.arange(left, right, dtype=np.float32) - stage.orb[0])[None, :] / stage.unit
    y = (np.arange(top, bottom, dtype=np.float32) - stage.orb[1])[:, None] / stage.unit
    soft = 1.6 / stage.unit
    disc = smoothstep(radius + soft, radius - soft, np.hypot(x, y)) * show
    if not night:
        part += disc[..., None] * (orb * 1.5 - part)
        return
    phase = float(stage.layout("moon").uniform(0.25, 1.6)) * radius
    shade = smoothstep(radius - 3 * soft, radius + 6 * soft, np.hypot(x + stage.palette.side * phase, y * 0.96))
    seas = clouds(stage.layout("seas"), right - left, bottom - top, 3, 2)
    part += (disc * shade)[..., None] * (orb * (0.63 + 0.66 * seas[..., None]) - part)
    part += (disc * (1 - shade))[..., None] * 0.012


def _stars(stage: Stage, sky: np.ndarray, clear: float) -> None:
    """Stars, and the band of a galaxy."""
    rng = stage.layout("stars")
    count = 380
    x, y = rng.random(count) * stage.width, rng.random(count) ** 1.3 * stage.horizon * 0.95
    bright = rng.random(count) ** 7
    dots = np.zeros((stage.height, stage.width), np.uint8)
    for px, py, b in zip(x, y, bright, strict=True):
        radius = (0.0004 + 0.0014 * b) * stage.unit
        level = int((70 + 185 * b) * min(1.0, 0.35 + stage.unit / 1200))
        cv2.circle(dots, (round(px * 16), round(py * 16)), max(5, round(radius * 16)), level, -1, cv2.LINE_AA, 4)
    fade = smoothstep(1.0, 0.55, np.arange(stage.height) / stage.horizon)[:, None]
    band = clouds(rng, stage.width, stage.height, 3.0, 5)
    slope = np.linspace(-0.4, 0.4, stage.width, dtype=np.float32)[None, :] * stage.palette.side
    across = np.arange(stage.height, dtype=np.float32)[:, None] / stage.height - 0.22 + slope * 0.8
    milk = np.exp(-((across / 0.13) ** 2)) * smoothstep(0.35, 0.75, band) * 0.05
    sky += ((dots.astype(np.float32) / 255) * fade * clear * 0.9 + milk * fade * clear)[..., None] * oklch(
        0.95, 0.03, 240
    )


def _aurora(stage: Stage, sky: np.ndarray) -> None:
    """Curtains of green and violet."""
    rng = stage.layout("aurora")
    width, height = 256, 128
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    total = np.zeros((height, width, 3), np.float32)
    lower, upper = oklch(0.82, 0.19, 155), oklch(0.60, 0.18, 310)
    for _ in range(3):
        base, swing = rng.uniform(0.45, 0.8), rng.uniform(0.05, 0.14)
        edge = base + swing * np.sin(x * rng.uniform(3, 8) + rng.uniform(0, 6)) + 0.04 * np.sin(x * rng.uniform(14, 24))
        above = edge - y
        rays = 0.6 + 0.4 * np.sin(x * rng.uniform(60, 110) + 5 * np.sin(x * 9))
        strength = np.where(above > 0, np.exp(-above * 4.5), np.exp(above * 60)) * rays * rng.uniform(0.25, 0.5)
        share = np.clip(above * 2.2, 0, 1)[..., None]
        total += strength[..., None] * (lower * (1 - share) + upper * share)
    total = blurred(total, 1.5)
    top = max(2, int(stage.horizon))
    sky[:top] += smoothed_up(total, stage.width, top)[: sky[:top].shape[0]].clip(0) * 0.6


def _clouds(stage: Stage, sky: np.ndarray) -> None:
    """Banks of cloud lit from where the sun or moon stands."""
    scene, palette = stage.scene, stage.palette
    amount = 0.36 + 0.5 * palette.overcast + float(stage.layout("cover").uniform(-0.1, 0.1))
    if scene.biome is Biome.DESERT and scene.weather is Weather.CLEAR:
        amount -= 0.2
    rng = stage.layout("clouds")
    top = max(8, int(stage.horizon * 1.02))
    half_w, half_h = max(8, stage.width // 2), max(8, top // 2)
    field = clouds(rng, half_w, half_h, 3.2, 6, stretch=2.6, persistence=0.56)
    banks = clouds(rng, half_w, half_h, 1.3, 2, stretch=2.0)
    rows = np.linspace(0, 1, half_h, dtype=np.float32)[:, None]
    density = field * 0.75 + banks * 0.35 + 0.10 * (rows - 0.5)
    cover = smoothstep(0.78 - amount * 0.55, 1.0 - amount * 0.45, density)
    shift = max(1.0, half_h * 0.035)
    towards = (-palette.side * shift, shift * 0.8)
    matrix = np.array([[1, 0, towards[0]], [0, 1, towards[1]]], np.float32)
    shaded = softened(density, shift * 0.3)
    behind = warped(shaded, matrix, cv2.BORDER_REFLECT)
    edge = np.clip(0.5 + (shaded - behind) * 4.2, 0, 1)
    gap = distance_field(stage, stage.orb, 1.15, 2)[: max(1, top // 2)]
    near = np.exp(-stretched(gap, half_w, half_h) * 2.0)
    night = scene.time_of_day is TimeOfDay.NIGHT
    lit = mix(palette.horizon, palette.light.colour, 0.35 if night else 0.75) * (0.8 if night else 1.05)
    dark = mix(palette.zenith, palette.middle, 0.55) * (0.8 - 0.25 * palette.overcast)
    glow = (
        mix(palette.horizon, palette.orb, 0.35 if night else 1.0)
        * (0.4 if night else 0.5)
        * (1 - 0.6 * palette.overcast)
    )
    colour = (
        dark + (lit - dark) * (edge * (0.35 + 0.65 * (1 - rows * 0.3)))[..., None] + (near * edge)[..., None] * glow
    )
    if scene.weather is Weather.STORM:
        colour = colour * 0.55
    thin = smoothstep(1.02, 0.72, rows)
    alpha = cover * (0.55 + 0.35 * palette.overcast) * thin
    big = stretched(np.dstack([colour, alpha]).astype(np.float32), stage.width, top)
    share = big[..., 3:]
    view = sky[:top]
    view += share[: view.shape[0]] * (big[: view.shape[0], :, :3] - view)
