"""Reads the gloss that a language model gave a word: which words of the species' lexicon it stands for."""

import re
from dataclasses import dataclass
from functools import cache

from postcards_language.meaning.concepts import Kind, Number
from postcards_language.meaning.inventory import ALL

CRY = "INTJ"
"""Gloss of a cry that a model made up: it means a feeling and nothing else."""
SUFFIXED = ("PST", "PRF", "FUT", "VOC")
"""Tags that are said as an affix in every grammar."""
STYLED = ("PL", "INTENS", "EMPH", "IMP")
"""Tags that each grammar says in its own way, or by delivery alone."""
UNSAID = frozenset(
    ("the", "a", "an", "is", "are", "am", "was", "were", "be", "been", "being", "does", "do", "did", "of")
)
"""Words of English that no tongue here says."""
_POSSESSIVES = {"my": "I", "our": "we", "your": "you", "their": "they", "its": "it", "his": "it", "her": "it"}
_MEANS = {"very": "INTENS", "not": "NEG", "never": "NEG", "let": "HORT", "question": "Q", "us": "we", "me": "I"}
_TAGS = frozenset((*SUFFIXED, *STYLED))
_ALIASES = {"PLURAL": "PL", "PAST": "PST", "FUTURE": "FUT", "INT": "INTENS", "EMPHATIC": "EMPH", "IMPERATIVE": "IMP"}
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_LONGEST_PARTS = 3


@dataclass(frozen=True)
class Meaning:
    """What one word means."""

    roots: tuple[str, ...] = ()
    """Keys of the lexicon, in the order of the word; empty where it has no word for this."""
    tags: tuple[str, ...] = ()
    """Of `SUFFIXED` and `STYLED`, without repeats."""
    shown: str = ""
    """Gloss of the root where that is not its key, e.g. "my" of "I"."""
    free: str = ""
    """The meaning in English where the lexicon has no word for it, or `CRY`."""
    unsaid: bool = False
    """Whether it is a word that the tongue leaves out, such as an article."""


def read_gloss(gloss: str) -> Meaning:
    """The meaning of a word glossed `gloss`, e.g. "teeth", "stone+rain", "come-FUT", "INTJ"."""
    words = [word.strip("'") for word in _WORD.findall(gloss)]
    if gloss.strip() in _keys():
        return Meaning(roots=(gloss.strip(),))
    if gloss.strip().upper().startswith(CRY):
        return Meaning(free=CRY)
    if len(words) > 1 and words[0].lower() in UNSAID | {"to"}:
        words = words[1:]
    tags: list[str] = []
    roots: list[str] = []
    unknown: list[str] = []
    for word in _phrases(words):
        tag = _ALIASES.get(word, word)
        if tag in _TAGS and (roots or unknown):
            tags.append(tag)
        elif known := _lookup(word):
            roots.append(known[0])
            tags += known[1]
        elif word.lower() not in UNSAID:
            unknown.append(word.lower())
    if not roots and not unknown:
        return Meaning(unsaid=any(word.lower() in UNSAID for word in words))
    unique = tuple(dict.fromkeys(tags))
    if unknown:
        return Meaning(tags=unique, free=" ".join([*roots, *unknown] if roots else unknown))
    shown = words[0].lower() if len(roots) == 1 and words[0].lower() in _POSSESSIVES else ""
    return Meaning(roots=tuple(roots[:_LONGEST_PARTS]), tags=unique, shown=shown)


def _phrases(words: list[str]) -> list[str]:
    """The words, with those that are one meaning in English put together ("little one")."""
    merged: list[str] = []
    for word in words:
        if merged and f"{merged[-1]} {word}".lower() in _forms():
            merged[-1] = f"{merged[-1]} {word}"
        else:
            merged.append(word)
    return merged


def _lookup(word: str) -> tuple[str, tuple[str, ...]] | None:
    """Key and tags of a word of English, or of a tag that is a word of its own."""
    if word in _keys():
        return word, ()
    lower = word.lower()
    if lower in _POSSESSIVES:
        return _POSSESSIVES[lower], ()
    if lower in _MEANS:
        return _MEANS[lower], ()
    return _forms().get(lower)


@cache
def _keys() -> frozenset[str]:
    return frozenset(concept.key for concept in ALL)


@cache
def _forms() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Key and tags of every form that English gives a concept, in lower case; of two the first concept wins."""
    forms: dict[str, tuple[str, tuple[str, ...]]] = {}
    for concept in ALL:
        if concept.key[:1].isupper() and concept.kind is not Kind.PRONOUN:
            continue
        for place, form in enumerate(concept.forms):
            if form:
                forms.setdefault(form.lower(), (concept.key, _tags_of(concept.kind, concept.number, place)))
    for concept in ALL:
        if concept.kind is Kind.VERB:
            base = concept.forms[0]
            for ending in (f"{base}ing", f"{base.removesuffix('e')}ing", f"{base}{base[-1]}ing"):
                forms.setdefault(ending, (concept.key, ()))
    return forms


def _tags_of(kind: Kind, number: Number, place: int) -> tuple[str, ...]:
    """What the form at `place` says beside its concept."""
    if kind is Kind.NOUN and place == 1 and number is Number.COUNT:
        return ("PL",)
    if kind is Kind.VERB and place in (2, 3):
        return ("PST",)
    return ()
