"""Makes a phrase of the species from one that a language model proposed.

The model chooses what is meant, in which order, and how it is coloured; the species says it. A meaning that its lexicon
has is said with the word of the lexicon, however the model spelled it. Where the model drew the word out or said it
twice, so does the species. Cries, and words for meanings that the lexicon lacks, keep the sounds of the model as far as
the throat of the species can make them.
"""

import re
from dataclasses import dataclass, field, replace

from postcards_language.engines.openai.phrases.faults import MOST_TEXT, english_words
from postcards_language.engines.openai.phrases.glossing import CRY, STYLED, Meaning, read_gloss
from postcards_language.engines.openai.phrases.reply import Proposal, ProposedWord
from postcards_language.engines.openai.phrases.transcription import Transcriber
from postcards_language.realisation.grammar import ClauseRealiser, WordForm
from postcards_language.realisation.lexicon import Lexicon, Morpheme, join
from postcards_language.realisation.sentences import with_intonation, write_text
from postcards_species.speech.english import plain_letters, reads_as_english
from postcards_species.speech.naming import capitalised
from postcards_species.speech.phonology import Intensity, Plural
from postcards_species.speech.phrase import Intent, Mood, Phrase, Word
from postcards_species.speech.words import assemble, coin_word
from postcards_species.streams import Stream

_LONGEST_WORD = 128
_LONGEST_WORD_GLOSS = 64
_MOST_WORD_SYLLABLES = 16
_PIECES = re.compile(r"[-\u2010-\u2015~\s\u00b7]+")
_PAUSE = re.compile("[,;:.?\u2026\u2013\u2014]")
_FINAL_PUNCTUATION = re.compile("[,;:.?!\u2026\u2013\u2014]+$")
_FINAL_MARK = re.compile(r"[.!?\u2026]+$")


@dataclass
class Adjustments:
    """What became of the model's words, for the manifest."""

    replaced: dict[str, str] = field(default_factory=dict[str, str])
    """Letters that the species cannot say, and the phonemes they were said as."""
    respelled: int = 0
    """Words that the model spelled otherwise than the lexicon."""


class Phraser:
    """Makes phrases of one species for one request: a meaning that its lexicon lacks has one word in all of them."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Speaks with the words of `lexicon`."""
        self._lexicon = lexicon
        self._phonology = lexicon.phonology
        self._realiser = ClauseRealiser(lexicon)
        self._transcriber = Transcriber(lexicon.phonology)
        self._forms = {bare(self._text_of(key)) for key in lexicon}
        self.coined: dict[str, Word] = {}
        """Words for meanings that the lexicon lacks, by meaning."""
        self.adjustments = Adjustments()
        """What became of the model's words so far."""

    @property
    def pause(self) -> str:
        """What the species writes between the parts of a phrase."""
        return self._phonology.pause

    @property
    def own_words(self) -> frozenset[str]:
        """Every word of the lexicon, as it may stand in a text."""
        return frozenset(self._text_of(key).lower() for key in self._lexicon) | self._forms

    def phrase(self, proposal: Proposal, intent: Intent, mood: Mood) -> Phrase | None:
        """The phrase; None where nothing of it can be said, or it would be too long."""
        pauses = _pauses(proposal)
        groups: list[list[Word]] = [[]]
        for word, pause in zip(proposal.words, pauses, strict=True):
            if (said := self._word(word, mood)) is not None:
                groups[-1].append(said)
            if pause and groups[-1]:
                groups.append([])
        groups = [group for group in groups if group]
        words = [word for group in groups for word in group]
        gloss = sentence(proposal.english_gloss)
        asks = gloss.endswith("?")
        text = write_text(self._phonology, groups, mood, asks=asks)
        if not words or len(text) > MOST_TEXT or len(gloss) > MOST_TEXT:
            return None
        commands = intent is Intent.COMMAND or any(".IMP" in word.gloss for word in words)
        return Phrase(text, gloss, intent, mood, tuple(with_intonation(words, asks=asks, commands=commands)))

    def cry(self, growl: str, mood: Mood) -> Word | None:
        """A cry with the sounds of `growl`; None where there are none."""
        return self._heard(growl, CRY, mood, limit=2)

    def _word(self, word: ProposedWord, mood: Mood) -> Word | None:
        meaning = read_gloss(word.gloss)
        if meaning.unsaid:
            return None
        if meaning.roots:
            spoken = self._spoken(meaning)
            plain = self._realiser.written(spoken)
            coloured = self._coloured(spoken, plain.text, word.text)
            other = _within_limits(self._realiser.written(coloured)) if coloured else None
            return other if other is not None and other.text != plain.text else _within_limits(plain)
        if meaning.free == CRY:
            return self._heard(word.text, CRY, mood)
        gloss = _short_gloss(meaning, word.gloss)
        if gloss not in self.coined:
            coined = self._heard(word.text, gloss, mood) or self._coin(gloss)
            self.coined[gloss] = coined
        return self.coined[gloss]

    def _spoken(self, meaning: Meaning) -> WordForm:
        """The word of the lexicon for a meaning, marked as the grammar of the species marks it."""
        first, *others = meaning.roots
        spoken = self._realiser.word(first, meaning.shown)
        for key in others:
            part = self._realiser.word(key)
            spoken = WordForm((*spoken.morphemes, *part.morphemes), (*spoken.signs, "+", *part.signs))
        for tag in meaning.tags:
            spoken = self._styled(spoken, tag) if tag in STYLED else spoken.after(self._realiser.affix(tag))
        return spoken

    def _styled(self, spoken: WordForm, tag: str) -> WordForm:
        grammar = self._phonology.grammar
        match tag, grammar.plural, grammar.intensity:
            case "PL", Plural.PREFIX, _:
                return spoken.before(self._realiser.affix(tag))
            case "PL", Plural.REDUPLICATION, _:
                return self._realiser.twice(spoken, tag)
            case "PL", _, _:
                return spoken.after(self._realiser.affix(tag))
            case "INTENS", _, Intensity.LENGTHENING:
                return self._realiser.drawn_out(spoken, tag)
            case "INTENS", _, _:
                return self._realiser.twice(spoken, tag)
            case "IMP", _, _:
                return self._realiser.commanded(spoken)
            case _:
                return self._realiser.drawn_out(spoken, tag)

    def _coloured(self, spoken: WordForm, own: str, text: str) -> WordForm | None:
        """The word drawn out or said twice where the model did so with it; None where it did neither."""
        if english_words(text) and bare(text) not in self._forms:
            return None
        heard, known = bare(text), bare(own)
        if heard == known:
            return None
        if _short(heard) == _short(known * 2):
            return self._realiser.twice(spoken, "INTENS")
        if _short(heard) == _short(known) and len(heard) > len(known):
            return self._realiser.drawn_out(spoken, "EMPH")
        self.adjustments.respelled += 1
        return None

    def _heard(self, text: str, gloss: str, mood: Mood, limit: int = 3) -> Word | None:
        """A word with the sounds of `text`; None where it has none, is English or means something else already."""
        if english_words(text):
            return self._lexical_cry(gloss, mood)
        pieces: list[Morpheme] = []
        for piece in [piece for piece in _PIECES.split(self._without_marks(text)) if piece][:limit]:
            heard = self._transcriber.transcribe(piece)
            if heard.syllables:
                self.adjustments.replaced.update(heard.replaced)
                stream = Stream(self._phonology.lexicon_seed, f"heard/{piece.lower()}")
                pieces.append(Morpheme(gloss, assemble(self._phonology, stream, heard.syllables)))
        if not pieces:
            return self._lexical_cry(gloss, mood)
        written, syllables = join(self._phonology, tuple(pieces))
        if reads_as_english(written) or (gloss != CRY and bare(written) in self._forms):
            return self._lexical_cry(gloss, mood)
        return _within_limits(Word(written, gloss, syllables)) or self._lexical_cry(gloss, mood)

    def _without_marks(self, text: str) -> str:
        """The text without the mark at its end, unless that is a click of the species."""
        clicks = any(entry.rest.endswith("!") for entry in self._phonology.spellings)
        return text.rstrip('.,;:?\u2026"\u201d' if clicks else '.,;:?!\u2026"\u201d')

    def _lexical_cry(self, gloss: str, mood: Mood) -> Word | None:
        return self._realiser.written(self._realiser.word(f"INTJ.{mood.value}")) if gloss == CRY else None

    def _coin(self, gloss: str) -> Word:
        """A word that the species would coin itself; the same one whenever it is asked for this meaning."""
        stream = Stream(self._phonology.lexicon_seed, f"word/{gloss}")
        text, syllables = join(self._phonology, (Morpheme(gloss, coin_word(self._phonology, stream, 2)),))
        return Word(text, gloss, syllables)

    def _text_of(self, key: str) -> str:
        return "".join(morpheme.text for morpheme in self._lexicon[key])


def with_cry(phrase: Phrase, cry: Word, pause: str) -> Phrase | None:
    """The phrase with a cry before it; None where it would be too long."""
    text = f"{cry.text}{pause}{phrase.animal_text}"
    if phrase.animal_text[:1].isupper():
        text = capitalised(f"{cry.text}{pause}{phrase.animal_text[0].lower()}{phrase.animal_text[1:]}")
    if len(text) > MOST_TEXT or len(phrase.words) >= 24:
        return None
    return replace(phrase, animal_text=text, words=(cry, *phrase.words))


def sentence(gloss: str) -> str:
    """The gloss with a capital and one final mark."""
    text = gloss.strip().strip('"\u201c\u201d')
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if _FINAL_MARK.search(text) else f"{text}."


def bare(text: str) -> str:
    """The letters of `text` alone, in lower case."""
    return "".join(letter for letter in text.lower() if letter.isalpha())


def _short(text: str) -> str:
    """`text` with every letter that is repeated written once."""
    return re.sub(r"(.)\1+", r"\1", plain_letters(text))


def _pauses(proposal: Proposal) -> list[bool]:
    """Whether the model paused after each word, as the punctuation of its text tells."""
    texts = [_FINAL_PUNCTUATION.sub("", word.text) or word.text for word in proposal.words]
    ends: list[tuple[int, int]] = []
    place = 0
    for text in texts:
        found = proposal.animal_text.lower().find(text.lower(), place)
        if found < 0:
            return [bool(_PAUSE.search(word.text[-3:])) for word in proposal.words]
        place = found + len(text)
        ends.append((found, place))
    starts = [start for start, _ in ends[1:]] + [len(proposal.animal_text)]
    return [bool(_PAUSE.search(proposal.animal_text[end:start])) for (_, end), start in zip(ends, starts, strict=True)]


def _short_gloss(meaning: Meaning, gloss: str) -> str:
    """The gloss of a word that the lexicon lacks: its meaning with its tags."""
    text = "-".join([meaning.free or gloss.strip().lower() or "?", *meaning.tags])
    return text[:_LONGEST_WORD_GLOSS]


def _within_limits(word: Word | None) -> Word | None:
    if word is None or len(word.text) > _LONGEST_WORD or len(word.syllables) > _MOST_WORD_SYLLABLES:
        return None
    return word if len(word.gloss) <= _LONGEST_WORD_GLOSS else None
