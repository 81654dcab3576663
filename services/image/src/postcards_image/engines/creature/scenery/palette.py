"""The colours and the light of a scene: an hour, bent by a biome, a weather and a hue."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.layers import Light
from postcards_image.engines.creature.scenery.appearance import APPEARANCES, HOURS, Appearance, Hour, Lch
from postcards_image.engines.creature.scenery.colour import Colour, mix, oklch, tint
from postcards_species.place.scene import Scene
from postcards_species.surroundings import Biome, TimeOfDay, Weather

_OVERCAST = {
    Weather.CLEAR: 0.0,
    Weather.MIST: 0.55,
    Weather.RAIN: 0.7,
    Weather.DRIFT: 0.45,
    Weather.WIND: 0.3,
    Weather.STORM: 0.9,
}
_THICKENS = {
    Weather.CLEAR: 0.0,
    Weather.MIST: 0.45,
    Weather.RAIN: 0.22,
    Weather.DRIFT: 0.18,
    Weather.WIND: 0.25,
    Weather.STORM: 0.2,
}

HUE_SHARE = 0.34
"""How far a scene's hue pulls its sky and ground."""


@dataclass(frozen=True)
class Palette:
    """The colours of one scene, in linear light."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    orb: Colour
    haze: Colour
    haze_amount: float
    overcast: float
    ground: Colour
    patch: Colour
    rock: Colour
    stem: Colour
    leaf: Colour
    accent: Colour
    glow: Colour
    light: Light
    side: float
    """-1 when the key light comes from the left, 1 from the right."""

    def lit(self, albedo: NDArray[Any], facing: NDArray[Any] | float) -> Colour:
        """Radiance of surfaces (n, 3) that face the key light by `facing` (n,), -1 away to 1 towards."""
        share = np.clip(0.42 + 0.58 * np.asarray(facing, np.float32), 0.0, 1.2)[..., None]
        up = 0.5 + 0.25 * np.asarray(facing, np.float32)[..., None]
        ambient = self.light.sky * up + self.light.ground * (1 - up)
        return (albedo * (share * self.light.colour + 1.1 * ambient)).astype(np.float32)

    def shaded(self, albedo: Colour, facing: NDArray[np.float32]) -> NDArray[np.float32]:
        """Radiance (h, w, 3) of a surface of one colour (3,) whose points face the key light by `facing` (h, w)."""
        light = self.light
        key = np.asarray(albedo * light.colour, np.float32)
        flat = np.asarray(albedo * 0.55 * (light.sky + light.ground), np.float32)
        turn = np.asarray(albedo * 0.275 * (light.sky - light.ground), np.float32)
        image = np.clip(0.42 + 0.58 * facing, 0.0, 1.2)[..., None] * key
        image += facing[..., None] * turn
        image += flat
        return image

    def veiled(self, colour: Colour, share: float) -> Colour:
        """`colour` seen through a share (0 to 1) of the air."""
        return (colour * (1 - share) + self.haze * share).astype(np.float32)


def mix_palette(scene: Scene, side: float, height: float) -> Palette:
    """The palette of `scene`, lit from `side` (-1 left, 1 right), the key light at a relative `height` (0 to 1)."""
    hour, look = HOURS[scene.time_of_day], APPEARANCES[scene.biome]
    overcast = _OVERCAST[scene.weather]
    night = scene.time_of_day is TimeOfDay.NIGHT
    pulls = HUE_SHARE * (0.55 if scene.biome in (Biome.REEF, Biome.JUNGLE) else 1.0)
    zenith, middle, horizon = (
        tint(_air(colour, look, share, night), (scene.hue + off) % 1.0, pulls, 1.2)
        for colour, share, off in ((hour.zenith, 0.7, -0.10), (hour.middle, 0.9, -0.03), (hour.horizon, 0.9, 0.03))
    )
    if scene.weather is Weather.STORM:
        zenith, middle, horizon = zenith * 0.30, middle * 0.34, horizon * 0.55
    elif burning(scene) and scene.biome is not Biome.VOLCANIC:
        zenith, middle = zenith * 0.35, middle * 0.6
        horizon = mix(horizon, oklch(0.70, 0.20, 42), 0.5)
    elif scene.weather in (Weather.RAIN, Weather.MIST):
        zenith, middle = mix(zenith, horizon, 0.3), mix(middle, horizon, 0.3)
    haze = mix(horizon, middle, 0.35)
    ground = tint(oklch(*look.ground), scene.hue, 0.3)
    return Palette(
        zenith=zenith,
        middle=middle,
        horizon=horizon,
        orb=oklch(*hour.orb),
        haze=haze,
        haze_amount=min(0.95, look.haze + _THICKENS[scene.weather] * (1.2 - look.haze)),
        overcast=overcast,
        ground=ground,
        patch=tint(oklch(*look.patch), scene.hue, 0.3),
        rock=tint(oklch(*look.rock), scene.hue, 0.2),
        stem=oklch(*look.stem),
        leaf=oklch(*look.leaf),
        accent=oklch(*look.accent),
        glow=oklch(*look.glow),
        light=_light(scene, hour, look, side, height, ground),
        side=side,
    )


def burning(scene: Scene) -> bool:
    """Whether the air is full of fire: near volcanoes always, elsewhere when ash drifts in a red dusk or night."""
    red = scene.hue < 0.06 or scene.hue > 0.97
    dark = scene.time_of_day in (TimeOfDay.DUSK, TimeOfDay.NIGHT)
    return scene.biome is Biome.VOLCANIC or (
        scene.weather is Weather.DRIFT and red and dark and not scene.biome.submerged
    )


def _air(colour: Lch, look: Appearance, share: float, night: bool) -> Colour:
    """A colour of the hour's sky in a biome's air; night keeps its darkness."""
    own = oklch(*colour)
    lightness = look.air[0]
    if look.air_share > 0.7:
        lightness *= 0.35 + 0.75 * colour[0]
    elif night:
        lightness = colour[0]
    else:
        lightness = 0.5 * lightness + 0.5 * colour[0]
    return mix(own, oklch(lightness, look.air[1] * (0.6 if night else 1.0), look.air[2]), look.air_share * share)


def _light(scene: Scene, hour: Hour, look: Appearance, side: float, height: float, ground: Colour) -> Light:
    """Key, ambient and rim light; the key light lies where the sun or moon is painted, a little towards the viewer."""
    overcast = _OVERCAST[scene.weather]
    low, high = hour.elevation
    elevation = math.radians(low + (high - low) * height)
    turn = math.radians(52.0)
    key = oklch(*hour.key) * hour.strength * look.dim * (1 - 0.42 * overcast)
    if scene.biome.submerged or scene.biome is Biome.CAVE:
        elevation, turn = math.radians(58.0), math.radians(40.0)
        key = mix(key, oklch(0.85, 0.08, look.air[2]) * float(key.mean()), 0.5)
    if scene.biome is Biome.ABYSS:
        elevation, turn = math.radians(30.0), math.radians(35.0)
        key = oklch(0.92, 0.05, 210) * (0.52 if scene.time_of_day is TimeOfDay.DAY else 0.44)
    direction = np.array(
        [
            side * math.cos(elevation) * math.sin(turn),
            math.sin(elevation),
            math.cos(elevation) * math.cos(turn),
        ]
    )
    sky = tint(oklch(*hour.ambient), scene.hue, 0.3) * (0.95 + 0.35 * overcast) * (0.45 + 0.55 * look.dim)
    if scene.weather is Weather.STORM:
        key, sky = key * 0.8, sky * 0.75
    bounce = ground * (key * 0.22 + sky * 0.5)
    if burning(scene):
        bounce = bounce + oklch(0.62, 0.20, 42) * 0.22
    rim = mix(oklch(*hour.orb), oklch(*look.glow), 0.7 if look.dim < 0.7 else 0.12)
    return Light(
        direction=direction.astype(np.float32),
        colour=tint(key, scene.hue, 0.15),
        sky=sky,
        ground=bounce.astype(np.float32),
        rim=(rim * hour.rim * (1 - 0.4 * overcast)).astype(np.float32),
    )
