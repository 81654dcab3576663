"""How the real animals sound.

Pitches and mechanisms after the bioacoustic literature where an animal has a voice; where it has none, a voice is
imagined from its anatomy, and says so. Gestures are named by the values of `voice.derive.CallGesture`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class VoiceTraits:
    """The voice of a real animal."""

    gestures: tuple[str, ...]
    """How it calls, the most usual first: values of `CallGesture`, one to three."""
    pitch_hz: float | None = None
    """Usual pitch in hertz; None: what its mass leads one to expect."""
    length_cm: float | None = None
    """Vocal tract from source to opening; None: what its mass leads one to expect."""
    pitch_range_semitones: float = 9.0
    """How far its melody goes from the usual pitch, each way."""
    folds: int = 1
    """Independent sources: 2 for the two halves of a syrinx."""
    fold_detune_semitones: float = 0.3
    """Interval between the sources."""
    jitter: float = 0.012
    """Cycle-to-cycle change of the period, as a share."""
    shimmer: float = 0.08
    """Cycle-to-cycle change of the amplitude, as a share."""
    subharmonics: float = 0.15
    """Strength of period doubling, 0 to 1."""
    roughness: float = 0.15
    """Chaos of the source, 0 to 1."""
    breathiness: float = 0.2
    """Share of noise, 0 to 1."""
    tilt: float = -11.0
    """Fall of the source's spectrum in decibels per octave."""
    chambers_hz: tuple[float, ...] = ()
    """Resonances of sacs, shells and casques in hertz."""
    chamber_gain: float = 0.2
    """How loudly they answer, 0 to 1."""
    nasality: float = 0.15
    """Share of sound by the nose, 0 to 1."""
    trill_hz: float = 24.0
    """Rate of trills and growls."""
    tempo: float = 1.0
    """Pace; 1 is that of human talk."""
    click_brightness: float = 0.5
    """Sharpness of clicks, 0 to 1."""
    whistle: float = 0.0
    """Share of pure tone, 0 to 1."""
    stridulation: float = 0.0
    """Share of scraped sound, 0 to 1."""
    stridulation_hz: float = 3500.0
    """Resonance of what is scraped, in hertz."""
    vibrato_hz: float = 6.0
    """Rate of vibrato."""
    vibrato_semitones: float = 0.2
    """Depth of vibrato, each way."""
    calls_per_bout: int = 3
    """Repetitions before a pause."""
