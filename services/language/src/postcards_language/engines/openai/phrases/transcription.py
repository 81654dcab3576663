"""Transcribes what a language model wrote: letters in, phonemes and syllables of one species out.

A model spells by ear. What it writes is read with the spellings of the species first; letters that its language does
not have stand for the nearest sound it has; and what its syllables cannot hold together is parted by its commonest
vowel.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from postcards_species.speech.english import plain_letters
from postcards_species.speech.phonemes import INVENTORY, Manner, Phoneme
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.words import is_vowel

MOST_SYLLABLES = 6
"""Syllables of one piece of a word; what a model wrote beyond them is left out."""
_MOST_LENGTHENING = 2
"""How often a vowel may be said on end: a long howl is two."""

_LETTERS: dict[str, str] = {symbol: symbol for symbol in "abdefghijklmnopqrstuwyz"} | {
    "c": "k",
    "v": "f",
    "x": "kh",
    "th": "s",
    "ch": "sh",
    "ph": "f",
    "zh": "sh",
    "dh": "z",
    "ee": "ii",
    "ou": "uu",
    "ai": "ae",
    "aw": "oo",
    "!": "ck",
}
"""What letters sound like that no language here may write, beside the usual spellings of the inventory."""

_FAMILIES: tuple[tuple[frozenset[Manner], float], ...] = (
    (frozenset((Manner.STOP, Manner.EJECTIVE, Manner.CLICK)), 0.5),
    (frozenset((Manner.TRILL, Manner.GROWL, Manner.GURGLE)), 0.5),
    (frozenset((Manner.NASAL, Manner.HUM)), 0.4),
    (frozenset((Manner.TRILL, Manner.APPROXIMANT)), 0.7),
    (frozenset((Manner.CHIRP, Manner.CLICK)), 0.7),
    (frozenset((Manner.FRICATIVE, Manner.APPROXIMANT)), 1.0),
    (frozenset((Manner.FRICATIVE, Manner.STOP)), 1.0),
)
"""Manners that are near each other, and how far apart they are; others are 1.5 apart."""
_OWN, _PARTED, _FOREIGN, _SKIPPED = 1, 3, 20, 40
"""What it costs to read letters as a sound of the language, an apostrophe as what parts syllables, letters as a foreign
sound, and not at all."""
_LONGEST_SPELLING = 6
_SOUND = re.compile(r"[^\W\d_]|['!]")


def distance(one: Phoneme, other: Phoneme) -> float:
    """How unlike two sounds are, by their features: 0 for the same; vowels and consonants are at least 3 apart."""
    if one.symbol == other.symbol:
        return 0.0
    manner = 0.0 if one.manner is other.manner else 1.5
    for family, apart in _FAMILIES:
        if manner and {one.manner, other.manner} <= family:
            manner = min(manner, apart)
    if (one.manner is Manner.VOWEL) != (other.manner is Manner.VOWEL):
        manner = 3.0
    return (
        manner
        + 1.5 * abs(one.place - other.place)
        + abs(one.openness - other.openness)
        + 0.7 * (one.voiced != other.voiced)
        + 0.3 * (one.rounded != other.rounded)
        + abs(one.seconds - other.seconds)
    )


def nearest(symbol: str, among: Sequence[str]) -> str:
    """The one of `among` (at least one) that sounds most like `symbol`; of equals the first."""
    return min(among, key=lambda other: distance(INVENTORY[symbol], INVENTORY[other]))


@dataclass(frozen=True)
class Transcription:
    """One piece of a word as sounds of the species."""

    syllables: tuple[tuple[str, ...], ...]
    """Symbols of the phonemes, syllable by syllable; empty where nothing can be said."""
    replaced: Mapping[str, str]
    """Letters that the language does not have, and the symbol of the sound that they were heard as."""


class Transcriber:
    """Reads letters as sounds of the language of one species."""

    def __init__(self, phonology: Phonology) -> None:
        """Learns the spellings of `phonology`."""
        self._nuclei = tuple(dict.fromkeys(phonology.nuclei))
        self._onsets = tuple(dict.fromkeys(phonology.onsets))
        ends = any(shape.endswith("C") for shape in phonology.shapes)
        self._codas = tuple(dict.fromkeys(phonology.codas)) if ends else ()
        begins_double = any(shape.startswith("CC") for shape in phonology.shapes)
        pairs = {tuple(pair.split(".")) for pair in phonology.clusters} if begins_double else set[tuple[str, ...]]()
        sounds = {*self._nuclei, *self._onsets, *self._codas}
        self._clusters = {pair for pair in pairs if sounds.issuperset(pair)}
        self._own = _own_spellings(phonology, sounds)
        self._foreign = _foreign_spellings(sounds)
        vowels = [symbol for symbol in self._nuclei if is_vowel(symbol)]
        self._filler = "uh" if "uh" in vowels else (vowels or list(self._nuclei))[0]

    def transcribe(self, text: str) -> Transcription:
        """The syllables of `text`, which holds one piece of a word: what is no letter, "'" or "!" is left out."""
        replaced: dict[str, str] = {}
        symbols: list[str] = []
        for letters, symbol, is_own in self._sounds("".join(_SOUND.findall(text.lower()))):
            if not is_own:
                replaced[letters] = symbol
            symbols.append(symbol)
        return Transcription(tuple(self._syllables(symbols))[:MOST_SYLLABLES], replaced)

    def _sounds(self, text: str) -> Iterator[tuple[str, str, bool]]:
        """The sounds of `text`: letters, symbol, and whether the language writes it so.

        Of all ways to read it, the one with the fewest letters that are foreign or say nothing, then the fewest sounds.
        """
        best: list[tuple[int, str, str]] = [(0, "", "")] * (len(text) + 1)
        for at in range(len(text) - 1, -1, -1):
            skipped = _PARTED if text[at] == "'" else _SKIPPED
            readings = [(skipped + best[at + 1][0], text[at], "")]
            for table, cost in ((self._own, _OWN), (self._foreign, _FOREIGN)):
                for size in range(min(_LONGEST_SPELLING, len(text) - at), 0, -1):
                    letters = text[at : at + size]
                    symbol = table.get(letters) or (table.get(plain_letters(letters)) if size == 1 else None)
                    if symbol is not None:
                        own = _FOREIGN if letters not in table else cost
                        readings.append((own + best[at + size][0], letters, symbol))
            best[at] = min(readings, key=lambda reading: (reading[0], -len(reading[1])))
        at = 0
        while at < len(text):
            _, letters, symbol = best[at]
            if symbol:
                yield letters, symbol, letters in self._own
            at += len(letters)

    def _syllables(self, symbols: Sequence[str]) -> Iterator[tuple[str, ...]]:
        peaks = self._peaks(symbols)
        if not peaks:
            yield from self._parted(symbols)
            return
        *extra, onset = self._begun(symbols[: peaks[0][0]])
        yield from extra
        for (start, end), (following, _) in zip(peaks, [*peaks[1:], (len(symbols), 0)], strict=True):
            core = (*onset, *symbols[start:end][:_MOST_LENGTHENING])
            between = _without_repeats(symbols[end:following])
            if following < len(symbols):
                cut = len(between) - self._width(between)
                tail, onset = between[:cut], self._onset(between[cut:])
            else:
                tail, onset = between, ()
            closed = bool(tail and self._codas)
            yield (*core, *((self._coda(tail[0], core),) if closed else ()))
            yield from self._parted(tail[1:] if closed else tail)

    def _peaks(self, symbols: Sequence[str]) -> list[tuple[int, int]]:
        """Where the sounds stand that carry a syllable: begin and end; the same vowel on end is one long one."""
        peaks: list[tuple[int, int]] = []
        for i, symbol in enumerate(symbols):
            if symbol not in self._nuclei:
                continue
            if is_vowel(symbol):
                if peaks and peaks[-1][1] == i and symbols[i - 1] == symbol:
                    peaks[-1] = (peaks[-1][0], i + 1)
                else:
                    peaks.append((i, i + 1))
            elif not self._leans(symbols, i):
                peaks.append((i, i + 1))
        return peaks

    def _leans(self, symbols: Sequence[str], at: int) -> bool:
        """Whether a growl or a hum stands beside a vowel, which carries the syllable for it, or repeats the last."""
        before, after = symbols[max(0, at - 1) : at], symbols[at + 1 : at + 2]
        begins = symbols[at] in self._onsets and any(is_vowel(symbol) for symbol in after)
        ends = symbols[at] in self._codas and any(is_vowel(symbol) for symbol in before)
        return begins or ends or list(before) == [symbols[at]]

    def _width(self, between: Sequence[str]) -> int:
        """How many of the consonants before a vowel begin its syllable."""
        return 2 if tuple(between[-2:]) in self._clusters else min(1, len(between))

    def _begun(self, before: Sequence[str]) -> list[tuple[str, ...]]:
        """Syllables made of consonants at the beginning of a word, and last the onset that is left."""
        before = _without_repeats(before)
        cut = len(before) - self._width(before)
        return [*self._parted(before[:cut]), self._onset(before[cut:])]

    def _onset(self, consonants: Sequence[str]) -> tuple[str, ...]:
        if len(consonants) == 2:
            return tuple(consonants)
        return tuple(nearest(symbol, self._onsets) for symbol in consonants)

    def _coda(self, symbol: str, core: Sequence[str]) -> str:
        """The nearest sound that ends a syllable, unlike the one before it where there is a choice."""
        return nearest(symbol, [other for other in self._codas if other != core[-1]] or self._codas)

    def _parted(self, consonants: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """A syllable for each consonant that no other can hold."""
        for symbol in consonants:
            carries = symbol in self._nuclei
            yield (symbol,) if carries else (nearest(symbol, self._onsets), self._filler)


def _own_spellings(phonology: Phonology, sounds: set[str]) -> dict[str, str]:
    """Symbols by spelling; where two sounds are spelled alike the commoner wins."""
    written: dict[str, str] = {}
    ranked = [*phonology.onsets, *phonology.nuclei, *phonology.codas]
    spelled = {entry.symbol: entry for entry in phonology.spellings}
    for symbol in dict.fromkeys(ranked):
        if entry := spelled.get(symbol):
            written.setdefault(entry.rest, symbol)
            written.setdefault(entry.onset, symbol)
    for symbol in dict.fromkeys(ranked):
        written.setdefault(INVENTORY[symbol].spelling, symbol)
        written.setdefault(symbol, symbol)
    return {text: symbol for text, symbol in written.items() if symbol in sounds}


def _foreign_spellings(sounds: set[str]) -> dict[str, str]:
    """The nearest sounds of the language by the spellings of all other sounds."""
    order = sorted(sounds)
    usual = {phoneme.spelling: symbol for symbol, phoneme in INVENTORY.items() if symbol != "glottal"}
    return {text: nearest(symbol, order) for text, symbol in (_LETTERS | usual).items()}


def _without_repeats(symbols: Sequence[str]) -> list[str]:
    return [symbol for i, symbol in enumerate(symbols) if i == 0 or symbol != symbols[i - 1]]
