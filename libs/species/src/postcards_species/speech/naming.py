"""What a species is called, by itself and by science."""

import re
from collections.abc import Sequence

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.speech.english import plain_letters, reads_as_english
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.words import coin_word, write_syllables
from postcards_species.streams import Stream

_TRIES = 12
_LONGEST_NAME = 16
_ONE_SOUND = re.compile(r"([bcdfgkqrst])(?:h|\1)+")
_CROWD = re.compile(r"[bcdfghjklmnpqrstvwxz]{4}|-[^aeiouy]*$")

_FEMININE_TAILS = (
    "perca",
    "ptera",
    "felis",
    "aeschna",
    "gazella",
    "chelys",
    "ibis",
    "glama",
    "ephemera",
    "okapia",
    "columba",
)

_EPITHETS = (
    "murmurans",
    "susurrans",
    "vigilans",
    "lacrimans",
    "ridens",
    "cogitans",
    "dormiens",
    "gutturalis",
    "palustris",
    "silvestris",
    "litoralis",
    "crepuscularis",
    "vocalis",
    "mirabilis",
    "amabilis",
    "improbabilis",
    "inexplicabilis",
    "loquax",
    "audax",
    "mendax",
    "fallax",
    "vorax",
    "ferox",
    "sagax",
    "minax",
    "cavernicola",
    "umbraticola",
    "silvicola",
    "tristis",
    "dulcis",
    "velox",
    "insomnis",
    "immemor",
    "dissimilis",
)
"""Epithets that are the same in both genders."""

_GENDERED_EPITHETS = (
    "nocturn",
    "solitari",
    "melancholic",
    "obscur",
    "garrul",
    "rauc",
    "ignot",
    "incert",
    "dubi",
    "modest",
    "somnolent",
    "iracund",
    "clandestin",
    "peregrin",
    "profund",
    "taciturn",
    "superb",
    "absurd",
    "paradox",
    "stridul",
    "sonor",
    "fabulos",
    "lunatic",
    "umbros",
    "noctivag",
    "vagabund",
    "pudibund",
)
"""Stems that take -us or -a after the gender of the genus."""


def capitalised(text: str) -> str:
    """`text` with its first letter, after any click or breath mark, as a capital."""
    for i, character in enumerate(text):
        if character.isalpha():
            return text[:i] + character.upper() + text[i + 1 :]
    return text


def coin_name(phonology: Phonology) -> str:
    """What the animal calls itself, e.g. "Grraukh-tok": two to four syllables, and no English word."""
    stream = Stream(phonology.lexicon_seed, "name")
    fair: list[str] = []
    for _ in range(_TRIES):
        name = _coin(phonology, stream)
        if not reads_as_english(name):
            if _is_handsome(name):
                return name
            fair.append(name)
    return min(fair, key=_plainness, default=capitalised(write_syllables(coin_word(phonology, stream, 3))))


def _plainness(name: str) -> tuple[int, int]:
    """Marks of clicks, then other marks."""
    return name.count("!"), sum(not character.isalpha() for character in name)


def _coin(phonology: Phonology, stream: Stream) -> str:
    count = stream.weighted((2, 3, 4), (5, 5, 1))
    word = coin_word(phonology, stream, count, closed=True)
    whole = len(word) < 3 and stream.chance(0.4)
    cut = 0 if whole or len(word) < 2 else stream.integer(1, len(word) - 1)
    parts = (word[:cut], word[cut:])
    return capitalised((phonology.joint or "-").join(write_syllables(part) for part in parts if part))


def _is_handsome(name: str) -> bool:
    """Whether the name can stand in a sentence: it begins and ends in letters, and is not crowded with marks."""
    marks = sum(not character.isalpha() for character in name)
    if "!" in name or marks > 1 or len(name) > _LONGEST_NAME:
        return False
    if not (name[0].isalpha() and name[1].isalpha() and name[-1].isalpha()):
        return False
    return not _CROWD.search(_ONE_SOUND.sub(r"\1", plain_letters(name)))


def coin_binomial(seed: int, parents: Sequence[Parent]) -> str:
    """A Latin-like name: a genus from the two strongest parents, and an epithet that agrees with it."""
    stream = Stream(seed, "binomial")
    head, tail = ANIMALS[parents[0].animal].head, ANIMALS[parents[1].animal].tail
    if head[-1] in "aeiouy" and tail[0] in "aeiouy":
        head = head[:-1]
    ending = "a" if tail in _FEMININE_TAILS else "us"
    if stream.chance(0.5):
        return f"{head}{tail} {stream.choice(_EPITHETS)}"
    return f"{head}{tail} {stream.choice(_GENDERED_EPITHETS)}{ending}"
