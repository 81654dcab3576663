"""Water: seen from within, and lying on the land."""

import numpy as np

from postcards_image.engines.creature.scenery.colour import Colour, decode, encode, mix
from postcards_image.engines.creature.scenery.filters import sampled, stretched, tiled
from postcards_image.engines.creature.scenery.ground import on_plane, tile
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep
from postcards_image.engines.creature.scenery.sky import gradient
from postcards_image.engines.creature.scenery.stage import Stage, distance_field
from postcards_species.surroundings import TimeOfDay

Canvas = np.ndarray


def paint_depths(stage: Stage, surface: float) -> Canvas:
    """The open water behind everything; `surface` (0 to 1) is how bright the surface shines in from above."""
    palette = stage.palette
    rows = np.arange(stage.height, dtype=np.float32) / max(stage.horizon, 1.0)
    top = mix(palette.horizon, palette.light.colour * 0.9, 0.35 * surface)
    column = gradient(rows, [(0.0, mix(palette.zenith, top, surface)), (0.5, palette.middle), (1.0, palette.haze)])
    water = np.repeat(column[:, None, :], stage.width, 1).astype(np.float32)
    gap = distance_field(stage, (stage.orb[0], 0.0), 1.0, 4)
    shine = stretched(np.exp(-gap * 2.6) * 0.55 * surface, stage.width, stage.height)
    water += shine[..., None] * palette.light.colour
    murk = clouds(stage.layout("murk"), stage.width, stage.height, 2.2, 4, stretch=1.6)
    water *= (0.86 + 0.28 * murk)[..., None]
    if surface > 0.3:
        _mirror(stage, water, surface)
    return encode(water)


def _mirror(stage: Stage, water: np.ndarray, surface: float) -> None:
    """The underside of the waves along the top edge."""
    rows = max(2, int(stage.height * 0.16))
    near = (1.0 - np.arange(rows, dtype=np.float32) / rows + 0.02)[:, None]
    columns = (np.arange(stage.width, dtype=np.float32) - stage.width / 2)[None, :] / stage.unit
    texture = tile(stage.layout("waves"), 8, 4)
    u, v = (columns / near * 0.5 * 512) % 512, np.repeat((0.5 / near) * 512 % 512, stage.width, 1)
    waves = tiled(texture, u, v)
    shine = smoothstep(0.45, 0.85, waves) * near**1.6 * surface * 0.5
    water[:rows] += shine[..., None] * stage.palette.light.colour


def rays(
    stage: Stage, canvas: Canvas, source: tuple[float, float], strength: float, colour: Colour, reach: float = 0.9
) -> Canvas:
    """Shafts of light from `source` (pixels), fading over `reach` (units)."""
    height, width = max(8, stage.height // 2), max(8, stage.width // 2)
    x = (np.arange(width, dtype=np.float32) * 2 - source[0])[None, :] / stage.unit
    y = (np.arange(height, dtype=np.float32) * 2 - source[1])[:, None] / stage.unit
    angle = np.arctan2(x, np.maximum(y, 1e-3))
    rng = stage.layout("rays")
    table = np.zeros(720, np.float32)
    for cells, weight in ((26, 1.0), (60, 0.7), (130, 0.35)):
        knots = rng.random(cells).astype(np.float32)
        table += weight * np.interp(np.linspace(0, cells - 1, 720), np.arange(cells), knots).astype(np.float32)
    table = np.clip((table / 2.05 - 0.38) * 2.2, 0, 1) ** 1.3
    where = ((angle / np.pi + 0.5) * 719).astype(np.float32)
    shafts = sampled(table[None, :], where, np.zeros_like(where))
    fade = np.exp(-np.hypot(x, y) / reach * 1.5) * strength
    beam = stretched(shafts * fade * (y > 0), stage.width, stage.height)
    return 1.0 - (1.0 - canvas) * (1.0 - np.clip(beam, 0, 1)[..., None] * encode(colour))


def caustics(stage: Stage, canvas: Canvas, strength: float) -> Canvas:
    """The net of light that waves throw on the ground."""
    texture = tile(stage.layout("caustics"), 8, 2)
    net = np.clip(1.0 - np.abs(texture * 2 - 1) * 2.4, 0, 1) ** 2
    second = tile(stage.layout("caustics/2"), 8, 2)
    net = np.maximum(net, 0.8 * np.clip(1.0 - np.abs(second * 2 - 1) * 2.4, 0, 1) ** 2)
    laid, top = on_plane(stage, net.astype(np.float32), 0.5)
    rows = np.arange(top, stage.height, dtype=np.float32)
    fade = smoothstep(0.0, 0.7, (rows - stage.horizon) / max(stage.feet - stage.horizon, 1.0))[:, None]
    light = (laid * fade * strength)[..., None] * stage.palette.light.colour
    canvas[top:] = encode(decode(canvas[top:]) * (1 + 1.3 * light) + 0.05 * light)
    return canvas


def pools(stage: Stage, canvas: Canvas, mask: np.ndarray, line: float, dark: float, swell: float) -> Canvas:
    """Mirrors what stands above row `line` in the water that `mask` (h, w) shows.

    `dark` (0 to 1) is how much the water keeps of the light, `swell` how far ripples bend it, in units.
    """
    top = int(np.clip(line, 1, stage.height - 1))
    rows = np.arange(top, stage.height, dtype=np.float32)
    depth = rows - top
    mirrored = np.maximum(top - 1 - depth * 1.15, 0)
    ripple, first = on_plane(stage, tile(stage.layout("ripples"), 16, 3), 0.8)
    padded = np.zeros((stage.height, stage.width), np.float32)
    padded[first:] = ripple - 0.5
    growth = smoothstep(0, 0.35 * stage.height, depth)[:, None] * 0.9 + 0.1
    bend = padded[top:] * swell * stage.unit * growth
    x = np.arange(stage.width, dtype=np.float32)[None, :] + bend
    y = np.clip(mirrored[:, None] + bend * 1.5, 0, top - 1)
    image = sampled(canvas, x, y)
    water = decode(image) * (1 - dark) + stage.palette.haze * dark * 0.12
    crest = smoothstep(0.22, 0.42, padded[top:])[..., None] * growth[..., None]
    glint = 0.5 if stage.scene.time_of_day is not TimeOfDay.NIGHT else 0.8
    water = water + crest * stage.palette.horizon * 0.16 * glint
    share = mask[top:, :, None]
    canvas[top:] = canvas[top:] * (1 - share) + encode(water) * share
    return canvas


def pool_mask(stage: Stage, level: float) -> np.ndarray:
    """(h, w) where water lies: far away, in channels nearer, never under the feet; `level` (0 to 1) is its height."""
    shape, top = on_plane(stage, tile(stage.layout("pools"), 4, 4), 0.3)
    y = (np.arange(top, stage.height, dtype=np.float32)[:, None] - stage.horizon) / max(stage.feet - stage.horizon, 1.0)
    x = np.abs(np.linspace(-1, 1, stage.width, dtype=np.float32))[None, :]
    island = np.exp(-((x / 0.95) ** 2) - ((y - 1.08) / 0.5) ** 2)
    depth = level - 0.62 * island + 0.6 * (shape - 0.5) - 0.10 * np.clip(y, 0, 2)
    mask = np.zeros((stage.height, stage.width), np.float32)
    mask[top:] = smoothstep(0.34, 0.40, depth)
    return mask
