"""The concepts of jungle life: what every tongue has a word for, and how English says it."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a concept does in a clause."""

    NOUN = "noun"
    PRONOUN = "pronoun"
    VERB = "verb"
    QUALITY = "quality"
    RELATION = "relation"
    CONJUNCTION = "conjunction"
    MARKER = "marker"
    CRY = "cry"


class Number(Enum):
    """How English counts a noun."""

    COUNT = "count"
    MASS = "mass"
    PLURAL_ONLY = "plural-only"


@dataclass(frozen=True)
class Concept:
    """One meaning that every lexicon has a word for."""

    key: str
    """Its name, used in glosses: an English word in lower case, or a tag in capitals."""
    kind: Kind
    """What it does in a clause."""
    forms: tuple[str, ...]
    """English. Noun: singular, plural. Pronoun: subject, object, possessive. Verb: base, third person, past,
    participle. Others: one form."""
    number: Number = Number.COUNT
    """How English counts it, where it is a noun."""
    parts: tuple[str, ...] = ()
    """Keys of the concepts its word is put together from; empty for a root."""
    sound: str = ""
    """A key of `SOUND_PREFERENCES` in `postcards_language.realisation.sound_symbolism`: what it wants to sound like."""
    particle: str = ""
    """A word that English adds to the verb, e.g. "for" in "wait for"."""


_PLURALS = {
    "tooth": "teeth",
    "foot": "feet",
    "leaf": "leaves",
    "thief": "thieves",
    "moss": "moss",
    "fish": "fish",
    "ash": "ashes",
    "branch": "branches",
    "berry": "berries",
    "belly": "bellies",
    "memory": "memories",
    "enemy": "enemies",
    "body": "bodies",
    "echo": "echoes",
}

_PAST: dict[str, tuple[str, str]] = {
    "come": ("came", "come"),
    "go": ("went", "gone"),
    "run": ("ran", "run"),
    "flee": ("fled", "fled"),
    "hide": ("hid", "hidden"),
    "sleep": ("slept", "slept"),
    "wake": ("woke", "woken"),
    "rise": ("rose", "risen"),
    "fall": ("fell", "fallen"),
    "sing": ("sang", "sung"),
    "grow": ("grew", "grown"),
    "swim": ("swam", "swum"),
    "fly": ("flew", "flown"),
    "shine": ("shone", "shone"),
    "bleed": ("bled", "bled"),
    "eat": ("ate", "eaten"),
    "drink": ("drank", "drunk"),
    "see": ("saw", "seen"),
    "hear": ("heard", "heard"),
    "feel": ("felt", "felt"),
    "know": ("knew", "known"),
    "forget": ("forgot", "forgotten"),
    "bite": ("bit", "bitten"),
    "take": ("took", "taken"),
    "give": ("gave", "given"),
    "find": ("found", "found"),
    "lose": ("lost", "lost"),
    "hold": ("held", "held"),
    "break": ("broke", "broken"),
    "leave": ("left", "left"),
    "catch": ("caught", "caught"),
    "teach": ("taught", "taught"),
    "keep": ("kept", "kept"),
    "steal": ("stole", "stolen"),
    "bring": ("brought", "brought"),
    "have": ("had", "had"),
    "make": ("made", "made"),
    "tell": ("told", "told"),
    "shake": ("shook", "shaken"),
    "sink": ("sank", "sunk"),
    "say": ("said", "said"),
    "lie": ("lay", "lain"),
    "stop": ("stopped", "stopped"),
    "dig": ("dug", "dug"),
}

_THIRD = {"have": "has", "go": "goes", "do": "does"}


def plural(noun: str) -> str:
    """The plural of an English noun."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")


def verb_forms(verb: str) -> tuple[str, str, str, str]:
    """Base, third person, past and participle of an English verb."""
    ends_in_consonant_y = verb.endswith("y") and verb[-2] not in "aeiou"
    if verb in _THIRD:
        third = _THIRD[verb]
    elif ends_in_consonant_y:
        third = verb[:-1] + "ies"
    else:
        third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
    if verb in _PAST:
        past, participle = _PAST[verb]
    else:
        past = verb[:-1] + "ied" if ends_in_consonant_y else verb + ("d" if verb.endswith("e") else "ed")
        participle = past
    return verb, third, past, participle


def noun(key: str, sound: str = "", *, parts: str = "", english: str = "", number: Number = Number.COUNT) -> Concept:
    """A noun. `english` is its singular where that is not the key; `parts` are keys separated by spaces."""
    singular = english or key
    if number is Number.PLURAL_ONLY:
        forms = (singular, singular)
    else:
        words = singular.split(" ")
        forms = (singular, " ".join([*words[:-1], plural(words[-1])]))
    return Concept(key, Kind.NOUN, forms, number, tuple(parts.split()), sound)


def verb(key: str, sound: str = "", *, parts: str = "", particle: str = "") -> Concept:
    """A verb. `particle` is what English adds after it."""
    return Concept(key, Kind.VERB, verb_forms(key), parts=tuple(parts.split()), sound=sound, particle=particle)


def quality(key: str, sound: str = "", *, parts: str = "") -> Concept:
    """A quality, which is an adjective in English; `parts` are the keys of its roots, separated by spaces."""
    return Concept(key, Kind.QUALITY, (key,), parts=tuple(parts.split()), sound=sound)
