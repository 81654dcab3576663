"""What an engine of this service is: it makes phrases."""

from dataclasses import dataclass, field
from typing import Protocol

from postcards_serving.engine.protocol import Engine
from postcards_serving.engine.work import Provenance
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Intent, Mood, Phrase

REQUESTS_TO_AN_API = 16
"""Requests that an engine works on at once which does nothing but wait for an API."""


@dataclass(frozen=True)
class PhrasesRequest:
    """Which species is to say how many phrases, and what about."""

    phonology: Phonology
    """The sounds of the species and its grammar."""
    species_name: str = field(metadata={"max_length": 64})
    """Name of the species."""
    seed: int = field(default=0, metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of every random choice."""
    count: int = field(default=1, metadata={"ge": 1, "le": 64})
    """How many phrases."""
    intent: Intent | None = None
    """What they do; None leaves it to the engine."""
    mood: Mood | None = None
    """How they feel; None leaves it to the engine."""
    theme: str = field(default="", metadata={"max_length": 200})
    """What the jungle is about."""
    prompt: str = field(default="", metadata={"max_length": 4000})
    """What a language model is told; engines that compute ignore it."""
    temperature: float | None = field(default=None, metadata={"ge": 0, "le": 2})
    """Sampling temperature of a language model; None for the engine's own."""
    top_p: float | None = field(default=None, metadata={"gt": 0, "le": 1})
    """Nucleus sampling share of a language model; None for the engine's own."""

    def settings(self) -> dict[str, object]:
        """What it asks of every engine, by name; see `postcards_serving.engine.work.json_settings`."""
        return {
            "seed": self.seed,
            "count": self.count,
            "intent": self.intent.value if self.intent else None,
            "mood": self.mood.value if self.mood else None,
            "theme": self.theme,
            "species_name": self.species_name,
            "lexicon_seed": self.phonology.lexicon_seed,
        }


@dataclass(frozen=True)
class PhrasesResult:
    """The phrases of one request, and how they were made."""

    phrases: tuple[Phrase, ...]
    """In order, `count` of them, all different."""
    provenance: Provenance
    """How they were made."""


class LanguageEngine(Engine[PhrasesRequest, PhrasesResult], Protocol):
    """Makes phrases, and reports each as a `postcards_serving.engine.work.Item` when it is finished."""
