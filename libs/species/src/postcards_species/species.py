"""One seed, one species."""

from dataclasses import dataclass, field

from postcards_species.ancestry.parents import Parent, choose_parents
from postcards_species.ancestry.temperament import choose_temperament
from postcards_species.body.derive import BodyPlan, derive_body
from postcards_species.field_note.note import write_field_note
from postcards_species.place.scene import Scene, derive_scene, describe_scene
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.naming import coin_binomial, coin_name
from postcards_species.speech.phonology import Phonology
from postcards_species.voice.derive import VocalTract, derive_voice

DEFAULT_STRANGENESS = 0.5


@dataclass(frozen=True)
class Species:
    """Everything that an animal's picture, call and language have in common."""

    seed: int = field(metadata={"ge": 0, "le": 2**64 - 1})
    """The seed it was derived from."""
    strangeness: float = field(metadata={"ge": 0, "le": 1})
    """How far it left its parents: 0 plausible, 1 unrecognisable."""
    name: str = field(metadata={"max_length": 64})
    """What it calls itself, in its own sounds."""
    binomial: str = field(metadata={"max_length": 64})
    """Its name for science."""
    field_note: str = field(metadata={"max_length": 600})
    """Two or three sentences of a naturalist."""
    parents: tuple[Parent, ...] = field(metadata={"min_length": 2, "max_length": 3})
    """The greatest share first."""
    temperament: tuple[str, ...] = field(metadata={"min_length": 1, "max_length": 3, "item_max_length": 32})
    """How it behaves: adjectives."""
    body_plan: BodyPlan
    """Its shape and skin."""
    vocal_tract: VocalTract
    """Its voice."""
    phonology: Phonology
    """Its sounds and words."""
    scene: Scene
    """Its home."""


def derive_species(seed: int, strangeness: float = DEFAULT_STRANGENESS, theme: str = "") -> Species:
    """Derives the species of `seed` (0 to 2**64 - 1).

    `strangeness` (0 to 1) bends the body and the voice, never the ancestry, the name or the language. `theme` chooses
    how the scene is seen, never the animal.

    Raises:
        ValueError: `seed` or `strangeness` is out of range.
    """
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be 0 to 2**64 - 1, not {seed}")
    if not 0 <= strangeness <= 1:
        raise ValueError(f"strangeness must be 0 to 1, not {strangeness}")
    parents = choose_parents(seed)
    body_plan = derive_body(seed, parents, strangeness)
    vocal_tract = derive_voice(seed, parents, strangeness)
    phonology = derive_phonology(seed, parents)
    temperament = choose_temperament(seed, parents)
    scene = derive_scene(seed, parents, theme)
    name = coin_name(phonology)
    return Species(
        seed=seed,
        strangeness=strangeness,
        name=name,
        binomial=coin_binomial(seed, parents),
        field_note=write_field_note(seed, name, parents, temperament, body_plan, phonology, scene.biome),
        parents=parents,
        temperament=temperament,
        body_plan=body_plan,
        vocal_tract=vocal_tract,
        phonology=phonology,
        scene=scene,
    )


def caption_of(species: Species) -> tuple[str, str]:
    """What a print says below the animal: its name for science, then what it calls itself and where it is."""
    return species.binomial, f"{species.name}, {describe_scene(species.scene)}"
