"""What fills the air: mist, rain, snow, ash, dust, lightning; behind the animal and before it."""

import cv2
import numpy as np

from postcards_image.engines.creature.scenery.colour import Colour, encode, mix, oklch
from postcards_image.engines.creature.scenery.filters import blurred, shrunk, stretched
from postcards_image.engines.creature.scenery.noise import clouds, smoothstep
from postcards_image.engines.creature.scenery.palette import burning
from postcards_image.engines.creature.scenery.stage import Stage, distance_field
from postcards_species.surroundings import Biome, TimeOfDay, Weather

Canvas = np.ndarray


def mist(stage: Stage, canvas: Canvas, row: float, thickness: float, amount: float, name: str) -> Canvas:
    """A bank of mist around a row (pixels), `thickness` in units."""
    span = thickness * stage.unit
    top, bottom = int(max(0, row - span * 2)), int(min(stage.height, row + span * 2))
    if bottom - top < 2 or amount <= 0.01:
        return canvas
    y = (np.arange(top, bottom, dtype=np.float32) - row) / span
    wisps = clouds(stage.layout(f"mist/{name}"), stage.width, bottom - top, 2.2, 4, stretch=5.0)
    alpha = np.exp(-(y**2))[:, None] * (0.35 + 1.0 * wisps) * amount
    tone = encode(mix(stage.palette.haze, stage.palette.horizon, 0.5))
    canvas[top:bottom] += np.clip(alpha, 0, 0.95)[..., None] * (tone - canvas[top:bottom])
    return canvas


def clearing_glow(stage: Stage, canvas: Canvas, amount: float) -> Canvas:
    """Air behind the animal, so that it stands out."""
    middle = (stage.width * 0.5, stage.feet - 0.30 * stage.unit)
    gap = distance_field(stage, middle, 1.25, 4)
    alpha = stretched(np.exp(-((gap / 0.36) ** 2)) * amount, stage.width, stage.height)
    tone = encode(mix(stage.palette.haze, stage.palette.horizon, 0.35))
    canvas += alpha[..., None] * (tone - canvas)
    return canvas


def lightning(stage: Stage, canvas: Canvas) -> Canvas:
    """One forked bolt beside the middle, and the cloud that it lights."""
    rng = stage.layout("lightning")
    x = (0.5 - stage.palette.side * float(rng.uniform(0.24, 0.36))) * stage.width
    bolt = np.zeros((stage.height, stage.width), np.uint8)
    _fork(bolt, rng, np.array([x, -5.0]), stage.horizon * 0.96, stage.unit, 0)
    core = bolt.astype(np.float32) / 255
    wide = blurred(core, max(0.5, stage.unit * 0.003))
    halo = shrunk(core, max(8, stage.width // 8), max(8, stage.height // 8))
    halo = stretched(blurred(halo, max(1.0, stage.unit * 0.004)), stage.width, stage.height)
    near = np.exp(-distance_field(stage, (x, stage.horizon * 0.25), 1.0, 4) * 2.4) * 0.34
    flash = stretched(near, stage.width, stage.height)
    light = np.clip(core * 0.9 + wide * 0.8 + halo * 1.3 + flash, 0, 1)
    return 1.0 - (1.0 - canvas) * (1.0 - light[..., None] * encode(oklch(0.95, 0.05, 285)))


def _fork(bolt: np.ndarray, rng: np.random.Generator, start: np.ndarray, floor: float, unit: float, level: int) -> None:
    steps = 22 - level * 6
    points = [start]
    drift = float(rng.normal(0, 0.35 + 0.4 * level))
    for _ in range(steps):
        move = np.array([rng.normal(drift, 1.1) * 0.022, abs(rng.normal(1, 0.35)) * 0.028 / (1 + 0.5 * level)]) * unit
        points.append(points[-1] + move)
        if points[-1][1] > floor:
            break
        if level < 2 and rng.random() < 0.09:
            _fork(bolt, rng, points[-1], floor, unit, level + 1)
    path = np.rint(np.array(points) * 16).astype(np.int32)
    cv2.polylines(
        bolt, [path], False, 255 - level * 80, max(1, round(unit * (0.0027 - 0.0010 * level))), cv2.LINE_AA, 4
    )


def flecks_behind(stage: Stage, canvas: Canvas) -> Canvas:
    """Far drops, flakes and motes, before the land and behind the animal."""
    if stage.scene.weather in (Weather.RAIN, Weather.STORM) and not stage.scene.biome.submerged:
        veil = _rain(stage, "far", 520, 0.05, 0.0011)
        canvas += (veil * 0.22)[..., None] * (encode(stage.palette.horizon) - canvas)
    if stage.scene.weather is Weather.DRIFT:
        dots = _dots(stage, "far", 480, (0.0010, 0.0028))
        canvas += (dots * 0.75)[..., None] * (encode(fleck_colour(stage)) - canvas)
    if stage.scene.weather is Weather.WIND and not stage.scene.biome.submerged:
        canvas = _dust(stage, canvas)
    return canvas


def fleck_colour(stage: Stage) -> Colour:
    """The colour of what drifts in this place, lit."""
    palette, biome = stage.palette, stage.scene.biome
    white = np.array([[0.95, 0.95, 0.95]], np.float32)
    lit = palette.lit(white, np.array([0.5]))[0]
    bright = mix(lit, palette.horizon, 0.35)
    if stage.scene.time_of_day is TimeOfDay.NIGHT:
        bright = bright * 1.5
    if biome in (Biome.FUNGAL_FOREST, Biome.CAVE, Biome.ABYSS):
        return mix(bright, palette.glow, 0.7)
    if burning(stage.scene):
        return mix(bright, palette.rock, 0.3)
    return bright


def weather_before(stage: Stage, sheet: np.ndarray) -> np.ndarray:
    """`sheet` (h, w, 4), linear and premultiplied, with the near drops, flakes and embers on it."""
    weather, submerged = stage.scene.weather, stage.scene.biome.submerged
    if weather in (Weather.RAIN, Weather.STORM) and not submerged:
        streaks = _rain(stage, "near", 150, 0.11, 0.0018) * 0.34
        sheet = _lay(sheet, mix(stage.palette.horizon, stage.palette.light.colour, 0.4), streaks)
    if weather is Weather.DRIFT:
        near = _dots(stage, "near", 90, (0.003, 0.008))
        near = blurred(near, max(0.4, stage.unit * 0.0016)) * 0.75
        sheet = _lay(sheet, fleck_colour(stage), near)
        big = _dots(stage, "nearest", 16, (0.010, 0.022), avoid=0.5)
        big = blurred(big, max(0.5, stage.unit * 0.006)) * 0.5
        sheet = _lay(sheet, fleck_colour(stage), big)
    if burning(stage.scene):
        embers = _dots(stage, "embers", 70, (0.0012, 0.0034))
        soft = blurred(embers, max(0.5, stage.unit * 0.004)) * 0.5
        sheet = _lay(sheet, oklch(0.72, 0.21, 45), soft)
        sheet = _lay(sheet, oklch(0.90, 0.13, 75), embers)
    if weather is Weather.WIND and not submerged and stage.scene.biome is not Biome.CAVE:
        leaves = _leaves(stage)
        tone = stage.palette.lit(mix(stage.palette.leaf, stage.palette.stem, 0.5)[None], np.array([0.1]))[0]
        sheet = _lay(sheet, tone, leaves * 0.85)
    if submerged and weather in (Weather.STORM, Weather.WIND, Weather.RAIN):
        motes = _dots(stage, "silt", 220, (0.001, 0.0035))
        sheet = _lay(sheet, stage.palette.horizon, blurred(motes, stage.unit * 0.002) * 0.7)
    return sheet


def _lay(sheet: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`colour` by coverage (h, w) on a premultiplied sheet, which it changes; most of the air is empty."""
    where = alpha > 0.004
    share = alpha[where][:, None]
    sheet[where] = sheet[where] * (1 - share) + np.append(np.minimum(colour, 1.0), np.float32(1.0)) * share
    return sheet


def _rain(stage: Stage, name: str, count: int, length: float, width: float) -> np.ndarray:
    """(h, w) coverage of slanting streaks."""
    rng = stage.layout(f"rain/{name}")
    storm = stage.scene.weather is Weather.STORM
    slant = -stage.palette.side * (0.42 if storm else 0.16)
    start = rng.random((count, 2)) * np.array([stage.width * 1.3, stage.height * 1.15]) - np.array(
        [stage.width * 0.15, stage.height * 0.1]
    )
    reach = length * stage.unit * rng.uniform(0.5, 1.2, (count, 1))
    ends = start + reach * np.array([[slant, 1.0]])
    mask = np.zeros((stage.height, stage.width), np.uint8)
    lines = list(np.rint(np.stack([start, ends], 1) * 16).astype(np.int32))
    third = count // 3
    for k, level in enumerate((110, 180, 255)):
        cv2.polylines(
            mask, lines[k * third : (k + 1) * third], False, level, max(1, round(width * stage.unit)), cv2.LINE_AA, 4
        )
    return mask.astype(np.float32) / 255


def _dots(stage: Stage, name: str, count: int, radii: tuple[float, float], avoid: float = 0.0) -> np.ndarray:
    """(h, w) coverage of dots; `avoid` (0 to 1) keeps them out of the middle."""
    rng = stage.layout(f"dots/{name}")
    mask = np.zeros((stage.height, stage.width), np.uint8)
    for x, y, r, level in rng.random((count, 4)):
        if avoid and abs(x - 0.5) < avoid * 0.6 and abs(y - 0.5) < avoid * 0.8:
            continue
        radius = max(0.45, (radii[0] + (radii[1] - radii[0]) * r**2) * stage.unit)
        centre = (round(x * stage.width * 16), round(y * stage.height * 16))
        cv2.circle(mask, centre, round(radius * 16), int(110 + 145 * level), -1, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def _leaves(stage: Stage) -> np.ndarray:
    """(h, w) coverage of torn leaves that the wind carries past, blurred along their way."""
    rng = stage.layout("leaves")
    mask = np.zeros((stage.height, stage.width), np.uint8)
    along = np.linspace(0, np.pi, 7)
    for _ in range(46):
        size = stage.unit * float(rng.uniform(0.003, 0.011))
        turn, thin = float(rng.uniform(0, np.pi)), float(rng.uniform(0.15, 0.5))
        half = np.stack([-np.cos(along), np.sin(along) * thin], 1)
        shape = np.concatenate([half, half[::-1] * np.array([1, -1])]) * size
        shape = shape @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        at = np.array([rng.random() * stage.width, (0.15 + 0.8 * rng.random()) * stage.height])
        cv2.fillPoly(mask, [np.rint((shape + at) * 16).astype(np.int32)], int(rng.integers(120, 255)), cv2.LINE_AA, 4)
    flown = mask.astype(np.float32) / 255
    reach = max(1, round(stage.unit * 0.007))
    trail = np.asarray(cv2.blur(flown, (reach, 1)), np.float32)
    return np.maximum(trail, flown * 0.5)


def _dust(stage: Stage, canvas: Canvas) -> Canvas:
    """Streamers of dust along the ground."""
    field = clouds(stage.layout("dust"), stage.width, stage.height, 3.0, 4, stretch=7.0)
    rows = np.arange(stage.height, dtype=np.float32)[:, None]
    low = np.exp(-(((rows - stage.horizon - 0.08 * stage.height) / (0.17 * stage.height)) ** 2))
    alpha = smoothstep(0.42, 0.75, field) * (0.18 + 0.5 * low)
    tone = mix(stage.palette.haze, stage.palette.ground, 0.3)
    canvas += (alpha * 0.8)[..., None] * (encode(tone) - canvas)
    return canvas
