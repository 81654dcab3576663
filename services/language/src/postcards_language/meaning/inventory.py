"""Every concept that a tongue has a word for."""

from postcards_language.meaning.concepts import Concept, Kind
from postcards_language.meaning.function_words import SMALL_WORDS
from postcards_language.meaning.nouns import NOUNS
from postcards_language.meaning.verbs import QUALITIES, VERBS

ALL = (*SMALL_WORDS, *NOUNS, *VERBS, *QUALITIES)
"""Every concept. Append to the groups only: words are made in this order, and a later one gives way to an earlier."""


def concept_id(concept: Concept) -> str:
    """A name of `concept` that is unique: its key and its kind, since a noun and a verb may share a key."""
    return f"{concept.key}/{concept.kind.value}"


BY_ID: dict[str, Concept] = {concept_id(concept): concept for concept in ALL}
"""Every concept by its id."""


def find(key: str, *kinds: Kind) -> Concept:
    """The concept `key` of the first of `kinds` that has one.

    Raises:
        KeyError: there is none.
    """
    for kind in kinds or tuple(Kind):
        concept = BY_ID.get(f"{key}/{kind.value}")
        if concept is not None:
            return concept
    raise KeyError(f"no concept {key!r} among {[kind.value for kind in kinds]}")
