"""Named sets of defaults, and the dial from faithful to unrecognisable. Standard library only.

What a request says itself always wins over what stands here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

AUTHORS_PROMPT: Final = (
    "A photograph of an imagined animal that belongs to an alien jungle. Taken from a real animal but heavily "
    "distorted until unrecognizable."
)
"""The prompt of the work that this project grew out of."""

DEFAULT_STEPS: Final = 50
"""Steps that the pipelines of these checkpoints take where nobody says."""
DEFAULT_GUIDANCE: Final = 7.5
"""Guidance that they take where nobody says."""
FEWEST_STEPS: Final = 8
"""Steps at the far end of the dial: enough for colours and masses, too few for an animal."""

_AUTHORS_STEPS = (20, 5)
"""Steps of the style `distorted` at the two ends of the dial; 10 in its middle."""
_DISTORTIONS = ("slightly distorted", "distorted", "heavily distorted", "heavily distorted until unrecognizable")


class Style(StrEnum):
    """A set of defaults."""

    OWN = ""
    """The pipeline's defaults, over the drawing of the species."""
    DISTORTED = "distorted"
    """The author's: his prompt, few steps, nothing but words. He took seeds 0 to 50; any other will do as well."""


@dataclass(frozen=True)
class Dial:
    """What `strangeness` means for a request that says nothing more."""

    steps: int
    guidance_scale: float
    init_strength: float
    """How far the drawing is left."""
    wording: str
    """How distorted the animal is, for a prompt that the engine writes itself."""


def turn_dial(style: Style, strangeness: float) -> Dial:
    """The defaults of `style` at `strangeness`, 0 to 1.

    In the engine's own style the middle, 0.5, holds the pipeline's defaults: 50 steps, guidance 7.5. Towards 1 the
    steps fall (geometrically, to 8), the guidance falls to 4.5 and the drawing is left ever further (0.6 at 0, 0.75 in
    the middle, 0.9 at 1): the fewer steps, the fewer details settle into an animal, and the less guidance, the less the
    words are insisted on. Towards 0 guidance (to 10.5) and drawing are held tighter; more steps would change nothing.

    `distorted` is text alone with guidance 7.5, in 20 to 5 steps.
    """
    wording = _DISTORTIONS[min(3, int(strangeness * 4))]
    if style is Style.DISTORTED:
        many, few = _AUTHORS_STEPS
        return Dial(round(many * (few / many) ** strangeness), DEFAULT_GUIDANCE, 1.0, _DISTORTIONS[3])
    beyond = max(0.0, 2 * strangeness - 1)
    return Dial(
        steps=round(DEFAULT_STEPS * (FEWEST_STEPS / DEFAULT_STEPS) ** beyond),
        guidance_scale=round(DEFAULT_GUIDANCE + 3 * (1 - 2 * strangeness), 6),
        init_strength=round(0.6 + 0.3 * strangeness, 6),
        wording=wording,
    )
