"""Sound symbolism: what words of a kind like to sound like, in any tongue that has such sounds."""

from postcards_species.speech.phonemes import Manner
from postcards_species.speech.words import NO_LEANING, Leaning


def _leaning(manners: tuple[Manner, ...], symbols: str) -> Leaning:
    return Leaning(frozenset(manners), frozenset(symbols.split()))


LEANINGS: dict[str, Leaning] = {
    "": NO_LEANING,
    "water": _leaning((Manner.GURGLE,), "w l u uu oo oe pk"),
    "growl": _leaning((Manner.GROWL,), "rh rr gh o a aa"),
    "sharp": _leaning((Manner.CLICK, Manner.EJECTIVE), "k t q i ae"),
    "breath": _leaning((), "h hh f sh s e y"),
    "big": _leaning((Manner.HUM,), "o oo u uu aa rh br b hrr"),
    "small": _leaning((Manner.CHIRP,), "i ii e y tsk t n j"),
    "hum": _leaning((Manner.HUM, Manner.NASAL), "u oo uu w l"),
    "bird": _leaning((Manner.CHIRP, Manner.TRILL), "i ii e"),
    "burn": _leaning((), "s z kh rr r a aa ae"),
}
"""What each kind of word favours, by the name that `Concept.sound` uses."""
