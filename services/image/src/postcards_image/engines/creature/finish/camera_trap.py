"""The photograph of a camera that nobody holds."""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from postcards_image.engines.creature.finish.composition import covering, over, placed, shaded_backdrop, shown, to_bytes
from postcards_image.engines.creature.finish.lettering import letter
from postcards_image.engines.creature.layers import Animal, FloatImage, Scenery
from postcards_image.engines.creature.scenery.filters import blurred, recoloured, softened, stretched, warped
from postcards_image.engines.creature.scenery.noise import generator, smoothstep
from postcards_species.place.scene import Scene
from postcards_species.surroundings import Biome, TimeOfDay, Weather

_TEMPERATURES: dict[Biome, tuple[int, int]] = {
    Biome.JUNGLE: (22, 33),
    Biome.SWAMP: (17, 31),
    Biome.DESERT: (4, 46),
    Biome.SAVANNA: (14, 38),
    Biome.TUNDRA: (-34, -6),
    Biome.COAST: (9, 25),
    Biome.REEF: (23, 28),
    Biome.ABYSS: (1, 4),
    Biome.CAVE: (8, 13),
    Biome.FUNGAL_FOREST: (11, 21),
    Biome.MOUNTAIN: (-9, 14),
    Biome.VOLCANIC: (31, 61),
}
"""Celsius, the coldest night and the warmest day."""

_CLOCK: dict[TimeOfDay, tuple[int, int]] = {
    TimeOfDay.DAWN: (5 * 60, 6 * 60 + 50),
    TimeOfDay.DAY: (9 * 60, 15 * 60 + 30),
    TimeOfDay.DUSK: (18 * 60, 19 * 60 + 40),
    TimeOfDay.NIGHT: (22 * 60, 27 * 60 + 30),
}
"""Minutes after midnight, the earliest and the latest."""


_BAR = 0.044
"""Height of the strip as a share of the shorter side."""


@dataclass(frozen=True)
class Record:
    """What the camera writes under its picture."""

    station: str
    stamp: str
    celsius: int
    moon: float
    """Age of the moon, 0 and 1 new, 0.5 full."""
    infrared: bool


def read_record(scene: Scene) -> Record:
    """The record of a scene: the same scene, the same minute."""
    digest = hashlib.sha256(repr(scene).encode()).digest()
    early, late = _CLOCK[scene.time_of_day]
    minute = (early + int.from_bytes(digest[0:2], "big") % (late - early)) % 1440
    year, month, day = 2027 + digest[2] % 9, 1 + digest[3] % 12, 1 + digest[4] % 28
    coldest, warmest = _TEMPERATURES[scene.biome]
    warmth = {TimeOfDay.NIGHT: 0.1, TimeOfDay.DAWN: 0.3, TimeOfDay.DUSK: 0.6, TimeOfDay.DAY: 0.9}[scene.time_of_day]
    wet = 0.2 if scene.weather in (Weather.RAIN, Weather.STORM, Weather.DRIFT) else 0.0
    celsius = round(coldest + (warmest - coldest) * min(1.0, max(0.0, warmth - wet + (digest[5] / 255 - 0.5) * 0.2)))
    open_air = not scene.biome.submerged and scene.biome not in (Biome.CAVE, Biome.FUNGAL_FOREST, Biome.VOLCANIC)
    return Record(
        station=f"{scene.biome.value.upper()} {1 + digest[6] % 48:02d}",
        stamp=f"{year}-{month:02d}-{day:02d}  {minute // 60:02d}:{minute % 60:02d}:{digest[7] % 60:02d}",
        celsius=celsius,
        moon=digest[8] / 255,
        infrared=scene.time_of_day is TimeOfDay.NIGHT and open_air and digest[9] % 2 == 0,
    )


def print_photograph(scene: Scene, scenery: Scenery, animal: Animal) -> np.ndarray:
    """(h, w, 3) uint8: depth of field, flash at night, bloom, fringes, vignette, noise, JPEG and the data strip."""
    record = read_record(scene)
    height, width = animal.alpha.shape
    unit = min(width, height)
    light = placed(_defocused(scenery, animal, unit), scenery, animal)
    night = scene.time_of_day is TimeOfDay.NIGHT
    if night:
        light = _flash(light, scenery, animal, 0.8 if record.infrared else 0.6)
    light = light * _exposure(light, animal, 2.1 if night else 1.3)
    light = over(scenery.foreground, light)
    light = light + softened(np.maximum(light - 0.72, 0), unit * 0.022) * 1.1 + np.maximum(light - 0.9, 0) * 8
    light *= _vignette(width, height, 0.68 if night else 0.5)[..., None]
    return _developed(_graded(shown(light), night), scene, record, 1.0)


def photograph_painting(scene: Scene, painting: FloatImage, width: int, height: int) -> np.ndarray:
    """(h, w, 3) uint8: a square painting (n, n, 3), encoded sRGB, as the same camera would see it in pushed film."""
    record = read_record(scene)
    picture = covering(painting, width, height, (0, 0, width, height * (1 - _BAR)))
    glow = softened(np.maximum(picture - 0.7, 0), min(width, height) * 0.02)
    lit = ((picture + glow * 0.5) * _vignette(width, height, 0.42)[..., None]).astype(np.float32)
    return _developed(_graded(lit, scene.time_of_day is TimeOfDay.NIGHT), scene, record, 3.2)


def _developed(picture: FloatImage, scene: Scene, record: Record, grain: float) -> np.ndarray:
    """What lens, sensor and memory card do to a picture (h, w, 3); `grain` multiplies the noise."""
    night = scene.time_of_day is TimeOfDay.NIGHT
    if record.infrared:
        picture = _infrared(picture)
    picture = _fringed(picture)
    noise = 0.022 if record.infrared else 0.014 if night else 0.008
    picture = _noisy(picture, scene, noise * grain, record.infrared)
    return _jpeg(to_bytes(_strip(picture, record)))


def _defocused(scenery: Scenery, animal: Animal, unit: float) -> FloatImage:
    """The backdrop, sharp at the feet, softer the farther it is."""
    backdrop = shaded_backdrop(scenery, animal)
    far = softened(backdrop, unit * 0.0036)
    rows = np.linspace(0, 1, backdrop.shape[0], dtype=np.float32)
    share = smoothstep(scenery.ground_y - 0.02, scenery.ground_y - 0.24, rows)[:, None, None]
    return (backdrop + share * (far - backdrop)).astype(np.float32)


def _exposure(light: FloatImage, animal: Animal, most: float) -> np.float32:
    """The camera meters on what moved: it lengthens its exposure, up to `most` times, until the animal is bright."""
    inside = animal.alpha > 0.5
    if not inside[::2, ::2].any():
        return np.float32(1.0)
    bright = float(np.quantile(light[::2, ::2][inside[::2, ::2]] @ np.full(3, 1 / 3, np.float32), 0.85))
    return np.float32(np.clip(0.42 / max(bright, 1e-4), 1.0, most))


def _flash(light: FloatImage, scenery: Scenery, animal: Animal, strength: float) -> FloatImage:
    """Light from the camera on the animal and the ground before it; the rest of the night stays."""
    facing = np.clip(animal.normal[..., 2], 0, 1)[..., None]
    lit = animal.albedo * (0.12 + 0.95 * facing) * np.array([1.0, 1.0, 0.96], np.float32)
    alpha = animal.alpha[..., None]
    height, width = animal.alpha.shape
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    reach = smoothstep(scenery.ground_y - 0.25, scenery.ground_y + 0.06, y) * np.exp(-((x / 0.85) ** 2))
    ground = light * (1 + 1.5 * strength * reach[..., None])
    return (ground * (1 - alpha) + (light * (1 - 0.5 * strength) + lit * strength * 0.8) * alpha).astype(np.float32)


def _graded(picture: FloatImage, night: bool) -> FloatImage:
    """A little contrast, warm lights, cool shadows."""
    curved = picture + 0.10 * (picture - 0.5) * (1 - np.abs(2 * picture - 1))
    strength = 1.02 if night else 1.08
    tone = np.array([[0.025], [0.004], [-0.03]], np.float32)
    matrix = np.eye(3, dtype=np.float32) * strength + (1 - strength + tone) / 3
    return np.clip(recoloured(curved, matrix) - tone[:, 0] / 2, 0, 1).astype(np.float32)


def _infrared(picture: FloatImage) -> FloatImage:
    """One channel, faintly green in the shadows, lifted."""
    grey = picture @ np.array([0.44, 0.40, 0.16], np.float32)
    grey = np.clip((grey - 0.03) * 1.28, 0, 1) ** 0.9
    dark, bright = np.array([0.03, 0.055, 0.05], np.float32), np.array([0.93, 0.97, 0.95], np.float32)
    return (dark + grey[..., None] * (bright - dark)).astype(np.float32)


def _fringed(picture: FloatImage) -> FloatImage:
    """Lateral colour of a cheap lens: red a little larger, blue a little smaller."""
    height, width = picture.shape[:2]
    channels: list[np.ndarray] = []
    for k, scale in enumerate((1.0022, 1.0, 0.9978)):
        matrix = np.array([[scale, 0, (1 - scale) * width / 2], [0, scale, (1 - scale) * height / 2]], np.float32)
        plane = np.ascontiguousarray(picture[..., k])
        channels.append(plane if scale == 1 else warped(plane, matrix))
    return np.dstack(channels).astype(np.float32)


def _vignette(width: int, height: int, strength: float) -> FloatImage:
    """(h, w) share of light that reaches the corners of the sensor."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return (1 - strength * smoothstep(0.55, 1.5, np.sqrt(x * x + y * y))).astype(np.float32)


def _noisy(picture: FloatImage, scene: Scene, strength: float, mono: bool) -> FloatImage:
    """Sensor noise: fine in brightness, coarse and faint in colour."""
    height, width = picture.shape[:2]
    rng = generator(scene.flora_seed, f"sensor/{scene.time_of_day.value}/{scene.weather.value}")
    fine = rng.standard_normal((height, width), dtype=np.float32)
    grain = (fine * 0.75 + blurred(fine, 0.9) * 0.9)[..., None] * strength
    if not mono:
        coarse = rng.standard_normal((max(2, height // 4), max(2, width // 4), 3), dtype=np.float32)
        grain = grain + stretched(coarse, width, height) * (strength * 0.45)
    return np.clip(picture + grain, 0, 1).astype(np.float32)


def _strip(picture: FloatImage, record: Record) -> FloatImage:
    """The camera's bar along the lower edge: station, time, moon, temperature."""
    height, width = picture.shape[:2]
    bar = round(max(8, min(width, height) * _BAR))
    top = height - bar
    strip = np.zeros((bar, width), np.float32)
    size, middle, gap = bar * 0.56, bar / 2, width * 0.02
    if width >= 200:
        letter(strip, record.station, (gap, middle), size)
        letter(strip, record.stamp, (width / 2, middle), size, anchor="mm")
        letter(
            strip, f"{record.celsius}°C  {round(record.celsius * 1.8 + 32)}°F", (width - gap, middle), size, anchor="rm"
        )
        np.maximum(strip, _moon(bar, width, width * 0.5 + bar * 6.6, record.moon), out=strip)
    picture = picture.copy()
    ground, ink = np.array([0.025, 0.028, 0.03], np.float32), np.array([0.93, 0.94, 0.92], np.float32)
    picture[top:] = picture[top:] * 0.06 + ground + strip[..., None] * (ink - 0.06)
    return picture


def _moon(bar: int, width: int, x: float, age: float) -> FloatImage:
    """(bar, w) the moon's phase as an icon."""
    radius = bar * 0.26
    across = (np.arange(width, dtype=np.float32) - x)[None, :] / radius
    up = (np.arange(bar, dtype=np.float32) - bar / 2)[:, None] / radius
    disc = smoothstep(1.06, 0.94, np.hypot(across, up))
    limb = np.sqrt(np.maximum(0.0, 1 - up**2)) * np.cos(2 * np.pi * age)
    lit = smoothstep(-0.06, 0.06, across - limb) if age < 0.5 else smoothstep(0.06, -0.06, across + limb)
    return np.maximum(disc * lit, disc * 0.22).astype(np.float32)


def _jpeg(picture: np.ndarray) -> np.ndarray:
    """What the camera's compression leaves."""
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
