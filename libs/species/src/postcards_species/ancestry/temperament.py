"""How a species behaves."""

from collections.abc import Sequence

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.streams import Stream


def choose_temperament(seed: int, parents: Sequence[Parent]) -> tuple[str, ...]:
    """One adjective from each of the two strongest parents, the strongest first."""
    stream = Stream(seed, "temperament")
    chosen = [stream.choice(ANIMALS[parent.animal].temperament) for parent in parents[:2]]
    return tuple(dict.fromkeys(chosen))
