"""The note that a naturalist left about a species."""

from collections.abc import Sequence

from postcards_species.animals import ANIMALS
from postcards_species.body import BodyPlan
from postcards_species.parents import Parent
from postcards_species.world import Scene


def write_field_note(
    seed: int, name: str, parents: Sequence[Parent], temperament: Sequence[str], body_plan: BodyPlan, scene: Scene
) -> str:
    """Two or three sentences about the species of `seed`, at most 600 characters."""
    first = ANIMALS[parents[0].animal]
    return f"{name} is {temperament[0]} and {first.habits[0]}."
