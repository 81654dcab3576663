"""One animal that speaks: from control tracks to the sound at its mouth."""

from dataclasses import dataclass

import numpy as np

from postcards_audio.engines.vocal_tract.articulation.control_tracks import Tracks
from postcards_audio.engines.vocal_tract.signals import (
    CONTROL_RATE,
    HOP,
    RATE,
    Samples,
    at_audio_rate,
    rms,
    smoothed,
    wander,
)
from postcards_audio.engines.vocal_tract.synthesis.source import phonate
from postcards_audio.engines.vocal_tract.synthesis.tract import add_chambers, resonate
from postcards_audio.engines.vocal_tract.synthesis.transients import add_transients
from postcards_species.voice.derive import VocalTract

_LOUDNESS = 0.16
_WHISPER_SHARE = 0.5
_LEVELLING = 0.65


@dataclass(frozen=True)
class Excitation:
    """What drives the tract, each at audio rate and of one length."""

    voice: Samples
    """The folds."""
    breath: Samples
    """Turbulence at the folds."""
    friction: Samples
    """Turbulence at a narrow place."""
    scraped: Samples
    """Hard parts against one another: radiates by itself."""


def excite(tracks: Tracks, tract: VocalTract, rng: np.random.Generator) -> Excitation:
    """Sets the folds, the breath and the hard parts going."""
    length = len(tracks.pitch_hz) * HOP
    beating = _beating(tracks, tract, rng)
    loud = at_audio_rate(tracks.voice) * beating
    scrape = at_audio_rate(tracks.scrape)
    voice = phonate(tracks, tract, rng) * loud * (1 - scrape) ** 0.7
    noise = rng.standard_normal(length, dtype=np.float32)
    # Breath is loudest while the folds are open: it pulses with the voice.
    pulsing = 0.55 + 0.45 * np.clip(voice / np.float32(max(rms(voice), 1e-6)), -1, 1)
    breath = (
        noise
        * at_audio_rate(tracks.aspiration * (1 - 0.7 * tracks.scrape))
        * pulsing
        * np.float32(0.42)
        * (0.6 + 0.4 * beating)
    )
    friction = rng.standard_normal(length, dtype=np.float32) * at_audio_rate(tracks.frication) * (0.5 + 0.5 * beating)
    return Excitation(voice, breath, friction, _scrape(tracks, tract, rng) * scrape)


def articulated(excitation: Excitation, tracks: Tracks, tract: VocalTract, rng: np.random.Generator) -> Samples:
    """The sound at the mouth, at the loudness of an ordinary call."""
    mouth = resonate(excitation.voice, excitation.breath, excitation.friction, tracks, tract)
    mouth = _levelled(mouth, excitation)
    mouth = mouth + excitation.scraped * np.float32(0.5)
    add_transients(mouth, tracks.events, tract, rng)
    return _ends_faded(add_chambers(mouth, tract) * np.float32(_LOUDNESS))


def _levelled(mouth: Samples, excitation: Excitation) -> Samples:
    """Brings the tract's output to the loudness that went in, sound by sound, whatever the anatomy amplifies.

    A third of the difference is left: an open mouth is louder than a closed one.
    """
    entering = excitation.voice**2 + np.float32(_WHISPER_SHARE) * (excitation.breath**2 + excitation.friction**2)
    wanted, found = _slow(entering), _slow(mouth**2)
    overall = float(wanted.mean()) / max(float(found.mean()), 1e-12)
    gain = np.sqrt(overall) * (wanted / np.maximum(found * overall, 1e-9) + 1e-3) ** (0.5 * _LEVELLING)
    return mouth * at_audio_rate(smoothed(np.clip(gain, 0, 4 * np.sqrt(overall)).astype(np.float32), 0.06))


def _slow(power: Samples) -> Samples:
    """Power over about a tenth of a second, at control rate."""
    return smoothed(power.reshape(-1, HOP).mean(axis=1), 0.12) + np.float32(1e-7)


def _beating(tracks: Tracks, tract: VocalTract, rng: np.random.Generator) -> Samples:
    """Trills and growls: a soft swell at an uneven rate, never a gate."""
    count = len(tracks.flutter)
    rate = tract.trill_hz * (0.8 + 0.4 * wander(rng, count, 6.0)) / CONTROL_RATE
    phase = 2 * np.pi * np.cumsum(rate) + rng.uniform(0, 6.28)
    uneven = 0.75 + 0.25 * wander(rng, count, tract.trill_hz)
    dip = (0.5 - 0.5 * np.cos(phase)) ** 1.4 * uneven
    return at_audio_rate((1 - tracks.flutter * dip).astype(np.float32))


def _scrape(tracks: Tracks, tract: VocalTract, rng: np.random.Generator) -> Samples:
    """Teeth that strike one after another set a plate ringing: a tone in soft pulses, with rustling."""
    count = len(tracks.pitch_hz)
    octaves = np.log2(smoothed(tracks.pitch_hz, 0.15) / tract.pitch_hz)
    hertz = tract.stridulation_hz * 2 ** (0.3 * octaves + 0.22 * (wander(rng, count, 70) - 0.5))
    rate = np.clip(tract.trill_hz * (1.3 + 0.5 * octaves), 10, 90) * (0.75 + 0.5 * wander(rng, count, 8))
    stroke = np.cumsum(rate) / CONTROL_RATE
    index = stroke.astype(np.int64)
    within = stroke - index
    # The plate rings down after each stroke, a little lower as it goes; some strokes slip.
    strength = rng.uniform(0.15, 1.0, int(index[-1]) + 2)[index]
    pulse = strength * np.minimum(1, within * 7) * np.exp(-3.2 * within) * (1 - within**4)
    sliding = np.clip(hertz * (1.06 - 0.12 * within), 150, 15_000)
    phase = 2 * np.pi * np.cumsum(at_audio_rate(sliding), dtype=np.float64) / RATE
    tone = np.sin(phase) + 0.35 * np.sin(2.02 * phase) + 0.15 * np.sin(0.51 * phase)
    rustle = at_audio_rate(rng.standard_normal(count)) * np.sin(phase * 0.97)
    loud = at_audio_rate(smoothed(np.maximum(tracks.voice, 0.8 * tracks.frication), 0.01))
    return ((0.9 * tone + rustle) * at_audio_rate(smoothed(pulse, 0.004)) * loud * 1.6).astype(np.float32)


def _ends_faded(signal: Samples) -> Samples:
    edge = min(len(signal) // 2, int(0.008 * RATE))
    ramp = np.linspace(0, 1, edge, dtype=np.float32)
    signal[:edge] *= ramp
    signal[len(signal) - edge :] *= ramp[::-1]
    return signal
