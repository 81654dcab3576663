"""What the model is told where the request says nothing, and the sentence for those who cannot see the picture."""

from collections.abc import Sequence

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature.finished import describe_drawing
from postcards_image.engines.stable_diffusion.styles import AUTHORS_PROMPT, Style
from postcards_species.ancestry.parents import Parent
from postcards_species.place.scene import describe_scene
from postcards_species.surroundings import Finish

_LONGEST_QUOTE = 400
_FINISHES = {
    Finish.CAMERA_TRAP: "Camera trap photograph, hard flash, grain.",
    Finish.FIELD_PLATE: "Plate of an old field guide, ink line and watercolour wash.",
    Finish.RISOGRAPH: "Risograph print in two inks, coarse halftone.",
}


def write_prompt(request: ImageRequest, style: Style, distortion: str) -> str:
    """The prompt of a request without one.

    Args:
        request: whose species is to be seen.
        style: whose words; the author's prompt knows no species.
        distortion: how far the animal is from a real one, e.g. "heavily distorted".
    """
    if style is Style.DISTORTED:
        return AUTHORS_PROMPT
    return (
        f"A photograph of an imagined animal {describe_scene(request.scene)}. "
        f"Taken from {_ancestry(request.parents)}, but {distortion}. {_FINISHES[request.scene.finish]}"
    )


def describe_picture(request: ImageRequest, model: str, prompt: str, init_strength: float) -> str:
    """One sentence on a picture that nobody has looked at: what it was made from, not what it shows."""
    told = f"as {model} paints it, told: “{_quoted(prompt)}”"
    if init_strength >= 1:
        return f"An imagined animal {told}. What the picture shows has not been described."
    return f"{describe_drawing(request)}, {told}. The animal may have changed on the way."


def _ancestry(parents: Sequence[Parent]) -> str:
    names = [f"{'an' if parent.animal[0].lower() in 'aeiou' else 'a'} {parent.animal}" for parent in parents]
    if not names:
        return "a real animal"
    return f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else names[0]


def _quoted(prompt: str) -> str:
    return prompt if len(prompt) <= _LONGEST_QUOTE else f"{prompt[: _LONGEST_QUOTE - 1].rstrip()}…"
