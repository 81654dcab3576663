"""What a species is called, by itself and by science."""

from collections.abc import Sequence

from postcards_species.animals import ANIMALS
from postcards_species.parents import Parent
from postcards_species.phonemes import INVENTORY
from postcards_species.phonology import Phonology
from postcards_species.streams import Stream


def coin_name(phonology: Phonology) -> str:
    """What the animal calls itself: two to four syllables of its own sounds."""
    stream = Stream(phonology.lexicon_seed, "name")
    syllables: list[str] = []
    for _ in range(stream.integer(2, 3)):
        symbols = (stream.choice(phonology.onsets), stream.choice(phonology.nuclei), stream.choice(phonology.codas))
        syllables.append("".join(INVENTORY[symbol].spelling for symbol in symbols))
    return "-".join(syllables).capitalize()


def coin_binomial(seed: int, parents: Sequence[Parent]) -> str:
    """A Latin-like name from the two strongest parents."""
    stream = Stream(seed, "binomial")
    genus = ANIMALS[parents[0].animal].head + ANIMALS[parents[1].animal].tail
    return f"{genus} {stream.choice(('murmurans', 'gutturalis', 'nocturnus'))}"
