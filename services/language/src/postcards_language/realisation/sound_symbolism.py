"""Sound symbolism: what words of a kind like to sound like, in any tongue that has such sounds."""

from postcards_species.speech.phonemes import Manner
from postcards_species.speech.words import NO_PREFERENCE, SoundPreference


def _prefer(manners: tuple[Manner, ...], symbols: str) -> SoundPreference:
    return SoundPreference(frozenset(manners), frozenset(symbols.split()))


SOUND_PREFERENCES: dict[str, SoundPreference] = {
    "": NO_PREFERENCE,
    "water": _prefer((Manner.GURGLE,), "w l u uu oo oe pk"),
    "growl": _prefer((Manner.GROWL,), "rh rr gh o a aa"),
    "sharp": _prefer((Manner.CLICK, Manner.EJECTIVE), "k t q i ae"),
    "breath": _prefer((), "h hh f sh s e y"),
    "big": _prefer((Manner.HUM,), "o oo u uu aa rh br b hrr"),
    "small": _prefer((Manner.CHIRP,), "i ii e y tsk t n j"),
    "hum": _prefer((Manner.HUM, Manner.NASAL), "u oo uu w l"),
    "bird": _prefer((Manner.CHIRP, Manner.TRILL), "i ii e"),
    "burn": _prefer((), "s z kh rr r a aa ae"),
}
"""What each kind of word favours, by the name that `Concept.sound` uses."""
