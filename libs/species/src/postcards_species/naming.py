"""What a species is called, by itself and by science."""

from collections.abc import Sequence

from postcards_species.animals import ANIMALS
from postcards_species.english import reads_as_english
from postcards_species.parents import Parent
from postcards_species.phonology import Phonology
from postcards_species.phonology_words import coin_word, write_syllables
from postcards_species.phrase import Syllable
from postcards_species.streams import Stream


def capitalised(text: str) -> str:
    """`text` with its first letter, after any click or breath mark, as a capital."""
    for i, character in enumerate(text):
        if character.isalpha():
            return text[:i] + character.upper() + text[i + 1 :]
    return text


def coin_name_syllables(phonology: Phonology) -> tuple[tuple[Syllable, ...], ...]:
    """The parts of what the animal calls itself: two to four syllables in one or two parts."""
    stream = Stream(phonology.lexicon_seed, "name")
    count = stream.weighted((2, 3, 4), (4, 5, 1))
    word = coin_word(phonology, stream, count, closed=True)
    if len(word) < 3 and stream.chance(0.4):
        return (word,)
    cut = stream.integer(1, len(word) - 1) if len(word) > 1 else 1
    parts = (word[:cut], word[cut:])
    joined = "-".join(write_syllables(part) for part in parts if part)
    return (word,) if reads_as_english(joined) else tuple(part for part in parts if part)


def coin_name(phonology: Phonology) -> str:
    """What the animal calls itself, e.g. "Grraukh-tok": no English word, at most 64 characters."""
    joint = phonology.joint or "-"
    return capitalised(joint.join(write_syllables(part) for part in coin_name_syllables(phonology)))


def coin_binomial(seed: int, parents: Sequence[Parent]) -> str:
    """A Latin-like name from the two strongest parents."""
    stream = Stream(seed, "binomial")
    genus = ANIMALS[parents[0].animal].head + ANIMALS[parents[1].animal].tail
    return f"{genus} {stream.choice(('murmurans', 'gutturalis', 'nocturnus'))}"
