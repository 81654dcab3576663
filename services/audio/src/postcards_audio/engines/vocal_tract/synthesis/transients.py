"""Sounds of a few milliseconds: clicks, bursts and gurgles."""

import numpy as np

from postcards_audio.engines.vocal_tract.articulation.control_tracks import Event
from postcards_audio.engines.vocal_tract.articulation.phones import Moment
from postcards_audio.engines.vocal_tract.signals import RATE, Samples
from postcards_audio.engines.vocal_tract.synthesis.tract import friction_hertz
from postcards_species.voice.derive import VocalTract

_LONGEST_SECONDS = 0.12


def add_transients(signal: Samples, events: tuple[Event, ...], tract: VocalTract, rng: np.random.Generator) -> None:
    """Adds every event to `signal`, in place."""
    for event in events:
        match event.kind:
            case Moment.CLICK:
                _add(signal, event.start, _click(event, tract, rng))
            case Moment.BURST:
                _add(signal, event.start, 0.28 * _click(event, tract, rng))
            case Moment.GURGLE:
                for start, bubble in _bubbles(event, tract, rng):
                    _add(signal, start, bubble)


def _add(signal: Samples, seconds: float, sound: Samples) -> None:
    start = int(seconds * RATE)
    end = min(len(signal), start + len(sound))
    if end > start:
        signal[start:end] += sound[: end - start]


def _click(event: Event, tract: VocalTract, rng: np.random.Generator) -> Samples:
    """A cavity that rings after its seal breaks: two damped resonances and a grain of noise."""
    cavity = float(friction_hertz(np.array([max(0.12, event.place)], np.float32), tract.length_cm)[0])
    cavity = float(np.clip(cavity * rng.uniform(0.88, 1.14) * (0.7 + 0.7 * tract.click_brightness), 180, 9000))
    time = np.arange(int(_LONGEST_SECONDS * RATE)) / RATE
    rise = 1 - np.exp(-time * (3000 + 9000 * tract.click_brightness))
    decay = 90 + 0.10 * cavity * (0.6 + tract.click_brightness)
    ring = np.sin(2 * np.pi * cavity * time * (1 - 0.25 * np.minimum(time * 30, 1))) * np.exp(-decay * time)
    upper = np.sin(2 * np.pi * min(2.63 * cavity, 16_000) * time + 1) * np.exp(-1.8 * decay * time)
    grain = rng.standard_normal(len(time)) * np.exp(-time * (500 - 250 * tract.click_brightness))
    sound = rise * (ring + 0.45 * tract.click_brightness * upper + 0.3 * grain) * np.exp(-time * 25)
    return (event.gain * sound * np.linspace(1, 0, len(time))).astype(np.float32)


def _bubbles(event: Event, tract: VocalTract, rng: np.random.Generator) -> list[tuple[float, Samples]]:
    """Bubbles that rise: M. Minnaert's resonance (Phil. Mag. 16, 235, 1933), its damping and the climb of its pitch as
    in K. van den Doel, "Physically based models for liquid sounds", ACM Trans. Appl. Percept. 2, 534 (2005).
    """
    centre = 520 * (17 / tract.length_cm) ** 0.55
    bubbles: list[tuple[float, Samples]] = []
    now = event.start
    while now < event.start + event.seconds:
        hertz = float(np.clip(centre * np.exp(rng.normal(0, 0.42)), 120, 5000))
        damping = 0.043 * hertz + 0.0014 * hertz**1.5
        length = min(_LONGEST_SECONDS, 5 / damping)
        time = np.arange(int(length * RATE)) / RATE
        phase = hertz * (time + 0.5 * rng.uniform(0.3, 1.1) * damping * time**2)
        sound = (
            np.sin(2 * np.pi * phase)
            * np.exp(-damping * time)
            * np.minimum(1, time * 900)
            * np.linspace(1, 0, len(time))
        )
        bubbles.append((now, (0.75 * event.gain * rng.uniform(0.4, 1) * sound).astype(np.float32)))
        now += rng.uniform(0.012, 0.05)
    return bubbles
