"""Builds words from a phonology: syllables that its throat can say, written as its language writes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from postcards_species.speech.english import reads_as_english
from postcards_species.speech.phonemes import INVENTORY, Manner
from postcards_species.speech.phonology import Harmony, Phonology, Stress
from postcards_species.speech.phrase import Syllable
from postcards_species.streams import Stream

_FRONT = frozenset(("e", "i", "ii", "y", "oe", "ae"))
_BACK = frozenset(("a", "aa", "o", "oo", "u", "uu"))
_ROUND = frozenset(("o", "oo", "u", "uu", "y", "oe"))
_SPREAD = frozenset(("a", "aa", "e", "i", "ii", "ae"))
_VOICED = frozenset(("b", "d", "g", "gh", "z"))
_VOICELESS = frozenset(("p", "t", "k", "q", "kh", "s", "sh", "f", "tk", "kk", "qk"))
_OPPOSITES: dict[Harmony, tuple[frozenset[str], frozenset[str]]] = {
    Harmony.BACKNESS: (_FRONT, _BACK),
    Harmony.ROUNDING: (_ROUND, _SPREAD),
    Harmony.VOICING: (_VOICED, _VOICELESS),
}

_DIGRAPHS = ("kh", "gh", "sh", "ng", "rh", "hh", "ch", "ph", "th", "qh", "tt", "kk")
_VOWEL_LETTERS = frozenset("aeiouyâêîôûäëïöüøæ")
_AFTER_HEAVY_NUCLEUS: dict[Manner, frozenset[str]] = {
    Manner.GROWL: frozenset(("k", "t", "q", "m", "kk", "tk", "p")),
    Manner.HUM: frozenset(("k", "kh", "gh", "q", "p", "b", "rgh", "hh")),
    Manner.TRILL: frozenset(("k", "kh", "gh", "m", "ng", "n", "t", "g", "kk", "tk", "q", "p", "b")),
}
_BEFORE_HEAVY_NUCLEUS = frozenset(("k", "t", "p", "b", "h", "kh", "q", "tk", "kk", "m", "s", "sh"))
_CROWDED = re.compile(r"(.)\1\1\1|[^aeiouyâêîôûäëïöüøæ'!-]{5}(?!$)|[kgqx]h?[gqx]h?[kgqx]")
_TRIES = 16
_FAVOUR = 5.0
_RANK_WEIGHTS = tuple(1 / (rank + 2.5) for rank in range(24))
_TONE_STEP_SEMITONES = 3.0


@dataclass(frozen=True)
class SoundPreference:
    """What a meaning wants to sound like."""

    manners: frozenset[Manner] = frozenset()
    """Manners it favours."""
    symbols: frozenset[str] = frozenset()
    """Phonemes it favours."""

    @cached_property
    def favoured(self) -> frozenset[str]:
        """All phonemes that it makes likelier."""
        of_manner = (symbol for symbol, phoneme in INVENTORY.items() if phoneme.manner in self.manners)
        return self.symbols.union(of_manner)


NO_PREFERENCE = SoundPreference()


def is_vowel(symbol: str) -> bool:
    """Whether the phoneme is a vowel."""
    return INVENTORY[symbol].manner is Manner.VOWEL


class _Speller:
    """Writes syllables with the spellings of one phonology."""

    def __init__(self, phonology: Phonology) -> None:
        self._table = {entry.symbol: (entry.onset, entry.rest) for entry in phonology.spellings}
        self._nuclei = frozenset(phonology.nuclei)

    def letters(self, phonemes: Sequence[str]) -> list[str]:
        """What stands for each of the phonemes of a syllable."""
        written: list[str] = []
        before_nucleus = True
        for symbol in phonemes:
            before_nucleus = before_nucleus and symbol not in self._nuclei
            spelling = self._table.get(symbol)
            if spelling is None:
                written.append(INVENTORY[symbol].spelling)
            else:
                written.append(spelling[0] if before_nucleus else spelling[1])
        return written

    def spell(self, phonemes: Sequence[str]) -> str:
        """How a syllable is written."""
        return "".join(self.letters(phonemes))


def spell_syllable(phonology: Phonology, phonemes: Sequence[str]) -> str:
    """How a syllable of `phonemes` (symbols) is written."""
    return _Speller(phonology).spell(phonemes)


def _clash(left: str, right: str) -> bool:
    """Whether two syllables, written without anything between them, could be misread."""
    seam = left[-1] + right[0]
    return left[-1] == right[0] or seam in _DIGRAPHS or (left[-1] in _VOWEL_LETTERS and right[0] in _VOWEL_LETTERS)


def write_syllables(syllables: Sequence[Syllable]) -> str:
    """The syllables of one morpheme as written, with an apostrophe where two would run together."""
    text = ""
    for syllable in syllables:
        if text and text[-1] != "'" and syllable.text[0] != "'" and _clash(text, syllable.text):
            text += "'"
        text += syllable.text
    return text


def stressed_index(phonology: Phonology, syllables: Sequence[Sequence[str]]) -> int:
    """Which of the syllables, given as phoneme symbols, bears the stress."""
    last = len(syllables) - 1
    match phonology.stress:
        case Stress.INITIAL:
            return 0
        case Stress.PENULTIMATE:
            return max(0, last - 1)
        case Stress.FINAL:
            return last
        case Stress.HEAVY:
            lengths = [sum(INVENTORY[symbol].seconds for symbol in syllable) for syllable in syllables]
            return lengths.index(max(lengths))


class _Drawing:
    """The choices made so far within one word, which harmony lets bear on the next."""

    def __init__(self, phonology: Phonology, stream: Stream, preference: SoundPreference) -> None:
        self._phonology = phonology
        self._stream = stream
        self._favoured = preference.favoured
        self._banned: frozenset[str] = frozenset()

    def draw(self, symbols: Sequence[str]) -> str:
        """One of `symbols`, the first the likeliest."""
        allowed = symbols
        if self._banned:
            allowed = [symbol for symbol in symbols if symbol not in self._banned] or symbols
        symbol = self._stream.weighted(allowed, self._weights(allowed))
        self._agree(symbol)
        return symbol

    def draw_cluster(self) -> tuple[str, ...]:
        """Two consonants, or one where the language has no clusters."""
        clusters = [pair.split(".") for pair in self._phonology.clusters]
        allowed = [pair for pair in clusters if not self._banned.intersection(pair)]
        if not allowed:
            return (self.draw(self._phonology.onsets),)
        pair = self._stream.weighted(allowed, self._weights([pair[0] for pair in allowed]))
        for symbol in pair:
            self._agree(symbol)
        return tuple(pair)

    def _weights(self, symbols: Sequence[str]) -> Sequence[float]:
        by_rank = _RANK_WEIGHTS[: len(symbols)]
        if self._favoured.isdisjoint(symbols):
            return by_rank
        return [w * _FAVOUR if symbol in self._favoured else w for w, symbol in zip(by_rank, symbols, strict=True)]

    def _agree(self, symbol: str) -> None:
        if self._banned or self._phonology.harmony is Harmony.NONE:
            return
        one, other = _OPPOSITES[self._phonology.harmony]
        if symbol in one:
            self._banned = other
        elif symbol in other:
            self._banned = one


def _draw_syllable(
    phonology: Phonology, drawing: _Drawing, stream: Stream, nuclei: Sequence[str], closed: bool
) -> tuple[str, ...]:
    shapes = [shape for shape in phonology.shapes if not closed or shape.endswith("C")] or phonology.shapes
    shape = stream.weighted(shapes, [1 / (rank + 1.3) for rank in range(len(shapes))])
    nucleus = drawing.draw(nuclei)
    onset: tuple[str, ...] = ()
    if is_vowel(nucleus):
        if shape.startswith("CC"):
            onset = drawing.draw_cluster()
        elif shape.startswith("C"):
            onset = (drawing.draw(phonology.onsets),)
    else:
        fitting = [symbol for symbol in phonology.onsets if symbol in _BEFORE_HEAVY_NUCLEUS]
        if shape.startswith("C") and fitting and INVENTORY[nucleus].manner in (Manner.HUM, Manner.TRILL):
            onset = (drawing.draw(fitting),)
    codas = phonology.codas
    if not is_vowel(nucleus):
        fitting = _AFTER_HEAVY_NUCLEUS.get(INVENTORY[nucleus].manner, frozenset())
        codas = tuple(symbol for symbol in codas if symbol in fitting)
    coda = (drawing.draw(codas),) if shape.endswith("C") and codas else ()
    return (*onset, nucleus, *coda)


def _sounds_well(speller: _Speller, syllables: Sequence[tuple[str, ...]]) -> bool:
    if len(set(syllables)) < len(syllables) or any(len(set(syllable)) < len(syllable) for syllable in syllables):
        return False
    sounds = [symbol for syllable in syllables for symbol in syllable]
    if any(sounds.count(symbol) > 2 for symbol in sounds):
        return False
    written = [speller.letters(syllable) for syllable in syllables]
    if any(left[-1] == right[0] for letters in written for left, right in pairwise(letters)):
        return False
    texts = ["".join(letters) for letters in written]
    if any(_clash(left, right) for left, right in pairwise(texts)):
        return False
    text = "".join(texts)
    return text.count("h") <= 1 + len(syllables) and text.count("'") < 2 and not _CROWDED.search(text)


def coin_word(
    phonology: Phonology,
    stream: Stream,
    count: int,
    preference: SoundPreference = NO_PREFERENCE,
    *,
    closed: bool = False,
) -> tuple[Syllable, ...]:
    """A new word of `count` syllables that is no English word.

    `preference` makes some sounds likelier; `closed` asks for a coda at the end. Draws again, a bounded number of
    times, until the word sounds well, and after that adds syllables until no reader takes it for English.
    """
    speller = _Speller(phonology)
    vowels = [symbol for symbol in phonology.nuclei if is_vowel(symbol)] or list(phonology.nuclei)
    candidate: list[tuple[str, ...]] = []
    for _ in range(_TRIES):
        drawing = _Drawing(phonology, stream, preference)
        candidate = []
        for i in range(count):
            heavy_before = bool(candidate) and not any(is_vowel(symbol) for symbol in candidate[-1])
            nuclei = vowels if heavy_before else phonology.nuclei
            candidate.append(_draw_syllable(phonology, drawing, stream, nuclei, closed and i == count - 1))
        if _sounds_well(speller, candidate) and not reads_as_english(_text(speller, candidate)):
            return assemble(phonology, stream, candidate)
    return assemble(phonology, stream, _drawn_longer(phonology, speller, stream, count))


def _drawn_longer(phonology: Phonology, speller: _Speller, stream: Stream, count: int) -> list[tuple[str, ...]]:
    """A word of more than `count` syllables that is no English, whatever the phonology can say."""
    word: list[tuple[str, ...]] = []
    for attempt in range(_TRIES):
        drawing = _Drawing(phonology, stream, NO_PREFERENCE)
        length = count + 1 + attempt // 6
        word = [_draw_syllable(phonology, drawing, stream, phonology.nuclei, closed=False) for _ in range(length)]
        if not reads_as_english(_text(speller, word)):
            return word
    return [*word, *word]


def _text(speller: _Speller, syllables: Sequence[tuple[str, ...]]) -> str:
    return write_syllables([Syllable(syllable, speller.spell(syllable)) for syllable in syllables])


def assemble(phonology: Phonology, stream: Stream, syllables: Sequence[tuple[str, ...]]) -> tuple[Syllable, ...]:
    """Writes syllables given as phoneme symbols, stresses one and gives each its tone in a tone language."""
    speller = _Speller(phonology)
    stressed = stressed_index(phonology, syllables)
    middle = (phonology.tones - 1) / 2
    return tuple(
        Syllable(
            syllable,
            speller.spell(syllable),
            stressed=i == stressed,
            tone=(stream.integer(0, phonology.tones - 1) - middle) * _TONE_STEP_SEMITONES,
        )
        for i, syllable in enumerate(syllables)
    )
