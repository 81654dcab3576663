"""The quiet bed behind the call: wind, water, rain, insects, drips, fire, thunder, the deep."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from postcards_audio.engines.vocal_tract.signals import (
    HOP,
    RATE,
    Samples,
    at_audio_rate,
    fast_length,
    rms,
    shaped_noise,
)
from postcards_species.place.scene import Biome, Scene, TimeOfDay, Weather

_LOOP = 2**18
"""Most samples of noise that are made before they repeat: six seconds, which no ear tells from endless noise."""

_COARSE = 512
"""Samples between the knots of slow gains."""

Layer = Callable[[int, np.random.Generator], Samples]
"""Makes a layer of so many samples, shape (2, n), about unit loudness."""


@dataclass(frozen=True)
class _Part:
    layer: Layer
    level_db: float


def bed(scene: Scene, samples: int, rng: np.random.Generator) -> Samples:
    """The place of `scene` without the animal, shape (2, samples), RMS 1. Never silent."""
    total = np.zeros((2, samples), np.float32)
    for part in _parts(scene):
        total += part.layer(samples, rng) * np.float32(10 ** (part.level_db / 20))
    return total / np.float32(max(rms(total), 1e-9))


def _parts(scene: Scene) -> list[_Part]:
    parts = list(_BIOMES[scene.biome])
    under_water = scene.biome in (Biome.REEF, Biome.ABYSS)
    enclosed = scene.biome is Biome.CAVE
    match scene.weather:
        case Weather.RAIN if not under_water:
            parts.append(_Part(_drips if enclosed else _rain, 1))
        case Weather.STORM:
            parts += [_Part(_thunder, 8)] if under_water else [_Part(_thunder, 9), _Part(_gusts, 3)]
            if not under_water and not enclosed:
                parts.append(_Part(_rain, -1))
        case Weather.WIND:
            parts.append(_Part(_gusts, 4))
        case Weather.DRIFT:
            parts.append(_Part(_air, -2))
        case _:
            pass
    if scene.biome in (Biome.JUNGLE, Biome.SAVANNA, Biome.SWAMP, Biome.FUNGAL_FOREST, Biome.COAST, Biome.MOUNTAIN):
        match scene.time_of_day:
            case TimeOfDay.NIGHT:
                parts.append(_Part(_crickets, -6))
            case TimeOfDay.DUSK:
                parts.append(_Part(_crickets, -10))
            case TimeOfDay.DAWN:
                parts.append(_Part(_far_birds, 2))
            case TimeOfDay.DAY:
                parts.append(_Part(_far_birds, -4))
    return parts


def _noise_layer(slope: float, low_hz: float, high_hz: float, swell_hz: float, swell: float) -> Layer:
    """Noise that falls as hertz to the power `-slope` between two corners and swells `swell_hz` times a second."""

    @lru_cache(maxsize=2)
    def magnitude(size: int) -> Samples:
        hertz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 5.0)
        return (hertz**-slope / (1 + (low_hz / hertz) ** 2) / (1 + (hertz / high_hz) ** 3)).astype(np.float32)

    def layer(samples: int, rng: np.random.Generator) -> Samples:
        size = min(_LOOP, fast_length(samples + RATE))
        loop = shaped_noise(rng, size, magnitude(size))
        return np.stack([_looped(loop, samples, int(rng.integers(size))) for _ in range(2)]) * _swelling(
            samples, swell_hz, swell, rng
        )

    return layer


def _looped(loop: Samples, samples: int, offset: int) -> Samples:
    return np.resize(np.roll(loop, -offset), samples)


def _swelling(samples: int, hertz: float, depth: float, rng: np.random.Generator) -> Samples:
    """A slow gain, 1 - depth to 1, in each ear of its own but alike."""
    count = int(samples / RATE * hertz) + 4
    common, apart = rng.random(count), rng.random((2, count))
    position = np.arange(0, samples + _COARSE, _COARSE) * (hertz / RATE)
    ears = [np.interp(position, np.arange(count), _rounded(0.7 * common + 0.3 * own)) for own in apart]
    return np.stack([at_audio_rate(1 - depth + depth * ear, _COARSE)[:samples] for ear in ears])


def _rounded(knots: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.convolve(np.pad(knots, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")


_air = _noise_layer(0.75, 90, 5000, 0.4, 0.45)
_wind = _noise_layer(1.05, 60, 1600, 0.5, 0.7)
_leaves = _noise_layer(0.5, 900, 5500, 0.8, 0.75)
_surf = _noise_layer(0.7, 80, 4500, 0.16, 0.93)
_stream = _noise_layer(0.45, 300, 6500, 2.5, 0.3)
_pressure = _noise_layer(1.3, 28, 420, 0.25, 0.5)
_rumble = _noise_layer(1.5, 25, 200, 0.5, 0.6)
_gust_body = _noise_layer(1.0, 70, 1100, 0.7, 0.85)
_gust_whistle = _noise_layer(0.0, 520, 760, 0.7, 0.95)
_roll = _noise_layer(1.4, 30, 160, 6.0, 0.8)
_rain_hiss = _noise_layer(0.45, 500, 8000, 0.6, 0.25)


def _gusts(samples: int, rng: np.random.Generator) -> Samples:
    """Wind that whistles a little as it rises."""
    return _gust_body(samples, rng) + np.float32(0.22) * _gust_whistle(samples, rng)


def _rain(samples: int, rng: np.random.Generator) -> Samples:
    hiss = _rain_hiss(samples, rng)
    drops = _scattered(samples, rng, 55.0, lambda: _drop(rng, rng.uniform(1200, 5200), 260, 0.0))
    return np.float32(0.8) * hiss + np.float32(6) * drops


def _drips(samples: int, rng: np.random.Generator) -> Samples:
    """Drops into still water: a bubble that rises in pitch, and its echo."""
    near = _scattered(samples, rng, 1.6, lambda: _drop(rng, rng.uniform(600, 2100), 34, 5.0))
    delay = int(0.19 * RATE)
    echoed = near.copy()
    if samples > delay:
        echoed[:, delay:] += np.float32(0.35) * near[::-1, :-delay]
    return np.float32(14) * echoed


def _bubbles(samples: int, rng: np.random.Generator) -> Samples:
    return np.float32(9) * _scattered(samples, rng, 5.0, lambda: _drop(rng, rng.uniform(220, 1300), 45, 8.0))


def _crackle(samples: int, rng: np.random.Generator) -> Samples:
    """Fire: bursts of snaps."""
    return np.float32(11) * _scattered(samples, rng, 13.0, lambda: _drop(rng, rng.uniform(900, 6000), 500, 0.0))


def _snaps(samples: int, rng: np.random.Generator) -> Samples:
    """Shrimps on a reef: a dry, dense crackle."""
    return np.float32(6) * _scattered(samples, rng, 30.0, lambda: _drop(rng, rng.uniform(2500, 9000), 1200, 0.0))


def _spores(samples: int, rng: np.random.Generator) -> Samples:
    return np.float32(10) * _scattered(samples, rng, 1.5, lambda: _drop(rng, rng.uniform(160, 420), 38, 1.0))


def _ice(samples: int, rng: np.random.Generator) -> Samples:
    """Ice that sings as it cracks: fast falling sweeps, far away."""
    return np.float32(9) * _scattered(samples, rng, 0.35, lambda: _sweep(rng, 2600, 300, 0.4))


def _far_birds(samples: int, rng: np.random.Generator) -> Samples:
    voices = [(rng.uniform(2200, 5200), rng.uniform(0.06, 0.18)) for _ in range(3)]

    def song() -> Samples:
        hertz, length = voices[int(rng.integers(3))]
        notes = [
            _sweep(rng, hertz * rng.uniform(0.85, 1.3), hertz * rng.uniform(0.8, 1.2), length)
            for _ in range(int(rng.integers(2, 6)))
        ]
        gap = np.zeros(int(0.05 * RATE), np.float32)
        return np.concatenate([part for note in notes for part in (note, gap)])

    return np.float32(8) * _scattered(samples, rng, 0.55, song)


def _crickets(samples: int, rng: np.random.Generator) -> Samples:
    """Three crickets, each with its pitch, its rhythm and its place."""
    slow = np.arange(0, samples + HOP, HOP) / RATE
    total = np.zeros((2, samples), np.float32)
    for _ in range(3):
        cycles, chirps, pulses = int(rng.integers(3200, 5200)), rng.uniform(0.8, 2.2), rng.uniform(24, 38)
        sway = 0.12 * np.sin(2 * np.pi * rng.uniform(0.1, 0.3) * slow + rng.uniform(0, 6))
        song = np.clip(np.sin(2 * np.pi * (chirps * slow + sway) + rng.uniform(0, 6)) * 2.2 - 0.5, 0, 1)
        pulse = (0.5 - 0.5 * np.cos(2 * np.pi * pulses * slow)) ** 1.5
        strength = at_audio_rate((song * pulse * rng.uniform(0.4, 1)).astype(np.float32))[:samples]
        # A whole number of cycles a second makes one second of sine serve for all.
        sine = np.sin(2 * np.pi * cycles * np.arange(RATE) / RATE).astype(np.float32)
        sound = strength * np.resize(sine, samples)
        side = rng.uniform(0.15, 0.85)
        total[0] += sound * np.float32(np.sqrt(1 - side))
        total[1] += sound * np.float32(np.sqrt(side))
    return total


def _thunder(samples: int, rng: np.random.Generator) -> Samples:
    """Far off: claps that roll and die, each lower than the last."""
    rumble = _roll(samples, rng)
    gain = np.zeros(samples, np.float32)
    at = rng.uniform(0.2, 2.0)
    while at < samples / RATE:
        start = int(at * RATE)
        time = np.arange(min(samples - start, 6 * RATE)) / RATE
        gain[start : start + len(time)] += (np.minimum(1, time / 0.25) * np.exp(-time / 1.3)).astype(np.float32)
        at += rng.uniform(5, 11)
    return rumble * gain


def _drop(rng: np.random.Generator, hertz: float, damping: float, climb: float) -> Samples:
    length = min(0.25, 6 / damping)
    time = np.arange(max(64, int(length * RATE))) / RATE
    phase = hertz * (time + 0.5 * climb * time**2)
    ends = np.minimum(1, time * 2500) * np.linspace(1, 0, len(time))
    return (np.sin(2 * np.pi * phase + rng.uniform(0, 6)) * np.exp(-damping * time) * ends).astype(np.float32)


def _sweep(rng: np.random.Generator, start_hz: float, end_hz: float, length: float) -> Samples:
    share = np.linspace(0, 1, max(64, int(length * RATE)))
    hertz = start_hz * (end_hz / start_hz) ** share * (1 + 0.04 * np.sin(2 * np.pi * rng.uniform(1, 4) * share))
    return (np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * np.sin(np.pi * share) ** 1.5 * 0.5).astype(np.float32)


def _scattered(samples: int, rng: np.random.Generator, per_second: float, grain: Callable[[], Samples]) -> Samples:
    """Grains at random times and sides; at most two dozen kinds, for they are told apart by time and place."""
    total = np.zeros((2, samples), np.float32)
    count = int(rng.poisson(per_second * samples / RATE))
    kinds = [grain() for _ in range(min(24, count))]
    starts, sides = rng.integers(0, samples, count), rng.random(count)
    gains = rng.uniform(0.1, 1, count) ** 2
    for i in range(count):
        sound = kinds[i % len(kinds)] * np.float32(gains[i])
        end = min(samples, int(starts[i]) + len(sound))
        piece = sound[: end - int(starts[i])]
        total[0, starts[i] : end] += piece * np.float32(np.sqrt(1 - sides[i]))
        total[1, starts[i] : end] += piece * np.float32(np.sqrt(sides[i]))
    return total


_BIOMES: dict[Biome, tuple[_Part, ...]] = {
    Biome.JUNGLE: (_Part(_air, -6), _Part(_leaves, -4), _Part(_stream, -9), _Part(_crickets, -14)),
    Biome.SWAMP: (_Part(_air, -5), _Part(_bubbles, -3), _Part(_crickets, -13)),
    Biome.DESERT: (_Part(_wind, -1), _Part(_air, -9)),
    Biome.SAVANNA: (_Part(_wind, -4), _Part(_leaves, -8), _Part(_crickets, -16)),
    Biome.TUNDRA: (_Part(_wind, -2), _Part(_air, -8), _Part(_ice, -2)),
    Biome.COAST: (_Part(_surf, 0), _Part(_air, -10)),
    Biome.REEF: (_Part(_pressure, -4), _Part(_snaps, -6), _Part(_bubbles, -3), _Part(_air, -14)),
    Biome.ABYSS: (_Part(_pressure, 0), _Part(_rumble, -5), _Part(_air, -20)),
    Biome.CAVE: (_Part(_air, -8), _Part(_drips, -1), _Part(_rumble, -12)),
    Biome.FUNGAL_FOREST: (_Part(_air, -5), _Part(_spores, -4), _Part(_drips, -9), _Part(_leaves, -12)),
    Biome.MOUNTAIN: (_Part(_wind, -2), _Part(_stream, -8), _Part(_air, -10)),
    Biome.VOLCANIC: (_Part(_rumble, -1), _Part(_crackle, -3), _Part(_air, -9)),
}
