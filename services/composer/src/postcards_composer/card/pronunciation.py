"""How to say a name: a respelling, and advice for the sounds that English lacks."""

from postcards_species.phonemes import INVENTORY
from postcards_species.phrase import Syllable

_RESPELLING = {
    "a": "ah",
    "aa": "aah",
    "e": "eh",
    "i": "ih",
    "ii": "ee",
    "o": "oh",
    "oo": "ooh",
    "u": "u",
    "uu": "oo",
    "y": "ü",
    "oe": "ö",
    "ae": "ae",
    "glottal": "'",
    "tk": "t'",
    "kk": "k'",
    "qk": "q'",
    "j": "y",
}
_ADVICE = {
    "y": "ü as in French lune",
    "oe": "ö as in fur",
    "ae": "ae as in cat",
    "q": "q far back in the throat",
    "glottal": "' a catch in the throat",
    "tk": "t' a popped t",
    "kk": "k' a popped k",
    "qk": "q' popped in the throat",
    "kh": "kh as in loch",
    "gh": "gh as in loch, but hummed",
    "hh": "hh breathed from deep down",
    "rr": "rr rolled",
    "br": "br with trembling lips",
    "rh": "rh rolled in the throat",
    "ck": "!k a click of the tongue",
    "tsk": "!ts a tut behind the teeth",
    "tlk": "!lk a click as to a horse",
    "pk": "!p a smack of the lips",
    "grr": "grr a growl",
    "hrr": "hrr a hoarse growl",
    "rgh": "rgh a growl with round lips",
    "glk": "glk a gulp",
    "blb": "blb bubbles",
    "tw": "tw a chirp",
    "kri": "kri a shrill chirp",
    "mm": "mm hummed",
    "oom": "oom a boom behind closed lips",
}
_ADVICE_LIMIT = 3


def _respelled(symbol: str) -> str:
    return _RESPELLING.get(symbol) or (INVENTORY[symbol].spelling if symbol in INVENTORY else symbol)


def _typographic(text: str) -> str:
    return text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def pronunciation(syllables: tuple[Syllable, ...]) -> str:
    """A respelling with the stressed syllable in capitals, and advice for at most three sounds; empty for no syllables.

    Example: "GRRAH-kool (grr a growl)".
    """
    parts: list[str] = []
    for syllable in syllables:
        text = "".join(_respelled(symbol) for symbol in syllable.phonemes)
        parts.append(text.upper() if syllable.stressed and len(syllables) > 1 else text)
    symbols = dict.fromkeys(symbol for syllable in syllables for symbol in syllable.phonemes)
    advice = [_ADVICE[symbol] for symbol in symbols if symbol in _ADVICE][:_ADVICE_LIMIT]
    return _typographic("-".join(parts) + (f" ({'; '.join(advice)})" if advice else ""))
