"""What the animal, its scenery and the finish hand to each other.

All images are float32 arrays of shape (height, width[, channels]) in linear light with sRGB primaries; 1.0 is the
brightest that a finish shows without compressing highlights. View space is right-handed: x to the right, y up, z
towards the viewer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """The light that falls on the animal and on the scenery alike."""

    direction: FloatImage
    """(3,) unit vector in view space from the animal towards the key light."""
    colour: FloatImage
    """(3,) radiance of the key light: a white surface that faces it shows this colour."""
    sky: FloatImage
    """(3,) ambient light from above."""
    ground: FloatImage
    """(3,) ambient light from below."""
    rim: FloatImage
    """(3,) light from behind that catches the edges."""


@dataclass(frozen=True)
class Scenery:
    """The habitat around the animal."""

    backdrop: FloatImage
    """(h, w, 3) everything behind the animal, the ground included."""
    foreground: FloatImage
    """(h, w, 4) plants and particles in front, colour premultiplied by alpha."""
    ground_y: float
    """Where the feet stand, as a share of the height: 0 the top, 1 the bottom."""
    light: Light
    """The light of the hour and the weather."""
    haze: FloatImage
    """(3,) colour of the air (or water) between viewer and animal."""
    haze_amount: float
    """How much of it there is, 0 to 1."""
    submerged: bool
    """Whether the place is under water."""
    scale: float
    """Share of the picture that the animal should fill, 0 to 1."""


@dataclass(frozen=True)
class Animal:
    """The drawn animal, not yet in its habitat."""

    colour: FloatImage
    """(h, w, 3) lit radiance, not premultiplied."""
    alpha: FloatImage
    """(h, w) coverage, 0 to 1."""
    shadow: FloatImage
    """(h, w) how much light its shadow leaves on what is behind it: 1 none taken, 0 black."""
    albedo: FloatImage
    """(h, w, 3) colour of its skin without light."""
    depth: FloatImage
    """(h, w) distance towards the viewer in units of its size, greater is nearer; -inf where it is not."""
    normal: FloatImage
    """(h, w, 3) unit normals in view space; 0 where it is not."""
    ink: FloatImage
    """(h, w) strength of contour and inner lines, 0 to 1, for finishes that draw lines."""


@dataclass(frozen=True)
class Picture:
    """Everything a finish needs."""

    animal: Animal
    scenery: Scenery
