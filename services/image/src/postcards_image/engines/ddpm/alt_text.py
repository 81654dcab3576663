"""The sentence for those who cannot see the picture."""

from collections.abc import Sequence

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature.finished import describe_drawing
from postcards_image.engines.ddpm.mixing import Share
from postcards_species.surroundings import Finish

_PRINTS = {
    Finish.CAMERA_TRAP: "a coarse photograph",
    Finish.FIELD_PLATE: "the plate of a field guide",
    Finish.RISOGRAPH: "a print in two inks",
}


def describe_sample(request: ImageRequest, shares: Sequence[Share], init_strength: float) -> str:
    """One sentence: the animal where its drawing shows through, what the model was told, and how it is printed."""
    subject = "an imagined animal"
    if init_strength < 1:
        subject = describe_drawing(request)
    painter = f"a small model{_acquaintance(shares)}"
    return (
        f"{subject[0].upper()}{subject[1:]}, as {painter} paints it, in coarse shapes; {_PRINTS[request.scene.finish]}."
    )


def _acquaintance(shares: Sequence[Share]) -> str:
    names = [f"the {share.name.replace('_', ' ')}" for share in shares]
    if not names:
        return ""
    return f" that thinks of {', '.join(names[:-1])} and {names[-1]}" if names[1:] else f" that thinks of {names[0]}"
