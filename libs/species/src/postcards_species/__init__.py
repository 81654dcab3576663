"""One seed, one imagined species: pure values, standard library only.

The names below are what most callers need. They are looked up when first used: the tables of real animals behind
`derive_species` take a tenth of a second, which a service that only reads bodies or phrases should not wait for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postcards_species.body.plan import BodyPlan
    from postcards_species.place.scene import Scene
    from postcards_species.species import DEFAULT_STRANGENESS, Species, caption_of, derive_species
    from postcards_species.speech.phonology import Phonology
    from postcards_species.speech.phrase import Intent, Mood, Phrase
    from postcards_species.voice.derive import VocalTract

__all__ = [
    "DEFAULT_STRANGENESS",
    "BodyPlan",
    "Intent",
    "Mood",
    "Phonology",
    "Phrase",
    "Scene",
    "Species",
    "VocalTract",
    "caption_of",
    "derive_species",
]

_HOMES = {
    "BodyPlan": "body.plan",
    "Intent": "speech.phrase",
    "Mood": "speech.phrase",
    "Phonology": "speech.phonology",
    "Phrase": "speech.phrase",
    "Scene": "place.scene",
    "VocalTract": "voice.derive",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'species')}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
