"""Where the call is heard: distance, direction, first reflections and the room of each biome."""

import math
from dataclasses import dataclass

import numpy as np

from postcards_audio.engines.vocal_tract.signals import RATE, Samples, fast_length, rms
from postcards_species.place.scene import Biome

_EAR_DELAY_SECONDS = 0.0006


@dataclass(frozen=True)
class Acoustics:
    """How a biome answers."""

    decay_seconds: float
    """Time for the reverberation to fall by 60 dB."""
    wet: float
    """Loudness of the reverberation beside a near voice."""
    damping_hz: float
    """Frequency above which it dies sooner."""
    reflections: int
    """Number of first reflections."""
    spread_seconds: float
    """Time over which they come."""
    echo_seconds: float = 0.0
    """Time of a distinct echo; 0: none."""
    muffle_hz: float = 18_000.0
    """Where the medium itself swallows the highs."""


ACOUSTICS: dict[Biome, Acoustics] = {
    Biome.JUNGLE: Acoustics(0.9, 0.16, 3500, 9, 0.05),
    Biome.SWAMP: Acoustics(0.8, 0.13, 3000, 5, 0.06),
    Biome.DESERT: Acoustics(0.35, 0.05, 6000, 2, 0.03),
    Biome.SAVANNA: Acoustics(0.5, 0.06, 5000, 3, 0.04),
    Biome.TUNDRA: Acoustics(0.6, 0.07, 4500, 3, 0.06),
    Biome.COAST: Acoustics(0.7, 0.09, 4500, 5, 0.05),
    Biome.REEF: Acoustics(1.2, 0.2, 2500, 8, 0.03, muffle_hz=9000),
    Biome.ABYSS: Acoustics(2.6, 0.3, 1600, 6, 0.09, muffle_hz=6500),
    Biome.CAVE: Acoustics(2.4, 0.3, 4000, 10, 0.07),
    Biome.FUNGAL_FOREST: Acoustics(0.8, 0.15, 2200, 8, 0.04),
    Biome.MOUNTAIN: Acoustics(1.5, 0.13, 4000, 4, 0.09, echo_seconds=0.62),
    Biome.VOLCANIC: Acoustics(1.3, 0.15, 2500, 6, 0.07, echo_seconds=0.4),
}
"""How every biome answers."""


class Stage:
    """Gathers the voices of a call and lets the place answer them."""

    def __init__(self, samples: int, biome: Biome, rng: np.random.Generator) -> None:
        """Opens a stage of `samples` samples in `biome`."""
        self._acoustics = ACOUSTICS[biome]
        self._rng = rng
        self._dry = np.zeros((2, samples), np.float32)
        self._send = np.zeros(samples, np.float32)

    def add(self, voice: Samples, start: int, azimuth: float, distance: float) -> None:
        """Puts `voice` at sample `start`, `azimuth` (-1 left to 1 right) and `distance` (1 near) away."""
        heard = _through_the_medium(voice, min(self._acoustics.muffle_hz, 16_000 / max(1.0, distance) ** 0.85))
        level = distance**-0.75
        turned = float(np.clip(azimuth + self._rng.uniform(-0.12, 0.12), -1, 1))
        lag = int(abs(azimuth) * _EAR_DELAY_SECONDS * RATE)
        lags = (lag, 0) if azimuth > 0 else (0, lag)
        for ear, (first, last) in enumerate(zip(_ears(azimuth), _ears(turned), strict=True)):
            gain = np.linspace(level * first, level * last, len(heard), dtype=np.float32)
            _mix(self._dry[ear], heard * gain, start + lags[ear])
        _mix(self._send, heard * np.float32(distance**-0.3), start)

    def heard(self) -> Samples:
        """All voices with the answer of the place, shape (2, samples)."""
        answer = np.float32(self._acoustics.wet) * self._diffuse() + self._reflections()
        samples = self._dry.shape[1]
        size = fast_length(samples + answer.shape[1])
        wet = np.fft.irfft(np.fft.rfft(self._send, size) * np.fft.rfft(answer, size, axis=1), size, axis=1)
        return self._dry + wet[:, :samples]

    def _reflections(self) -> Samples:
        """The first reflections: single echoes from the ground and from what stands near."""
        acoustics = self._acoustics
        impulse = np.zeros((2, self._tail_samples()), np.float32)
        for i in range(acoustics.reflections):
            late = 0.004 + acoustics.spread_seconds * (i + self._rng.uniform(0.2, 1)) / acoustics.reflections
            gain = 0.23 * acoustics.wet**0.5 * 0.82**i * (1 if self._rng.random() < 0.6 else -1)
            for ear, share in enumerate(_ears(self._rng.uniform(-1, 1))):
                impulse[ear, int(late * RATE)] += gain * share
        return impulse

    def _tail_samples(self) -> int:
        return int(RATE * max(0.2, self._acoustics.decay_seconds * 1.1))

    def _diffuse(self) -> Samples:
        """Diffuse reverberation: noise that decays sooner the higher it is, unit energy in each ear."""
        acoustics = self._acoustics
        samples = self._tail_samples()
        time = np.arange(samples) / RATE
        noise = self._rng.standard_normal((2, samples)).astype(np.float32)
        spectrum = np.fft.rfft(noise, axis=1)
        hertz = np.fft.rfftfreq(samples, 1 / RATE)
        low = np.fft.irfft(spectrum / np.sqrt(1 + (hertz / acoustics.damping_hz) ** 4), samples, axis=1)
        bass_cut = np.fft.irfft(spectrum * (hertz / (hertz + 120)), samples, axis=1)
        body = low * np.exp(-6.9 * time / acoustics.decay_seconds)
        sheen = 0.35 * (bass_cut - low) * np.exp(-13.8 * time / acoustics.decay_seconds)
        tail = (body + sheen) * np.minimum(1, time / 0.012)
        if acoustics.echo_seconds:
            at = int(acoustics.echo_seconds * RATE)
            tail[0, at : at + 400] += 2.2 * tail[0, 600:1000]
            tail[1, at + 90 : at + 490] += 2.2 * tail[1, 600:1000]
        return (tail / (max(rms(tail.astype(np.float32)), 1e-9) * np.sqrt(samples))).astype(np.float32)


def _through_the_medium(voice: Samples, cutoff_hz: float) -> Samples:
    """Air and water swallow the highs: a gentle slope above `cutoff_hz`."""
    if cutoff_hz >= 15_500:
        return voice
    size = fast_length(len(voice) + 2048)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    return np.fft.irfft(np.fft.rfft(voice, size) / (1 + (hertz / cutoff_hz) ** 2), size)[: len(voice)].astype(
        np.float32
    )


def _ears(azimuth: float) -> tuple[float, float]:
    """Gains of equal power for the left and the right ear."""
    angle = (azimuth + 1) * math.pi / 4
    return math.cos(angle), math.sin(angle)


def _mix(bus: Samples, sound: Samples, start: int) -> None:
    end = min(len(bus), start + len(sound))
    if end > start:
        bus[start:end] += sound[: end - start]
