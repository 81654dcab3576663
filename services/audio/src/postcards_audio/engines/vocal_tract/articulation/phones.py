"""What each phoneme asks of the organs, from its articulatory features."""

from dataclasses import dataclass
from enum import Enum
from functools import cache

import numpy as np

from postcards_audio.engines.vocal_tract.articulation.gestures import Contour
from postcards_species.speech.phonemes import Manner, Phoneme

Formants = tuple[float, float, float, float]
"""The four lowest resonances over those of an even tube."""


class Moment(Enum):
    """Sounds too short for tracks."""

    CLICK = "click"
    BURST = "burst"
    GURGLE = "gurgle"


@dataclass(frozen=True)
class Phone:
    """A phoneme as contours over its length (position 0 to 1)."""

    formants: Formants | None = None
    """Resonances; None: those of the neighbour."""
    voice: Contour = ()
    """Loudness of the folds."""
    aspiration: Contour = ()
    """Breath at the folds."""
    frication: Contour = ()
    """Noise at the place of articulation."""
    flutter: Contour = ()
    """Beating at the trill's rate."""
    roughness: Contour = ()
    """Added chaos."""
    nasal: Contour = ()
    """Opening of the nose."""
    whistle: Contour = ()
    """Added pure tone."""
    sweep: Contour = ()
    """Pitch in semitones."""
    events: tuple[tuple[Moment, float, float], ...] = ()
    """Kind, position and gain."""


def _flat(level: float) -> Contour:
    return ((0.0, level), (1.0, level))


_RELEASE = 0.6
_KRI: Contour = tuple(
    (third / 3 + u / 3, sweep) for third in range(3) for u, sweep in ((0.02, -3.0), (0.45, 8.0), (0.95, -1.0))
)


@cache
def phone_of(phoneme: Phoneme) -> Phone:
    """The contours of `phoneme`."""
    match phoneme.manner:
        case Manner.VOWEL:
            return Phone(_vowel_formants(phoneme), voice=_flat(1.0))
        case Manner.STOP if phoneme.place >= 0.95:
            return Phone(
                voice=((0, 0.5), (0.25, 0), (0.85, 0), (1, 0.4)), roughness=((0, 0.6), (0.3, 0), (0.8, 0), (1, 0.5))
            )
        case Manner.STOP:
            return _stop(phoneme)
        case Manner.EJECTIVE:
            shape = _consonant_formants(phoneme)
            return Phone(shape, frication=_burst(0.62, 1.5, 0.12), events=((Moment.BURST, 0.62, 1.3),))
        case Manner.FRICATIVE:
            return _fricative(phoneme)
        case Manner.TRILL:
            noise = _flat(0.1 if phoneme.place < 0.7 else 0.25)
            return Phone(_consonant_formants(phoneme), voice=_flat(0.85), frication=noise, flutter=_flat(0.72))
        case Manner.NASAL:
            return Phone(_consonant_formants(phoneme), voice=_flat(0.6), nasal=_flat(0.95))
        case Manner.APPROXIMANT:
            return Phone(_consonant_formants(phoneme), voice=_flat(0.75))
        case Manner.CLICK:
            return Phone(_consonant_formants(phoneme), events=((Moment.CLICK, 0.35, 1.0),))
        case Manner.GROWL:
            rough = ((0.0, 0.35), (0.5, 0.6), (1.0, 0.4))
            return Phone(
                _growl_formants(phoneme),
                voice=_flat(0.95),
                aspiration=_flat(0.12),
                flutter=_flat(0.42),
                roughness=rough,
            )
        case Manner.GURGLE:
            shape = _consonant_formants(phoneme)
            return Phone(shape, voice=_flat(0.45), flutter=_flat(0.35), events=((Moment.GURGLE, 0.0, 1.0),))
        case Manner.CHIRP:
            sweep: Contour = ((0, -4), (0.3, 10), (0.55, 3), (1, -6)) if phoneme.symbol == "tw" else _KRI
            gate: Contour = ((0, 0.3), (0.15, 1), (0.8, 0.9), (1, 0.2))
            return Phone(_vowel_formants(phoneme), voice=gate, whistle=_flat(0.5), sweep=sweep)
        case Manner.HUM:
            return Phone(_vowel_formants(phoneme), voice=_flat(0.8), nasal=_flat(0.9 if phoneme.place < 0.1 else 0.45))


def _vowel_formants(phoneme: Phoneme) -> Formants:
    """Openness lowers the jaw (F1), place moves the tongue (F2, F3), rounding lengthens the tube."""
    lips = 0.84 if phoneme.rounded else 1.0
    first = 0.52 + 1.05 * phoneme.openness
    second = float(np.interp(phoneme.place, (0.0, 0.30, 0.45, 0.60, 0.72, 0.86), (0.7, 1.52, 1.2, 0.98, 0.78, 0.52)))
    third = float(np.interp(phoneme.place, (0.0, 0.30, 0.45, 0.60, 0.86), (0.9, 1.2, 1.04, 1.0, 0.93)))
    return (first, second * lips, third * lips, 1.0)


def _consonant_formants(phoneme: Phoneme) -> Formants:
    """Loci: where the formants point while the tract is narrow at a place."""
    places = (0.0, 0.12, 0.30, 0.42, 0.65, 0.82, 1.0)
    first = float(np.interp(phoneme.place, places, (0.40, 0.45, 0.50, 0.48, 0.50, 0.85, 1.0))) * (
        0.7 + phoneme.openness
    )
    second = float(np.interp(phoneme.place, places, (0.62, 0.55, 1.15, 1.42, 1.25, 0.75, 0.9)))
    third = float(np.interp(phoneme.place, places, (0.86, 0.85, 1.03, 1.15, 0.86, 0.97, 1.0)))
    lips = 0.88 if phoneme.rounded else 1.0
    return (first, second * lips, third * lips, 1.0)


def _growl_formants(phoneme: Phoneme) -> Formants:
    lips = 0.85 if phoneme.rounded else 1.0
    return (0.85 + 0.3 * phoneme.openness, 0.8 * lips, 0.95 * lips, 1.0)


def _burst(start: float, gain: float, length: float) -> Contour:
    return (
        (0, 0),
        (start, 0),
        (start + 0.01, gain),
        (start + length * 0.4, gain * 0.35),
        (min(1.0, start + length), 0),
    )


def _stop(phoneme: Phoneme) -> Phone:
    events = ((Moment.BURST, _RELEASE, 0.8 if phoneme.voiced else 1.0),)
    if phoneme.voiced:
        bar: Contour = ((0, 0.3), (0.15, 0.16), (_RELEASE, 0.12), (0.75, 0.6), (1, 0.9))
        return Phone(_consonant_formants(phoneme), voice=bar, frication=_burst(_RELEASE, 0.55, 0.2), events=events)
    breath: Contour = ((0, 0), (_RELEASE, 0), (_RELEASE + 0.08, 0.42), (1, 0.12))
    return Phone(_consonant_formants(phoneme), aspiration=breath, frication=_burst(_RELEASE, 0.9, 0.3), events=events)


def _fricative(phoneme: Phoneme) -> Phone:
    noise: Contour = ((0, 0.05), (0.3, 0.5), (0.7, 0.48), (1, 0.05))
    voice: Contour = ((0, 0.7), (0.3, 0.42), (0.7, 0.42), (1, 0.7)) if phoneme.voiced else ()
    if phoneme.place >= 0.9:
        hiss: Contour = tuple((u, level * (0.7 + 0.5 * phoneme.openness)) for u, level in noise)
        return Phone(None, aspiration=hiss, voice=voice)
    return Phone(_consonant_formants(phoneme), frication=noise, voice=voice)
