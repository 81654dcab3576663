"""The looks of every animal of `animals.ANIMALS`, in one table."""

from postcards_species.body.traits.invertebrates import INVERTEBRATES
from postcards_species.body.traits.mammals import MAMMALS
from postcards_species.body.traits.traits import Traits
from postcards_species.body.traits.vertebrates import VERTEBRATES

BODY_TRAITS: dict[str, Traits] = {**MAMMALS, **VERTEBRATES, **INVERTEBRATES}
"""Traits by the name of the animal."""
