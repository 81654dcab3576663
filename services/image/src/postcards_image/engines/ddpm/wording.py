"""The sentence for those who cannot see the picture."""

from collections.abc import Sequence

from postcards_image.engine import ImageRequest
from postcards_image.engines.ddpm.mixing import Share
from postcards_species.body import describe_body
from postcards_species.surroundings import Finish
from postcards_species.world import describe_scene

_PRINTS = {
    Finish.CAMERA_TRAP: "a coarse photograph",
    Finish.FIELD_PLATE: "the plate of a field guide",
    Finish.RISOGRAPH: "a print in two inks",
}


def describe_sample(request: ImageRequest, shares: Sequence[Share], init_strength: float) -> str:
    """One sentence: what the model was told, where the drawing shows through, and how it is printed."""
    crossing = _crossing(shares)
    where = f" {describe_scene(request.scene)}" if init_strength < 1 else ""
    body = describe_body(request.body_plan)
    shape = f", shaped like {body}" if init_strength < 1 else ""
    text = f"an imagined animal{crossing}{shape},{where} as a small trained model sees it"
    return f"{text[0].upper()}{text[1:]}; {_PRINTS[request.scene.finish]}."


def _crossing(shares: Sequence[Share]) -> str:
    names = [share.name.replace("_", " ") for share in shares]
    if len(names) > 1:
        return f" between {', '.join(names[:-1])} and {names[-1]}"
    return f" of the kind of {names[0]}" if names else ""
