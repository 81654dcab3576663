"""Whether a phonology that came over the wire can be spoken."""

from postcards_serving.errors import InvalidField
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.words import is_vowel

_SHORTEST_ENGLISH = 4
_FEWEST_SYLLABLES = 12


def check_phonology(phonology: Phonology) -> None:
    """Raises InvalidField where it names no phoneme, spells in English or can build too few syllables."""
    groups = {
        "onsets": phonology.onsets,
        "nuclei": phonology.nuclei,
        "codas": phonology.codas,
        "clusters": tuple(symbol for pair in phonology.clusters for symbol in pair.split(".")),
        "spellings": tuple(entry.symbol for entry in phonology.spellings),
    }
    for group, symbols in groups.items():
        for symbol in symbols:
            if symbol not in INVENTORY:
                raise InvalidField(f"phonology.{group}", f"holds {symbol!r}, which is no phoneme of the inventory")
    for i, entry in enumerate(phonology.spellings):
        for written in (entry.onset, entry.rest):
            if len(written) >= _SHORTEST_ENGLISH and reads_as_english(written):
                raise InvalidField(f"phonology.spellings[{i}]", f"spells {entry.symbol!r} as the word {written!r}")

    built = _count_syllables(phonology)
    if built < _FEWEST_SYLLABLES:
        raise InvalidField("phonology", f"can build {built} different syllables, and needs {_FEWEST_SYLLABLES}")


def _count_syllables(phonology: Phonology) -> int:
    """How many different syllables with a vowel the phonology can build at least."""
    vowels = sum(is_vowel(symbol) for symbol in set(phonology.nuclei))
    onsets = len(set(phonology.onsets) - set(phonology.nuclei))
    codas = len(set(phonology.codas) - set(phonology.nuclei))
    begun = max((onsets if shape.startswith("C") else 1) for shape in phonology.shapes)
    ended = max((max(1, codas) if shape.endswith("C") else 1) for shape in phonology.shapes)
    return vowels * max(begun, ended)
