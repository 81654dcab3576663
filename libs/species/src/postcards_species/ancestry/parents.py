"""The ancestry of a species."""

from dataclasses import dataclass, field

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.streams import Stream


@dataclass(frozen=True)
class Parent:
    """A real animal in the ancestry of a species."""

    animal: str = field(metadata={"min_length": 1, "max_length": 64})
    """A key of `postcards_species.ancestry.animals.ANIMALS`."""
    weight: float = field(metadata={"ge": 0, "le": 1})
    """Its share; the shares of a species sum to 1."""


def choose_parents(seed: int) -> tuple[Parent, ...]:
    """Two or three different animals, the greatest share first."""
    stream = Stream(seed, "parents")
    names = stream.sample(tuple(ANIMALS), 3 if stream.chance(0.4) else 2)
    shares = sorted((stream.uniform(0.35, 1.0) for _ in names), reverse=True)
    total = sum(shares)
    return tuple(Parent(name, share / total) for name, share in zip(names, shares, strict=True))
