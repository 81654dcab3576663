"""The folds: pulses at the pitch, with everything that makes a throat unlike a machine.

Irregularities after W. T. Fitch, J. Neubauer and H. Herzel, "Calls out of chaos", Anim. Behav. 63, 407 (2002):
subharmonics, biphonation (two folds at unrelated pitches that modulate one another) and chaos, in episodes.
"""

from functools import lru_cache

import numpy as np

from postcards_audio.engines.vocal_tract.articulation.control_tracks import Tracks
from postcards_audio.engines.vocal_tract.signals import RATE, Samples, at_audio_rate, wander
from postcards_species.voice.derive import VocalTract

_TABLE = 4096
_LOWEST_HZ = 20.0
_LEVELS_PER_OCTAVE = 2
_LEVELS = 20
_TOP_HZ = 19_000.0
_OPEN_QUOTIENT = 0.62
_SOFT_DB = -7.0
_PRESSED_DB = 6.0
_LIP_RADIATION_DB = 6.0
_FLATTEST_DB = -3.0
_CHAOS_SPREAD = 0.28
_COUPLING = 0.35
_BLOCK = 2**15
"""Samples that are worked on at once: what a processor keeps near."""


def phonate(tracks: Tracks, tract: VocalTract, rng: np.random.Generator) -> Samples:
    """The sound at the folds, unit loudness while they swing; `tracks.voice` is not yet applied."""
    count = len(tracks.pitch_hz)
    effort = at_audio_rate(tracks.effort)
    whistle = at_audio_rate(tracks.whistle)
    chaos = at_audio_rate(_episodes(tracks.roughness * (0.75 + 0.5 * tracks.effort), count, 5.0, rng))
    doubling = at_audio_rate(_episodes(tracks.subharmonics, count, 3.0, rng))
    pitch = at_audio_rate(tracks.pitch_hz)
    total = np.zeros(len(pitch), np.float32)
    for fold in range(tract.folds):
        detune = tract.fold_detune_semitones * fold + 0.35 * (at_audio_rate(wander(rng, count, 1.8)) - 0.5)
        gain = (1.0, 0.6, 0.45, 0.35)[fold]
        own = _fold(pitch * 2 ** (detune / 12) if fold else pitch, effort, whistle, chaos, doubling, tract, rng)
        # A fold that swings beside another is pulled by it: sum and difference tones, as in real biphonation.
        total += gain * own * (1 + _COUPLING * total) if fold else own
    return total / np.float32(np.sqrt(1 + 0.35 * (tract.folds - 1)))


def _episodes(strength: Samples, count: int, hertz: float, rng: np.random.Generator) -> Samples:
    """Irregularity comes and goes: the stronger it is, the longer it stays."""
    chance = wander(rng, count, hertz)
    return np.clip((chance - (0.85 - 0.8 * strength)) * 4.0, 0, 1).astype(np.float32) * np.clip(strength * 1.3, 0, 1)


def _fold(
    pitch: Samples,
    effort: Samples,
    whistle: Samples,
    chaos: Samples,
    doubling: Samples,
    tract: VocalTract,
    rng: np.random.Generator,
) -> Samples:
    phase = np.cumsum(pitch, dtype=np.float64) / RATE + rng.random()
    cycles = int(phase[-1]) + 3
    kicks = rng.uniform(-1, 1, cycles).astype(np.float32)
    swells = rng.uniform(-1, 1, cycles).astype(np.float32)
    sound = np.empty(len(pitch), np.float32)
    for begin in range(0, len(pitch), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        cycle = phase[part].astype(np.int32)
        within = (phase[part] - cycle).astype(np.float32)
        kick = kicks[cycle] * (1 - within) + kicks[cycle + 1] * within
        swell = swells[cycle] * (1 - within) + swells[cycle + 1] * within
        alternate = np.cos(np.float32(np.pi) * ((cycle & 1).astype(np.float32) + within))
        moved = within + (tract.jitter * 0.6 + _CHAOS_SPREAD * chaos[part]) * kick + 0.09 * doubling[part] * alternate
        moved -= np.floor(moved)
        gain = (1 + (tract.shimmer * 0.7 + 0.5 * chaos[part]) * swell) * (1 + 0.55 * doubling[part] * alternate)
        pressed = 0.5 + 0.5 * effort[part]
        pulses = _read_tables(moved, pitch[part], pressed, tract.spectral_tilt_db_per_octave)
        tone = np.sin(np.float32(2 * np.pi) * moved) * np.float32(1.3)
        sound[part] = (pulses + (tone - pulses) * whistle[part]) * gain
    return sound


def _read_tables(phase: Samples, pitch: Samples, pressed: Samples, tilt: float) -> Samples:
    """Looks the glottal pulse up, limited to the band that its pitch leaves, between a soft and a pressed voice."""
    soft, hard = _tables(round(tilt + _SOFT_DB, 1)), _tables(round(tilt + _PRESSED_DB, 1))
    level = np.clip(np.ceil(_LEVELS_PER_OCTAVE * np.log2(pitch / _LOWEST_HZ)), 0, _LEVELS - 1).astype(np.int32)
    position = phase * np.float32(_TABLE)
    index = np.minimum(position.astype(np.int32), _TABLE - 1)
    share = position - index
    index += level * np.int32(_TABLE + 1)
    low, high = soft[index], soft[index + 1]
    softly = low + (high - low) * share
    low, high = hard[index], hard[index + 1]
    return softly + ((low + (high - low) * share) - softly) * pressed


@lru_cache(maxsize=64)
def _tables(tilt: float) -> Samples:
    """One cycle of the radiated glottal flow for every pitch level, flat: `_LEVELS` rows of `_TABLE` + 1 values.

    Phases are those of the derivative of A. E. Rosenberg's pulse (J. Acoust. Soc. Am. 49, 583, 1971), which jumps at
    closure; magnitudes follow `tilt` decibels per octave, less the lips' radiation.
    """
    harmonics = np.arange(1, _TABLE // 2)
    magnitudes = harmonics ** (min(_FLATTEST_DB, tilt + _LIP_RADIATION_DB) / 6.02)
    spectrum = np.zeros(_TABLE // 2 + 1, np.complex128)
    spectrum[1:-1] = magnitudes * np.exp(1j * np.angle(_pulse_derivative()[1:-1]))
    rows: list[Samples] = []
    for level in range(_LEVELS):
        top = int(_TOP_HZ / (_LOWEST_HZ * 2 ** (level / _LEVELS_PER_OCTAVE)))
        limited = spectrum.copy()
        limited[max(1, top) + 1 :] = 0
        cycle = np.fft.irfft(limited)
        rows.append(np.append(cycle, cycle[0]).astype(np.float32))
    table = np.concatenate(rows)
    return (table / max(float(np.sqrt(np.mean(table[:_TABLE] ** 2))), 1e-12)).astype(np.float32)


@lru_cache(maxsize=1)
def _pulse_derivative() -> np.ndarray:
    time = np.arange(_TABLE) / _TABLE
    rise = 0.68 * _OPEN_QUOTIENT
    flow = np.where(
        time < rise,
        0.5 * (1 - np.cos(np.pi * time / rise)),
        np.where(time < _OPEN_QUOTIENT, np.cos(0.5 * np.pi * (time - rise) / (_OPEN_QUOTIENT - rise)), 0.0),
    )
    return np.fft.rfft(np.diff(flow, append=flow[0]))
