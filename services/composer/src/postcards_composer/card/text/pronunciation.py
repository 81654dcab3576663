"""How to say a name: a respelling, and advice for the sounds that English lacks."""

from itertools import pairwise

from postcards_composer.card.text.wording import typographic
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phonology import Phonology, Stress

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


def _written(phonology: Phonology) -> list[tuple[str, str]]:
    """Spellings of the language with their phonemes, the longest first."""
    own = {entry.symbol: (entry.onset, entry.rest) for entry in phonology.spellings}
    paired = [symbol for pair in phonology.clusters for symbol in pair.split(".")]
    symbols = dict.fromkeys([*phonology.nuclei, *phonology.onsets, *phonology.codas, *paired])
    pairs = {
        spelling: symbol
        for symbol in reversed(symbols)
        if symbol in INVENTORY
        for spelling in own.get(symbol, (INVENTORY[symbol].spelling,))
    }
    return sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)


def read_aloud(name: str, phonology: Phonology) -> tuple[tuple[str, ...], ...]:
    """The phonemes of a written name, by syllable. What the language cannot have written is left out."""
    written = _written(phonology)
    text = name.lower()
    symbols: list[str] = []
    place = 0
    while place < len(text):
        spelling, symbol = next((pair for pair in written if text.startswith(pair[0], place)), (text[place], ""))
        symbols += [symbol] if symbol else []
        place += len(spelling)
    carriers = [index for index, symbol in enumerate(symbols) if symbol in phonology.nuclei]
    cuts = [0]
    for first, second in pairwise(carriers):
        together = second - first > 2 and f"{symbols[second - 2]}.{symbols[second - 1]}" in phonology.clusters
        cuts.append(max(first + 1, second - (2 if together else 1)))
    return tuple(
        syllable for a, b in zip(cuts, [*cuts[1:], len(symbols)], strict=True) if (syllable := tuple(symbols[a:b]))
    )


def _stressed(count: int, stress: Stress) -> int:
    """Index of the stressed syllable; -1 where the spelling alone does not tell."""
    places = {Stress.INITIAL: 0, Stress.PENULTIMATE: max(0, count - 2), Stress.FINAL: count - 1}
    return places.get(stress, -1) if count > 1 else -1


def pronunciation(name: str, phonology: Phonology | None) -> str:
    """A respelling with the stressed syllable in capitals, and advice for at most three sounds.

    Empty without a phonology. Example: "GRRAH-kool (grr a growl)".
    """
    syllables = read_aloud(name, phonology) if phonology else ()
    if phonology is None or not syllables:
        return ""
    stressed = _stressed(len(syllables), phonology.stress)
    parts = ["".join(map(_respelled, syllable)) for syllable in syllables]
    hint = "-".join(part.upper() if index == stressed else part for index, part in enumerate(parts))
    symbols = dict.fromkeys(symbol for syllable in syllables for symbol in syllable)
    advice = [_ADVICE[symbol] for symbol in symbols if symbol in _ADVICE][:_ADVICE_LIMIT]
    return typographic(hint + (f" ({'; '.join(advice)})" if advice else ""))
