"""The voices of every animal of `animals.ANIMALS`, in one table."""

from postcards_species.voice.traits.invertebrates import INVERTEBRATES
from postcards_species.voice.traits.mammals import MAMMALS
from postcards_species.voice.traits.traits import VoiceTraits
from postcards_species.voice.traits.vertebrates import VERTEBRATES

VOICE_TRAITS: dict[str, VoiceTraits] = {**MAMMALS, **VERTEBRATES, **INVERTEBRATES}
"""Voices by the name of the animal."""
