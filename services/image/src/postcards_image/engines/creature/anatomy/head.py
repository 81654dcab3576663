"""What every head is made of."""

from dataclasses import dataclass, field

from postcards_image.engines.creature.geometry.flesh import Bone
from postcards_image.engines.creature.geometry.mesh import Mesh
from postcards_image.engines.creature.geometry.space import Floats


@dataclass(frozen=True)
class Face:
    """What the painter needs to draw a face, in skulls: (ahead, up, side) in the skull's frame."""

    mouth: tuple[float, float, float, float, float] | None = None
    """Ahead and up of the corner, ahead and up of the front, and how far the line sags between."""
    nose: tuple[float, float, float] | None = None
    """Ahead, up and radius of the bare skin of the nose."""
    nostril: tuple[float, float, float, float] | None = None
    """Ahead, up, side and radius of a nostril."""


@dataclass
class Skull:
    """What the parts of a head add to as they grow: bones to be fleshed out, meshes that stay as they are, the face."""

    bones: list[Bone] = field(default_factory=list[Bone])
    meshes: list[Mesh] = field(default_factory=list[Mesh])
    face: Face = field(default_factory=Face)


def head_bone(
    start: Floats, end: Floats, r0: float, r1: float, blend: float, up: Floats, flatness: float = 1.0, shag: float = 0.5
) -> Bone:
    """Flesh of the head; its hair is short."""
    return Bone(start, end, r0, r1, blend, up, float(flatness), (1.25, 1.6), (0.0, 0.0), 1.0, shag)
