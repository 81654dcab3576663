"""Derives the phonology of a species from its parents."""

from collections.abc import Sequence

from postcards_species.parents import Parent
from postcards_species.phonemes import INVENTORY, Manner
from postcards_species.phonology import Phonology
from postcards_species.streams import Stream


def derive_phonology(seed: int, parents: Sequence[Parent]) -> Phonology:
    """The phonology of the species of `seed`, whose `parents` are the greatest share first."""
    stream = Stream(seed, "phonology")
    vowels = [p.symbol for p in INVENTORY.values() if p.manner is Manner.VOWEL]
    consonants = [p.symbol for p in INVENTORY.values() if p.manner is not Manner.VOWEL]
    return Phonology(
        onsets=tuple(stream.sample(consonants, 12)),
        nuclei=tuple(stream.sample(vowels, 4)),
        codas=tuple(stream.sample(consonants, 6)),
        lexicon_seed=stream.seed(),
    )
