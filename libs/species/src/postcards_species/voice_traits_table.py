"""The voices of every animal of `animals.ANIMALS`, in one table."""

from postcards_species.voice_traits import VoiceTraits
from postcards_species.voice_traits_invertebrates import INVERTEBRATES
from postcards_species.voice_traits_mammals import MAMMALS
from postcards_species.voice_traits_vertebrates import VERTEBRATES

VOICE_TRAITS: dict[str, VoiceTraits] = {**MAMMALS, **VERTEBRATES, **INVERTEBRATES}
"""Voices by the name of the animal."""
