"""The sounds of a species and how its words are built from them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Phonology:
    """The sound system and grammar of one species. Its lexicon follows from it and `lexicon_seed`."""

    onsets: tuple[str, ...] = field(metadata={"min_length": 1, "max_length": 24, "item_max_length": 8})
    """Consonants that may begin a syllable, the commonest first."""
    nuclei: tuple[str, ...] = field(metadata={"min_length": 1, "max_length": 12, "item_max_length": 8})
    """Sounds that may carry a syllable, the commonest first."""
    codas: tuple[str, ...] = field(metadata={"max_length": 24, "item_max_length": 8})
    """Consonants that may end a syllable, the commonest first."""
    lexicon_seed: int = field(metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of every word's form."""
