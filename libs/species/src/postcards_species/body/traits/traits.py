"""What each of the real animals looks like, as traits that can be mixed."""

from dataclasses import dataclass

from postcards_species.body.kinds import Pose, Symmetry
from postcards_species.body.plan import (
    Colour,
    Covering,
    Ears,
    Eyes,
    Head,
    Limb,
    Neck,
    Ornament,
    Palette,
    Pattern,
    Shell,
    Spine,
    Tail,
)


@dataclass(frozen=True)
class Traits:
    """The looks of one real animal."""

    spine: Spine
    """Its trunk."""
    neck: Neck
    """What carries its head."""
    head: Head
    """Its skull and mouth."""
    eyes: Eyes
    """Its eyes."""
    ears: Ears
    """Its ears."""
    limbs: tuple[Limb, ...]
    """Its pairs of limbs, front to rear."""
    tail: Tail
    """Its tail."""
    shell: Shell
    """Its armour."""
    ornaments: tuple[Ornament, ...]
    """What else grows on it."""
    covering: Covering
    """What covers its skin."""
    pattern: Pattern
    """The marks on its skin."""
    palette: Palette
    """Its colours."""
    poses: tuple[Pose, ...]
    """What it is usually seen doing, the most usual first."""
    signature: tuple[str, ...]
    """The traits by which it is recognised, the strongest first: names of fields."""
    symmetry: Symmetry = Symmetry.BILATERAL
    """How its body repeats."""


def colour(code: str) -> Colour:
    """The colour of a code of six hexadecimal digits."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return Colour(red, green, blue)


def palette(codes: str) -> Palette:
    """A palette from seven colour codes: base, belly, mark, accent, hard, shell, iris."""
    return Palette(*(colour(code) for code in codes.split()))
