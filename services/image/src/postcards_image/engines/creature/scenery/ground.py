"""Land between the horizon and the viewer, and the land far behind it."""

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.scenery.colour import Colour, encode, mix
from postcards_image.engines.creature.scenery.filters import blurred, sampled, smoothed_up, tiled
from postcards_image.engines.creature.scenery.noise import clouds, ridge, smoothstep
from postcards_image.engines.creature.scenery.stage import Stage

Canvas = np.ndarray


def tile(rng: np.random.Generator, cells: int, octaves: int = 5, size: int = 512) -> np.ndarray:
    """(size, size) fractal noise that repeats without a seam, 0 to 1."""
    total = np.zeros((size, size), np.float32)
    weight = 1.0
    for _ in range(octaves):
        if cells > size:
            break
        grid = np.pad(rng.random((cells, cells), dtype=np.float32), 2, mode="wrap")
        step = size // cells
        big = smoothed_up(grid, grid.shape[1] * step, grid.shape[0] * step)
        total += weight * big[2 * step : 2 * step + size, 2 * step : 2 * step + size]
        weight *= 0.55
        cells *= 2
    low, high = np.quantile(total, (0.01, 0.99))
    return np.clip((total - low) / (high - low), 0, 1).astype(np.float32)


def on_plane(stage: Stage, texture: np.ndarray, repeat: float) -> tuple[np.ndarray, int]:
    """`texture` laid on the ground in perspective: (rows from the horizon down, w), and the first row."""
    top = max(0, int(stage.horizon))
    rows = np.arange(top, stage.height, dtype=np.float32)
    near = np.maximum((rows - stage.horizon + 0.004 * stage.height) / max(stage.feet - stage.horizon, 1.0), 0.012)
    size = texture.shape[0]
    columns = (np.arange(stage.width, dtype=np.float32) - stage.width / 2) / stage.unit
    u = columns[None, :] / near[:, None] * repeat * size * 0.5
    v = np.repeat((1.0 / near)[:, None] * repeat * size * 0.62, stage.width, 1)
    return tiled(texture, u, v), top


def paint_plain(
    stage: Stage,
    canvas: Canvas,
    *,
    relief: float = 0.35,
    patches: float = 0.5,
    repeat: float = 0.35,
    ripples: float = 0.0,
    near: Colour | None = None,
    far: Colour | None = None,
) -> Canvas:
    """Ground from the horizon down: patches of colour, relief lit by the key light, air over the distance.

    `relief` and `ripples` are strengths from 0 to 1; `patches` is the share of the second colour.
    """
    rng, palette = stage.flora("ground"), stage.palette
    coarse, top = on_plane(stage, tile(rng, 4), repeat)
    fine_tile = tile(rng, 32, 4)
    if ripples:
        y = np.arange(512, dtype=np.float32)[:, None] / 512
        wave = np.sin((y * 26 + tile(rng, 4, 3) * 3.4) * 2 * np.pi)
        fine_tile = fine_tile * (1 - ripples) + ripples * (0.5 + 0.5 * wave).astype(np.float32)
    fine, _ = on_plane(stage, fine_tile, repeat * 1.4)
    if not fine.size:
        return canvas
    slope = np.zeros_like(fine)
    slope[:, 1:-1] = (fine[:, 2:] - fine[:, :-2]) * palette.side
    slope[1:-1] += (fine[2:] - fine[:-2]) * 0.7
    rows = np.arange(top, stage.height, dtype=np.float32)
    distance = np.clip((rows - stage.horizon) / max(stage.feet - stage.horizon, 1.0), 0, 1.6)[:, None]
    detail = smoothstep(0.02, 0.5, distance)
    facing = 0.05 + relief * detail * np.clip(slope * 5.0, -1, 1) + (fine - 0.5) * relief * detail
    share = smoothstep(0.72 - patches * 0.6, 0.95 - patches * 0.5, coarse * 0.8 + fine * 0.2)
    first, second = (palette.ground if near is None else near), palette.patch
    facing = facing.astype(np.float32)
    colour = palette.shaded(first, facing)
    colour += share[..., None] * (palette.shaded(second, facing) - colour)
    if far is not None:
        colour += (smoothstep(0.5, 0.0, distance) * np.ones_like(fine))[..., None] * (far - colour) * 0.7
    air = palette.haze_amount * (1 - np.clip(distance, 0, 1)) ** 1.7
    colour += np.repeat(air, stage.width, 1)[..., None] * (palette.haze - colour)
    swell = 0.012 * stage.unit * ridge(stage.layout("swell of the land"), stage.width, 3, 4)[None, :]
    shown = smoothstep(0.0, 0.05 * stage.unit, rows[:, None] - stage.horizon + swell)[..., None]
    canvas[top:] += shown * (encode(colour) - canvas[top:])
    return canvas


def outline(
    stage: Stage,
    rng: np.random.Generator,
    base: float,
    height: float,
    cells: float,
    octaves: int = 5,
    rough: float = 0.5,
) -> np.ndarray:
    """(w,) rows of a skyline that stands on row `base`, up to `height` pixels above it, lower in the middle."""
    line = ridge(rng, stage.width, cells, octaves, rough)
    across = np.abs(np.linspace(-1, 1, stage.width, dtype=np.float32))
    clearing = 0.62 + 0.38 * smoothstep(0.1, 0.8, across)
    return base - height * (0.55 + 0.45 * line * 1.6).clip(0.05, 1.3) * clearing


def crowns(
    stage: Stage, rng: np.random.Generator, base: float, height: float, count: int, pointed: bool = False
) -> np.ndarray:
    """(w,) rows of a skyline of tree crowns."""
    x = np.arange(stage.width, dtype=np.float32)[None, :] / stage.width
    centre, radius = rng.random((count, 1)).astype(np.float32), rng.uniform(0.35, 1.0, (count, 1)).astype(np.float32)
    wide = radius * (1.1 if not pointed else 0.5) / count * 2.2
    t = np.abs(x - centre) / wide
    bumps = (1 - t) if pointed else np.sqrt(np.maximum(0, 1 - t**2))
    top = (np.where(t < 1, bumps, 0) * (0.4 + 0.6 * radius)).max(0)
    frill = ridge(rng, stage.width, 60, 3, 0.6) * 0.05
    across = np.abs(np.linspace(-1, 1, stage.width, dtype=np.float32))
    clearing = 0.6 + 0.4 * smoothstep(0.1, 0.8, across)
    return base - height * (0.25 + 0.75 * top + frill) * clearing


def paint_range(
    stage: Stage,
    canvas: Canvas,
    line: np.ndarray,
    albedo: Colour,
    veil: float,
    *,
    rugged: float = 0.0,
    cap: Colour | None = None,
    cap_height: float = 0.0,
    base: float | None = None,
) -> Canvas:
    """Fills what lies below a skyline (rows, one a column): lit flanks, snow above, air below.

    `rugged` (0 to 1) carves flanks from the skyline's slopes; `cap` covers the top `cap_height` pixels.
    """
    palette = stage.palette
    top = max(0, int(line.min()) - 2)
    bottom = min(stage.height, int((stage.horizon if base is None else base) + 3))
    if bottom <= top:
        return canvas
    rows = np.arange(top, bottom, dtype=np.float32)[:, None]
    depth = rows - line[None, :]
    inside = np.clip(depth + 0.5, 0, 1)
    if rugged:
        colour = _rugged(stage, line, depth, albedo, rugged, cap, cap_height)
    else:
        colour = palette.lit(albedo[None], np.array([-0.05], np.float32))[0]
    span = max(1.0, bottom - float(line.mean()))
    air = np.clip(veil + (1 - veil) * 0.75 * smoothstep(0.15, 1.05, np.maximum(depth, 0) / span), 0, 0.98)
    haze = mix(palette.haze, palette.horizon, 0.4)
    colour = colour + air[..., None] * (haze - colour)
    part = canvas[top:bottom]
    part += inside[..., None] * (encode(colour) - part)
    return canvas


def _rugged(
    stage: Stage,
    line: np.ndarray,
    depth: np.ndarray,
    albedo: Colour,
    rugged: float,
    cap: Colour | None,
    cap_height: float,
) -> NDArray[np.float32]:
    """(n, w, 3) flanks that take their slope from the skyline above them, torn by ribs; `depth` is rows below it."""
    palette = stage.palette
    warp = clouds(stage.flora("range"), stage.width, depth.shape[0], 5, 5, stretch=0.35) - np.float32(0.5)
    smooth = blurred(line[None, :].astype(np.float32), max(0.6, stage.unit * 0.004))[0]
    slope = np.gradient(smooth).astype(np.float32) * np.float32(palette.side)
    x = np.arange(stage.width, dtype=np.float32)[None, :] + warp * np.float32(stage.unit * 0.10)
    where = np.clip(x, 0, stage.width - 1)
    flank = sampled(slope[None, :], where, np.zeros_like(where))
    facing = np.clip(rugged * (np.clip(flank * 1.3, -1, 1) + warp * 0.5) - 0.05, -0.9, 0.9).astype(np.float32)
    colour = palette.shaded(albedo, facing)
    if cap is not None and cap_height > 0:
        snow = smoothstep(cap_height * 1.15, cap_height * 0.75, depth + warp * cap_height * 1.3)
        colour += snow[..., None] * (palette.shaded(cap, facing + np.float32(0.1)) - colour)
    return colour
