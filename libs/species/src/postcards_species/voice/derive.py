"""The anatomy that sounds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.streams import Stream
from postcards_species.voice.traits.table import VOICE_TRAITS
from postcards_species.voice.traits.traits import VoiceTraits

_PITCH_EXPONENT = -0.4
"""Fall of pitch with body mass (N. H. Fletcher, J. Acoust. Soc. Am. 115, 2334, 2004)."""
_PITCH_OF_ONE_KILOGRAM = 760.0
"""Hertz. Puts an elephant's rumble near 25 Hz, a man's voice near 140 Hz and a mouse's near 3.6 kHz."""
_LENGTH_EXPONENT = 1 / 3
"""Vocal tracts grow like bodies do (W. T. Fitch, J. Acoust. Soc. Am. 102, 1213, 1997)."""
_LENGTH_OF_ONE_KILOGRAM = 4.1
"""Centimetres. Puts a man's tract at 17 cm and a cat's at 7 cm."""
_SLIGHT = 0.1


class CallGesture(Enum):
    """How a syllable is sung: the shape of its pitch and its loudness."""

    COO = "coo"
    BOOM = "boom"
    BELLOW = "bellow"
    ROAR = "roar"
    HONK = "honk"
    BARK = "bark"
    GRUNT = "grunt"
    MEOW = "meow"
    BLEAT = "bleat"
    CROW = "crow"
    TRUMPET = "trumpet"
    WHINE = "whine"
    MOAN = "moan"
    HUM = "hum"
    PURR = "purr"
    WHISTLE = "whistle"
    TWITTER = "twitter"
    RASP = "rasp"
    TICK = "tick"
    HISS = "hiss"


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
    whistle: float = field(metadata={"ge": 0, "le": 1})
    """Share of pure tone, as of dolphins and songbirds."""
    stridulation: float = field(metadata={"ge": 0, "le": 1})
    """Share of sound scraped by hard parts, as of crickets."""
    stridulation_hz: float = field(metadata={"ge": 400, "le": 12000})
    """Resonance of the scraped part."""
    vibrato_hz: float = field(metadata={"ge": 2, "le": 20})
    """Rate of vibrato and bleating."""
    vibrato_semitones: float = field(metadata={"ge": 0, "le": 4})
    """Depth of vibrato, each way."""
    gestures: tuple[CallGesture, ...] = field(metadata={"min_length": 1, "max_length": 4})
    """How its syllables are sung, the most usual first."""
    calls_per_bout: int = field(metadata={"ge": 1, "le": 12})
    """How often it repeats itself before it pauses."""


def allometric_pitch_hz(mass_kg: float) -> float:
    """The pitch to expect of an animal of `mass_kg` kilograms, in hertz, 20 to 4000.

    f = 760 m^-0.4, the exponent after N. H. Fletcher, "A simple frequency-scaling rule for animal communication",
    J. Acoust. Soc. Am. 115, 2334 (2004).
    """
    return min(4000.0, max(20.0, _PITCH_OF_ONE_KILOGRAM * mass_kg**_PITCH_EXPONENT))


def allometric_length_cm(mass_kg: float) -> float:
    """The vocal tract to expect of an animal of `mass_kg` kilograms, in centimetres, 2 to 120.

    L = 4.1 m^(1/3), the exponent by geometric similarity, as found by W. T. Fitch, J. Acoust. Soc.
    Am. 102, 1213 (1997).
    """
    return min(120.0, max(2.0, _LENGTH_OF_ONE_KILOGRAM * mass_kg**_LENGTH_EXPONENT))


def derive_voice(seed: int, parents: Sequence[Parent], strangeness: float) -> VocalTract:
    """Derives the vocal tract of a species from its two or more parents (shares that sum to 1).

    Frequencies and lengths are mixed as ratios, everything else as shares. `strangeness` (0 to 1) grows or shrinks the
    animal, doubles its folds, tears or cleans its voice, and lends it an organ of an animal it does not descend from;
    the same seed bends further in the same direction.
    """
    return _Mixture(seed, parents, strangeness).voice()


class _Mixture:
    """The traits of several animals, mixed by share and bent."""

    def __init__(self, seed: int, parents: Sequence[Parent], strangeness: float) -> None:
        self._strangeness = strangeness
        self._stream = Stream(seed, "voice")
        self._names = [parent.animal for parent in parents]
        self._shares = [parent.weight for parent in parents]
        self._lend_an_organ()

    def _lend_an_organ(self) -> None:
        guest = self._stream.choice([name for name in ANIMALS if name not in self._names])
        share = self._stream.uniform(0.2, 0.6) * self._strangeness**2
        self._shares = [mine * (1 - share) for mine in self._shares] + [share]
        self._names.append(guest)

    def voice(self) -> VocalTract:
        growth = math.exp(self._bend(0.25, 1.1))
        length = (
            self._ratio(lambda name: _length_of(name)) * growth**_LENGTH_EXPONENT * math.exp(self._bend(0.04, 0.25))
        )
        pitch = self._ratio(lambda name: _pitch_of(name)) * growth**_PITCH_EXPONENT * math.exp(self._bend(0.08, 0.4))
        folds, detune = self._folds()
        return VocalTract(
            length_cm=_rounded(length, 2.0, 120.0),
            pitch_hz=_rounded(pitch, 20.0, 4000.0),
            pitch_range_semitones=_rounded(
                self._mean(lambda t: t.pitch_range_semitones) + self._bend(0.6, 4), 1.5, 35.0
            ),
            folds=folds,
            fold_detune_semitones=_rounded(detune, 0.0, 11.9),
            jitter=_rounded(self._mean(lambda t: t.jitter) * math.exp(self._bend(0.2, 0.6)), 0.002, 0.19),
            shimmer=_rounded(self._mean(lambda t: t.shimmer) * math.exp(self._bend(0.2, 0.6)), 0.01, 0.75),
            subharmonics=self._share_of(lambda t: t.subharmonics, 0.25),
            roughness=self._share_of(lambda t: t.roughness, 0.25),
            breathiness=self._share_of(lambda t: t.breathiness, 0.2),
            spectral_tilt_db_per_octave=_rounded(self._mean(lambda t: t.tilt) + self._bend(0.7, 3), -23.0, -3.0),
            chambers_hz=self._chambers(growth),
            chamber_gain=self._share_of(lambda t: t.chamber_gain, 0.3),
            nasality=self._share_of(lambda t: t.nasality, 0.25),
            trill_hz=_rounded(
                self._ratio(lambda n: VOICE_TRAITS[n].trill_hz) * math.exp(self._bend(0.08, 0.3)), 8.5, 58.0
            ),
            tempo=_rounded(self._ratio(lambda n: VOICE_TRAITS[n].tempo) * math.exp(self._bend(0.06, 0.22)), 0.4, 2.6),
            click_brightness=self._share_of(lambda t: t.click_brightness, 0.25),
            whistle=self._organ(lambda t: t.whistle),
            stridulation=self._organ(lambda t: t.stridulation),
            stridulation_hz=_rounded(
                self._ratio(lambda n: VOICE_TRAITS[n].stridulation_hz) * math.exp(self._bend(0.1, 0.35)), 420.0, 11800.0
            ),
            vibrato_hz=_rounded(
                self._ratio(lambda n: VOICE_TRAITS[n].vibrato_hz) * math.exp(self._bend(0.08, 0.3)), 2.1, 19.5
            ),
            vibrato_semitones=_rounded(
                self._mean(lambda t: t.vibrato_semitones) * math.exp(self._bend(0.2, 0.7)), 0.02, 3.9
            ),
            gestures=self._gestures(),
            calls_per_bout=self._calls_per_bout(),
        )

    def _bend(self, own: float, strange: float) -> float:
        """A deviation: `own` is the spread among species, `strange` is added to it at full strangeness."""
        return self._stream.gaussian(0.0, 1.0) * (own + strange * self._strangeness)

    def _mean(self, trait: Callable[[VoiceTraits], float]) -> float:
        return sum(share * trait(VOICE_TRAITS[name]) for name, share in zip(self._names, self._shares, strict=True))

    def _ratio(self, trait: Callable[[str], float]) -> float:
        logs = (share * math.log(trait(name)) for name, share in zip(self._names, self._shares, strict=True))
        return math.exp(sum(logs))

    def _share_of(self, trait: Callable[[VoiceTraits], float], strange: float) -> float:
        return _rounded(self._mean(trait) + self._bend(0.03, strange), 0.0, 1.0)

    def _organ(self, trait: Callable[[VoiceTraits], float]) -> float:
        """A share that is none where it is slight: an animal has an organ or has it not."""
        share = self._share_of(trait, 0.2)
        return share if share > _SLIGHT else 0.0

    def _folds(self) -> tuple[int, float]:
        own = VOICE_TRAITS[self._names[0]].folds if self._stream.chance(0.7) else VOICE_TRAITS[self._names[1]].folds
        extra = self._stream.unit() < 0.45 * self._strangeness
        folds = min(4, own + (1 if extra else 0))
        return folds, abs(self._mean(lambda t: t.fold_detune_semitones) + self._bend(0.15, 2.5))

    def _chambers(self, growth: float) -> tuple[float, ...]:
        chambers: list[float] = []
        for name, share in zip(self._names, self._shares, strict=True):
            for hertz in VOICE_TRAITS[name].chambers_hz:
                scaled = hertz * growth**-_LENGTH_EXPONENT * math.exp(self._bend(0.08, 0.3))
                if self._stream.unit() < 0.35 + 1.3 * share and share > 0.05:
                    chambers.append(_rounded(scaled, 42.0, 7800.0))
        return tuple(sorted(chambers[:4]))

    def _gestures(self) -> tuple[CallGesture, ...]:
        ranked: dict[str, float] = {}
        for name, share in zip(self._names, self._shares, strict=True):
            for rank, gesture in enumerate(VOICE_TRAITS[name].gestures):
                ranked[gesture] = ranked.get(gesture, 0.0) + share * (1.0, 0.6, 0.35)[rank] * self._stream.uniform(
                    0.6, 1.4
                )
        order = sorted(ranked, key=lambda gesture: (-ranked[gesture], gesture))
        return tuple(CallGesture(gesture) for gesture in order[:3])

    def _calls_per_bout(self) -> int:
        mean = self._ratio(lambda name: float(VOICE_TRAITS[name].calls_per_bout))
        return max(1, min(12, round(mean * math.exp(self._bend(0.12, 0.4)))))


def _pitch_of(name: str) -> float:
    return VOICE_TRAITS[name].pitch_hz or allometric_pitch_hz(ANIMALS[name].mass_kg)


def _length_of(name: str) -> float:
    return VOICE_TRAITS[name].length_cm or allometric_length_cm(ANIMALS[name].mass_kg)


def _rounded(value: float, low: float, high: float) -> float:
    """Four significant digits say all that an ear can tell, and read well in a manifest."""
    return float(f"{max(low, min(high, value)):.4g}")
