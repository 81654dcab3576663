"""The phrase prepared for showing: words with syllables that know when they sound."""

from dataclasses import dataclass

from postcards_composer.card.text.wording import typographic
from postcards_composer.postcards.manifest import WordTiming
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phrase import Phrase, Word


@dataclass(frozen=True)
class ShownSyllable:
    """One syllable and when it sounds."""

    text: str
    """As written."""
    stressed: bool
    """Whether it bears the stress."""
    dotted: bool
    """Whether a dot parts it from the next; where the word is written with a mark of its own there, it has none."""
    spans: tuple[tuple[float, float], ...]
    """Begin and end in seconds, once for every repetition of the phrase."""


@dataclass(frozen=True)
class ShownWord:
    """One word of the phrase, prepared for showing."""

    syllables: tuple[ShownSyllable, ...]
    """In order."""
    gloss: str
    """Its meaning in the interlinear gloss."""
    after: str
    """Punctuation that follows it."""


def _length(phonemes: tuple[str, ...]) -> float:
    return sum(INVENTORY[symbol].seconds if symbol in INVENTORY else 0.12 for symbol in phonemes)


def _syllable_spans(word: Word, timings: list[WordTiming]) -> list[list[tuple[float, float]]]:
    """Spans of the word's syllables: each sounding of the word is shared out by the usual lengths of the phonemes."""
    lengths = [_length(syllable.phonemes) for syllable in word.syllables]
    total = sum(lengths) or 1.0
    spans: list[list[tuple[float, float]]] = [[] for _ in lengths]
    for timing in timings:
        start, whole = timing.start_seconds, timing.end_seconds - timing.start_seconds
        for syllable, length in enumerate(lengths):
            end = start + whole * length / total
            spans[syllable].append((round(start, 3), round(end, 3)))
            start = end
    return spans


def _capital(text: str) -> str:
    """The text with its first letter, after any click or breath mark, as a capital."""
    for place, letter in enumerate(text):
        if letter.isalpha():
            return text[:place] + letter.upper() + text[place + 1 :]
    return text


def _joined_texts(word: Word) -> list[str]:
    """The texts of the word's syllables, each with what the written word has between it and the next."""
    texts = [syllable.text for syllable in word.syllables]
    places: list[int] = []
    place = 0
    for text in texts:
        found = word.text.lower().find(text.lower(), place)
        if found < 0:
            return texts
        places.append(found)
        place = found + len(text)
    return [word.text[a:b] for a, b in zip(places, [*places[1:], len(word.text)], strict=True)]


def _punctuation(phrase: Phrase) -> list[str]:
    """What stands between each word of the written phrase and the next, without the space before the next."""
    text = phrase.animal_text
    lower = text.lower()
    ends: list[tuple[int, int]] = []
    place = 0
    for word in phrase.words:
        found = lower.find(word.text.lower(), place)
        if found < 0:
            return ["" for _ in phrase.words]
        place = found + len(word.text)
        ends.append((found, place))
    starts = [start for start, _ in ends[1:]] + [len(text)]
    return [text[end:start].rstrip() for (_, end), start in zip(ends, starts, strict=True)]


def shown_words(phrase: Phrase, timings: tuple[WordTiming, ...]) -> tuple[ShownWord, ...]:
    """The words of a phrase with everything the card shows of them."""
    shown: list[ShownWord] = []
    sentence = any(letter.isupper() for letter in phrase.animal_text)
    for index, (word, after) in enumerate(zip(phrase.words, _punctuation(phrase), strict=True)):
        texts = _joined_texts(word)
        if index == 0 and sentence:
            texts[0] = _capital(texts[0])
        spans = _syllable_spans(word, [timing for timing in timings if timing.word_index == index])
        syllables = tuple(
            ShownSyllable(
                text=typographic(text),
                stressed=syllable.stressed and len(texts) > 1,
                dotted=place < len(texts) - 1 and text[-1:].isalpha(),
                spans=tuple(span),
            )
            for place, (text, syllable, span) in enumerate(zip(texts, word.syllables, spans, strict=True))
        )
        shown.append(ShownWord(syllables, word.gloss, after))
    return tuple(shown)
