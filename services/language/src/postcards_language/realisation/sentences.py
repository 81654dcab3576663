"""Realises a sentence as a phrase: words in the grammar of the species, coloured by the mood and written down."""

from dataclasses import replace

from postcards_language.meaning.clauses import Sentence
from postcards_language.meaning.english import say_sentence
from postcards_language.realisation.grammar import ClauseRealiser, WordForm
from postcards_language.realisation.lexicon import Lexicon
from postcards_species.speech.naming import capitalised
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word
from postcards_species.streams import Stream

MOST_WORDS = 9
LEAST_WORDS = 2
_LONGEST_TEXT = 512
_LONGEST_GLOSS = 64
_CRY_SHARES: dict[Mood, float] = {
    Mood.CALM: 0.1,
    Mood.JOYFUL: 0.4,
    Mood.FEARFUL: 0.45,
    Mood.ANGRY: 0.4,
    Mood.SORROWFUL: 0.35,
    Mood.LONGING: 0.3,
    Mood.CURIOUS: 0.25,
    Mood.SOLEMN: 0.1,
}
"""How often each mood breaks out in a cry before the words."""
_DRAWN_OUT = {Mood.SORROWFUL: 0.6, Mood.LONGING: 0.6, Mood.SOLEMN: 0.25, Mood.CALM: 0.2}
"""How often each mood draws out the last word."""
_TWICE = {Mood.JOYFUL: 0.3, Mood.ANGRY: 0.25, Mood.FEARFUL: 0.35, Mood.CURIOUS: 0.1}
"""How often each mood says the cry twice."""
_LOUD = (Mood.JOYFUL, Mood.ANGRY, Mood.FEARFUL)
_TRAILING = (Mood.SORROWFUL, Mood.LONGING)
_QUESTION_RISE = 4.0
_EMPHASIS_RISE = 2.0


def realise_sentence(lexicon: Lexicon, sentence: Sentence, intent: Intent, mood: Mood, stream: Stream) -> Phrase | None:
    """The phrase, or None where it would be too long or too short."""
    realiser = ClauseRealiser(lexicon)
    groups: list[list[WordForm]] = []
    for i, clause in enumerate(sentence.clauses):
        link = sentence.links[i - 1] if i else ";"
        words = realiser.clause(clause)
        groups.append(words if link == ";" else [realiser.word(link), *words])
    if stream.chance(_DRAWN_OUT.get(mood, 0.0)) and groups[-1][-1].morphemes[-1].gloss.islower():
        groups[-1][-1] = realiser.drawn_out(groups[-1][-1], "EMPH")
    if stream.chance(_CRY_SHARES[mood]):
        cry = realiser.word(f"INTJ.{mood.value}")
        if stream.chance(_TWICE.get(mood, 0.0)):
            cry = WordForm((*cry.morphemes, *cry.morphemes), (*cry.signs, "~", *cry.signs))
        groups.insert(0, [cry])
    written = [[realiser.written(word) for word in group] for group in groups]
    words = [word for group in written for word in group]
    text = write_text(lexicon.phonology, written, mood, asks=sentence.asks)
    if not LEAST_WORDS <= len(words) <= MOST_WORDS or len(text) > _LONGEST_TEXT or _overfull(words):
        return None
    loud = sentence.commands and mood in _LOUD
    return Phrase(
        animal_text=text,
        english_gloss=say_sentence(sentence, exclaim=loud),
        intent=intent,
        mood=mood,
        words=tuple(with_intonation(words, asks=sentence.asks, commands=sentence.commands)),
    )


def _overfull(words: list[Word]) -> bool:
    return any(len(word.gloss) > _LONGEST_GLOSS or len(word.syllables) > 16 or len(word.text) > 128 for word in words)


def write_text(phonology: Phonology, groups: list[list[Word]], mood: Mood, *, asks: bool) -> str:
    """The phrase as written: its words, a pause between two groups, and the mark of the mood at the end."""
    text = phonology.pause.join(" ".join(word.text for word in group) for group in groups)
    if asks:
        mark = "?"
    elif mood in _LOUD:
        mark = "!"
    elif mood in _TRAILING:
        mark = "\u2026"
    else:
        mark = "." if phonology.capitals else ""
    if mark == "!" and text.endswith("!"):
        mark = ""
    return (capitalised(text) if phonology.capitals else text) + mark


def with_intonation(words: list[Word], *, asks: bool, commands: bool) -> list[Word]:
    """The words with the pitch of questions and commands on their last and first syllables."""
    pitched = list(words)
    if asks:
        last = pitched[-1]
        pitched[-1] = replace(last, syllables=(*last.syllables[:-1], _raised(last.syllables[-1], _QUESTION_RISE)))
    elif commands:
        first = pitched[0]
        pitched[0] = replace(first, syllables=(_raised(first.syllables[0], _EMPHASIS_RISE), *first.syllables[1:]))
    return pitched


def _raised(syllable: Syllable, semitones: float) -> Syllable:
    return replace(syllable, tone=max(-12.0, min(12.0, syllable.tone + semitones)))
