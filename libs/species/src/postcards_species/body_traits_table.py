"""The looks of every animal of `animals.ANIMALS`, in one table."""

from postcards_species.body_traits import Traits
from postcards_species.body_traits_invertebrates import INVERTEBRATES
from postcards_species.body_traits_mammals import MAMMALS
from postcards_species.body_traits_vertebrates import VERTEBRATES

BODY_TRAITS: dict[str, Traits] = {**MAMMALS, **VERTEBRATES, **INVERTEBRATES}
"""Traits by the name of the animal."""
