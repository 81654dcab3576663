"""Finds what is wrong with a proposed phrase, in words that the model is told."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from postcards_language.engines.openai.phrases.reply import Proposal
from postcards_species.speech.english import reads_as_english

MOST_WORDS = 12
"""Words of a phrase that is taken; `Phrase` would hold 24."""
MOST_TEXT = 512
"""Characters of the texts of a phrase."""
_MOST_NAMED = 5
_SHORTEST_ENGLISH = 3
_SHORTEST_PART = 4
_SHORTEST_BEGINNING = 5
_LONGEST_LISTED = 10
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_LETTERS = re.compile(r"[^\W\d_]+(?:['!-][^\W\d_]+)*")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a phrase."""

    words: str
    """For the model, read after "phrase 2: "."""
    kind: str
    """In short, for the manifest, e.g. "English words"."""
    mendable: bool
    """Whether the phrase stands once its words are taken from the lexicon of the species."""


def faults_of(proposal: Proposal, own_words: Collection[str]) -> list[Fault]:
    """What is wrong with a phrase; none where it can be taken as it is. `own_words` are never taken for English."""
    faults: list[Fault] = []
    missing = [name for name in ("animal_text", "english_gloss", "words") if not getattr(proposal, name)]
    if missing:
        faults.append(Fault(f"{', '.join(missing)} is missing or empty", "a broken schema", mendable=False))
    elif any(not word.gloss for word in proposal.words):
        faults.append(Fault("a word has no gloss", "a broken schema", mendable=False))
    if not missing and not reads_like_a_sentence(proposal.english_gloss):
        faults.append(Fault("english_gloss is not an English sentence", "no translation", mendable=False))
    if len(proposal.words) > MOST_WORDS:
        faults.append(Fault(f"it has more than {MOST_WORDS} words", "too many words", mendable=False))
    if max(len(proposal.animal_text), len(proposal.english_gloss)) > MOST_TEXT:
        faults.append(Fault(f"a text has more than {MOST_TEXT} characters", "too long a text", mendable=False))
    said = " ".join([proposal.animal_text, *(word.text for word in proposal.words)])
    if english := english_words(said, own_words):
        named = ", ".join(f'"{word}"' for word in english[:_MOST_NAMED])
        many = sum(len(word) for word in english) > len(proposal.animal_text) / 2
        kind = "an explanation" if many and len(english) > 2 else "English words"
        faults.append(Fault(f"{named} is English; the animal only makes its own sounds", kind, mendable=True))
    return faults


def english_words(text: str, own_words: Collection[str] = ()) -> list[str]:
    """The words of `text` that a reader takes for English, without repeats; very short ones may be any tongue's."""
    words = dict.fromkeys(_DRAWN_OUT.sub(r"\1\1", word) for word in _LETTERS.findall(text.lower()))
    return [
        word
        for word in words
        if sum(letter.isalpha() for letter in word) >= _SHORTEST_ENGLISH
        and word not in own_words
        and (reads_as_english(word) or _is_put_together(word))
    ]


def _is_put_together(word: str) -> bool:
    """Whether `word` is two English words, or longer than those that are listed and begins with one."""
    if any(reads_as_english(word[:cut]) and reads_as_english(word[cut:]) for cut in _cuts(word, _SHORTEST_PART)):
        return True
    return len(word) > _LONGEST_LISTED and any(reads_as_english(word[:cut]) for cut in _cuts(word, _SHORTEST_BEGINNING))


def _cuts(word: str, least: int) -> range:
    """Where `word` can be cut so that both parts have at least `least` letters."""
    return range(least, len(word) - least + 1) if word.isalpha() else range(0)


def reads_like_a_sentence(gloss: str) -> bool:
    """Whether `gloss` has English in it: at least a third of its words."""
    words = re.findall("[A-Za-z']+", gloss)
    known = sum(reads_as_english(word) for word in words)
    return bool(words) and 3 * known >= len(words)
