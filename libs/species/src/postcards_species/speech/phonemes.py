"""The inventory of sounds from which every species takes its own.

Features are articulatory, so that a synthesiser can sound any phoneme with any anatomy and a phonology can choose by
what an anatomy can do. After the chart of the International Phonetic Association, with animal sounds beside it.
"""

from dataclasses import dataclass
from enum import Enum


class Manner(Enum):
    """How a sound is made."""

    VOWEL = "vowel"
    STOP = "stop"
    EJECTIVE = "ejective"
    FRICATIVE = "fricative"
    TRILL = "trill"
    NASAL = "nasal"
    APPROXIMANT = "approximant"
    CLICK = "click"
    GROWL = "growl"
    GURGLE = "gurgle"
    CHIRP = "chirp"
    HUM = "hum"


@dataclass(frozen=True)
class Phoneme:
    """One sound of the inventory, by its articulatory features."""

    symbol: str
    """Its name in phrases and on the wire: letters, unique."""
    spelling: str
    """How it is usually written in animal text."""
    manner: Manner
    """How it is made."""
    place: float
    """Where the tract is narrowest: 0 the lips, 0.5 the palate, 1 the larynx."""
    voiced: bool
    """Whether the folds swing."""
    openness: float
    """Vowels: 0 closed (i, u) to 1 open (a). Others: how much of the tract's resonance passes, 0 to 1."""
    rounded: bool
    """Whether the lips are rounded."""
    seconds: float
    """Usual length at an ordinary pace."""


def _vowel(symbol: str, spelling: str, place: float, openness: float, rounded: bool, seconds: float = 0.16) -> Phoneme:
    return Phoneme(symbol, spelling, Manner.VOWEL, place, True, openness, rounded, seconds)


_ALL = (
    _vowel("a", "a", 0.72, 1.0, False),
    _vowel("aa", "aa", 0.75, 1.0, False, 0.32),
    _vowel("e", "e", 0.45, 0.55, False),
    _vowel("i", "i", 0.35, 0.1, False),
    _vowel("ii", "ii", 0.33, 0.05, False, 0.30),
    _vowel("o", "o", 0.80, 0.5, True),
    _vowel("oo", "oo", 0.84, 0.35, True, 0.34),
    _vowel("u", "u", 0.82, 0.12, True),
    _vowel("uu", "uu", 0.86, 0.08, True, 0.36),
    _vowel("y", "y", 0.38, 0.12, True),
    _vowel("oe", "ö", 0.45, 0.5, True),
    _vowel("uh", "uh", 0.60, 0.5, False, 0.12),
    _vowel("ae", "ä", 0.52, 0.85, False),
    Phoneme("p", "p", Manner.STOP, 0.0, False, 0.3, False, 0.09),
    Phoneme("b", "b", Manner.STOP, 0.0, True, 0.35, False, 0.09),
    Phoneme("t", "t", Manner.STOP, 0.3, False, 0.3, False, 0.08),
    Phoneme("d", "d", Manner.STOP, 0.3, True, 0.35, False, 0.08),
    Phoneme("k", "k", Manner.STOP, 0.65, False, 0.3, False, 0.09),
    Phoneme("g", "g", Manner.STOP, 0.65, True, 0.35, False, 0.09),
    Phoneme("q", "q", Manner.STOP, 0.82, False, 0.3, False, 0.10),
    Phoneme("glottal", "'", Manner.STOP, 1.0, False, 0.2, False, 0.07),
    Phoneme("tk", "t'", Manner.EJECTIVE, 0.3, False, 0.3, False, 0.10),
    Phoneme("kk", "k'", Manner.EJECTIVE, 0.65, False, 0.3, False, 0.11),
    Phoneme("qk", "q'", Manner.EJECTIVE, 0.82, False, 0.3, False, 0.12),
    Phoneme("f", "f", Manner.FRICATIVE, 0.03, False, 0.4, False, 0.11),
    Phoneme("s", "s", Manner.FRICATIVE, 0.28, False, 0.4, False, 0.13),
    Phoneme("z", "z", Manner.FRICATIVE, 0.28, True, 0.45, False, 0.12),
    Phoneme("sh", "sh", Manner.FRICATIVE, 0.42, False, 0.45, True, 0.14),
    Phoneme("kh", "kh", Manner.FRICATIVE, 0.70, False, 0.5, False, 0.14),
    Phoneme("gh", "gh", Manner.FRICATIVE, 0.72, True, 0.5, False, 0.13),
    Phoneme("hh", "hh", Manner.FRICATIVE, 0.92, False, 0.7, False, 0.15),
    Phoneme("h", "h", Manner.FRICATIVE, 1.0, False, 0.8, False, 0.10),
    Phoneme("r", "r", Manner.TRILL, 0.3, True, 0.6, False, 0.14),
    Phoneme("rr", "rr", Manner.TRILL, 0.3, True, 0.6, False, 0.26),
    Phoneme("br", "br", Manner.TRILL, 0.02, True, 0.5, True, 0.24),
    Phoneme("rh", "rh", Manner.TRILL, 0.82, True, 0.6, False, 0.24),
    Phoneme("m", "m", Manner.NASAL, 0.0, True, 0.4, False, 0.13),
    Phoneme("n", "n", Manner.NASAL, 0.3, True, 0.4, False, 0.12),
    Phoneme("ng", "ng", Manner.NASAL, 0.68, True, 0.4, False, 0.15),
    Phoneme("w", "w", Manner.APPROXIMANT, 0.1, True, 0.6, True, 0.09),
    Phoneme("l", "l", Manner.APPROXIMANT, 0.3, True, 0.6, False, 0.10),
    Phoneme("j", "y", Manner.APPROXIMANT, 0.4, True, 0.5, False, 0.09),
    Phoneme("ck", "!k", Manner.CLICK, 0.32, False, 0.5, False, 0.10),
    Phoneme("tsk", "!ts", Manner.CLICK, 0.2, False, 0.4, False, 0.09),
    Phoneme("tlk", "!lk", Manner.CLICK, 0.45, False, 0.5, False, 0.11),
    Phoneme("pk", "!p", Manner.CLICK, 0.0, False, 0.5, True, 0.10),
    Phoneme("grr", "grr", Manner.GROWL, 0.9, True, 0.7, False, 0.34),
    Phoneme("hrr", "hrr", Manner.GROWL, 0.95, True, 0.8, False, 0.36),
    Phoneme("rgh", "rgh", Manner.GROWL, 0.8, True, 0.7, True, 0.30),
    Phoneme("glk", "glk", Manner.GURGLE, 0.78, True, 0.5, True, 0.24),
    Phoneme("blb", "blb", Manner.GURGLE, 0.05, True, 0.4, True, 0.26),
    Phoneme("tw", "tw", Manner.CHIRP, 0.35, True, 0.3, False, 0.12),
    Phoneme("kri", "kri", Manner.CHIRP, 0.4, True, 0.3, False, 0.15),
    Phoneme("mm", "mm", Manner.HUM, 0.0, True, 0.4, False, 0.34),
    Phoneme("oom", "oom", Manner.HUM, 0.85, True, 0.35, True, 0.42),
)

INVENTORY: dict[str, Phoneme] = {phoneme.symbol: phoneme for phoneme in _ALL}
"""Every phoneme by its symbol."""
