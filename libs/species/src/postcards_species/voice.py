"""The anatomy that sounds."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class VocalTract:
    """A vocal tract, from which the formants, the pitch and the roughness of every sound follow."""

    length_cm: float = field(metadata={"ge": 2, "le": 120})
    """From the folds to the lips; formants lie at odd quarters of its wavelength."""
    pitch_hz: float = field(metadata={"ge": 20, "le": 4000})
    """Resting pitch of the folds."""
    pitch_range_semitones: float = field(metadata={"ge": 1, "le": 36})
    """How far melody may leave the resting pitch, each way."""
    folds: int = field(metadata={"ge": 1, "le": 4})
    """Number of vocal folds or syrinx halves that sound at once."""
    fold_detune_semitones: float = field(metadata={"ge": 0, "le": 12})
    """Interval between neighbouring folds."""
    jitter: float = field(metadata={"ge": 0, "le": 0.2})
    """Cycle-to-cycle change of the period, as a share."""
    shimmer: float = field(metadata={"ge": 0, "le": 0.8})
    """Cycle-to-cycle change of the amplitude, as a share."""
    subharmonics: float = field(metadata={"ge": 0, "le": 1})
    """Strength of period doubling and tripling."""
    roughness: float = field(metadata={"ge": 0, "le": 1})
    """Chaos of the source, from pure to torn."""
    breathiness: float = field(metadata={"ge": 0, "le": 1})
    """Share of noise in the source."""
    spectral_tilt_db_per_octave: float = field(metadata={"ge": -24, "le": 0})
    """Fall of the source's spectrum."""
    chambers_hz: tuple[float, ...] = field(metadata={"max_length": 4, "item_ge": 40, "item_le": 8000})
    """Resonances of air sacs, casques and shells."""
    chamber_gain: float = field(metadata={"ge": 0, "le": 1})
    """How loudly the chambers answer."""
    nasality: float = field(metadata={"ge": 0, "le": 1})
    """How much sound leaves by the nose."""
    trill_hz: float = field(metadata={"ge": 8, "le": 60})
    """Rate of trills and growls."""
    tempo: float = field(metadata={"ge": 0.3, "le": 3})
    """Pace of speech; 1 is ordinary."""
    click_brightness: float = field(metadata={"ge": 0, "le": 1})
    """Sharpness of clicks and bursts."""
