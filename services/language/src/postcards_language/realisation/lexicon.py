"""The lexicon of a species: one word for each meaning, the same on every postcard.

A word depends on nothing but the phonology: each root has a random stream of its own, named after its meaning, and two
meanings never share a word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from postcards_language.meaning.concepts import Concept, Kind
from postcards_language.meaning.inventory import ALL
from postcards_language.realisation.sound_symbolism import SOUND_PREFERENCES
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Syllable
from postcards_species.speech.words import coin_word, is_vowel, spell_syllable, write_syllables
from postcards_species.streams import Stream

_LENGTHS: dict[Kind, tuple[float, float, float]] = {
    Kind.NOUN: (0.35, 0.53, 0.12),
    Kind.VERB: (0.45, 0.48, 0.07),
    Kind.QUALITY: (0.35, 0.55, 0.10),
    Kind.PRONOUN: (0.85, 0.15, 0.0),
    Kind.RELATION: (0.7, 0.3, 0.0),
    Kind.CONJUNCTION: (0.7, 0.3, 0.0),
    Kind.MARKER: (0.95, 0.05, 0.0),
    Kind.CRY: (0.7, 0.3, 0.0),
}
"""Shares of words of one, two and three syllables."""
_TRIES = 4
_MOST_LENGTHENED = 4


@dataclass(frozen=True)
class Morpheme:
    """The smallest piece of a word that means something."""

    gloss: str
    """Its meaning, e.g. "water" or "PL"."""
    syllables: tuple[Syllable, ...]
    """How it sounds."""

    @property
    def text(self) -> str:
        """How it is written."""
        return write_syllables(self.syllables)


class Lexicon:
    """Every word of one species."""

    def __init__(self, phonology: Phonology) -> None:
        """Coins every word of `phonology`; about 20 ms."""
        self.phonology = phonology
        self._words: dict[str, tuple[Morpheme, ...]] = {}
        self._taken: set[str] = set()
        for concept in ALL:
            if not concept.parts and concept.key not in self._words:
                root = Morpheme(concept.key, self._coin(concept))
                self._taken.add(_bare(root.text))
                self._words[concept.key] = (root,)
        for concept in ALL:
            if concept.parts:
                self._compound(concept)

    def __getitem__(self, key: str) -> tuple[Morpheme, ...]:
        """The word for the concept `key`: one morpheme, or several where it is a compound."""
        return self._words[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def _coin(self, concept: Concept) -> tuple[Syllable, ...]:
        stream = Stream(self.phonology.lexicon_seed, f"word/{concept.key}")
        preference = SOUND_PREFERENCES[concept.sound]
        count = stream.weighted((1, 2, 3), _LENGTHS[concept.kind])
        word = coin_word(self.phonology, stream, count, preference)
        for attempt in range(_TRIES):
            if _bare(write_syllables(word)) not in self._taken:
                return word
            word = coin_word(self.phonology, stream, min(3, count + attempt), preference)
        while _bare(write_syllables(word)) in self._taken and len(word) < 12:
            word = (*word, *coin_word(self.phonology, stream, 1))
        return word

    def _compound(self, concept: Concept) -> tuple[Morpheme, ...]:
        known = self._words.get(concept.key)
        if known is None:
            by_key = {other.key: other for other in ALL}
            parts = (self._words.get(part) or self._compound(by_key[part]) for part in concept.parts)
            known = tuple(morpheme for part in parts for morpheme in part)
            if not self.phonology.grammar.possessor_first:
                known = known[::-1]
            if _bare("".join(part.text for part in known)) in self._taken:
                known = known[::-1]
            self._words[concept.key] = known
        return known


@lru_cache(maxsize=64)
def lexicon_of(phonology: Phonology) -> Lexicon:
    """The lexicon of `phonology`, made once."""
    return Lexicon(phonology)


def join(phonology: Phonology, morphemes: tuple[Morpheme, ...]) -> tuple[str, tuple[Syllable, ...]]:
    """The morphemes as one written word, and its syllables.

    Where the word or a part of it would read as English, it is written with another joint, or the vowels of the parts
    in question are drawn out.
    """
    pieces = list(morphemes)
    for _ in range(_MOST_LENGTHENED):
        for joint in dict.fromkeys((phonology.joint, "", "'", "-")):
            text = _write(joint, pieces)
            if not reads_as_english(text):
                return text, _syllables(pieces)
        suspects = [i for i, piece in enumerate(pieces) if reads_as_english(piece.text)] or [len(pieces) - 1]
        for i in suspects:
            longer = lengthened(phonology, pieces[i].syllables, stressed_only=False)
            pieces[i] = replace(pieces[i], syllables=longer)
    return _write(phonology.joint, pieces), _syllables(pieces)


def _syllables(pieces: Sequence[Morpheme]) -> tuple[Syllable, ...]:
    return tuple(syllable for piece in pieces for syllable in piece.syllables)


def lengthened(
    phonology: Phonology, syllables: tuple[Syllable, ...], *, stressed_only: bool = True
) -> tuple[Syllable, ...]:
    """The syllables with the vowel of one drawn out: of the stressed one, or of the last."""
    index = next((i for i, syllable in enumerate(syllables) if syllable.stressed and stressed_only), len(syllables) - 1)
    drawn = syllables[index]
    at = next((i for i, symbol in enumerate(drawn.phonemes) if symbol in phonology.nuclei), len(drawn.phonemes) - 1)
    phonemes = (*drawn.phonemes[: at + 1], *drawn.phonemes[at:])
    text = spell_syllable(phonology, phonemes)
    if len(phonemes) > 10 or len(text) > 30 or (not is_vowel(drawn.phonemes[at]) and _is_long(drawn.text)):
        return syllables
    return (*syllables[:index], replace(drawn, phonemes=phonemes, text=text), *syllables[index + 1 :])


def _is_long(text: str) -> bool:
    return any(text[i] == text[i + 1] == text[i + 2] for i in range(len(text) - 2))


def _write(joint: str, pieces: Sequence[Morpheme]) -> str:
    if joint:
        return joint.join(piece.text for piece in pieces).replace("''", "'")
    return write_syllables(_syllables(pieces))


def _bare(text: str) -> str:
    """`text` without the marks that only help the reader."""
    return text.replace("'", "").replace("-", "")
