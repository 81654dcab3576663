"""What the model is told where the request has no words, and the sentence for those who cannot see the picture.

The words begin with those of the work that this project grew out of: an imagined animal, taken from real ones, more or
less distorted, in an alien place. The rest says what the drawing shows, in concrete nouns, so that the model's picture
is of the same animal. Pure: whether a text is short enough says who has the tokenizer.
"""

import colorsys
from collections.abc import Callable, Sequence

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature.finished import describe_drawing
from postcards_image.engines.stable_diffusion.styles import AUTHORS_PROMPT, Style
from postcards_serving.models.prompt import Clause, compose_prompt
from postcards_species.ancestry.parents import Parent
from postcards_species.body.describe import describe_build, describe_cover, describe_features, describe_marks
from postcards_species.body.kinds import PatternKind
from postcards_species.body.plan import BodyPlan, Colour
from postcards_species.place.scene import Scene, describe_scene
from postcards_species.surroundings import Biome, Finish, TimeOfDay

_LONGEST_QUOTE = 400
_MOST_FEATURES = 4

_MEDIA = {
    Finish.CAMERA_TRAP: "Camera trap photograph",
    Finish.FIELD_PLATE: "Old field guide illustration",
    Finish.RISOGRAPH: "Two-colour risograph print",
}
_FINISHES = {
    Finish.CAMERA_TRAP: "hard flash, film grain",
    Finish.FIELD_PLATE: "ink line, watercolour wash",
    Finish.RISOGRAPH: "coarse halftone, misaligned inks",
}
_SURROUNDINGS = {
    Biome.JUNGLE: "tall trunks, lianas and ferns",
    Biome.SWAMP: "reeds and dark pools",
    Biome.DESERT: "mesas, dunes and cacti",
    Biome.SAVANNA: "flat-topped trees and tall grass",
    Biome.TUNDRA: "conifers, snow and ice",
    Biome.COAST: "sea stacks and wet sand",
    Biome.REEF: "corals, kelp and sunbeams",
    Biome.ABYSS: "sea lilies and jellyfish in lamplight",
    Biome.CAVE: "stalactites and glowing crystals",
    Biome.FUNGAL_FOREST: "mushrooms as tall as trees",
    Biome.MOUNTAIN: "snowy peaks and alpine flowers",
    Biome.VOLCANIC: "smoking volcano, basalt and lava",
}
_LIGHTS = {
    TimeOfDay.DAWN: "pale blue light",
    TimeOfDay.DAY: "clear daylight",
    TimeOfDay.DUSK: "low orange light",
    TimeOfDay.NIGHT: "moonlight",
}
_SUNLESS = (Biome.ABYSS, Biome.CAVE)

_GREYS = ((0.15, "black"), (0.42, "dark grey"), (0.72, "grey"), (0.88, "pale grey"), (1.0, "white"))
"""By lightness up to which a colour without a hue is called so."""
_HUES = (
    (15, "red"),
    (42, "orange"),
    (68, "yellow"),
    (95, "lime"),
    (165, "green"),
    (195, "teal"),
    (255, "blue"),
    (290, "violet"),
    (335, "pink"),
    (360, "red"),
)
"""By degrees of hue up to which a colour is called so."""
_BROWN = range(15, 50)
"""Degrees of hue at which a colour that is not bright is brown."""
_OWN_NAMES = {"pale red": "pink", "pale orange": "beige", "pale yellow": "cream", "dark yellow": "olive"}


def write_prompt(request: ImageRequest, style: Style, distortion: str, reads_at_once: Callable[[str], bool]) -> str:
    """The prompt of a request without one. At most 2000 characters.

    What matters least is left out until the model reads the rest at once: temperament, finish, light and plants, then
    the features of the body from the last, then the place and the cover. The animal, how far it is distorted, and the
    theme, which is somebody's own words, always stay.

    Args:
        request: whose species is to be seen.
        style: whose words; the author's prompt knows no species.
        distortion: how far the animal is from a real one, e.g. "heavily distorted".
        reads_at_once: whether the text encoder reads a text in one piece.
    """
    if style is Style.DISTORTED:
        return AUTHORS_PROMPT
    return compose_prompt(_clauses(request, distortion), ", ", reads_at_once)


def describe_picture(request: ImageRequest, model: str, prompt: str, init_strength: float) -> str:
    """One sentence on a picture that nobody has looked at: what it was made from, not what it shows."""
    told = f"as {model} paints it, told: “{_quoted(prompt)}”"
    if init_strength >= 1:
        return f"An imagined animal {told}. What the picture shows has not been described."
    return f"{describe_drawing(request)}, {told}. The animal may have changed on the way."


def _clauses(request: ImageRequest, distortion: str) -> list[Clause]:
    plan, scene = request.body_plan, request.scene
    features = tuple(dict.fromkeys(describe_features(plan)))[:_MOST_FEATURES]
    return [
        Clause(f"{_MEDIA[scene.finish]} of an imagined animal", 0),
        Clause(f"a hybrid of {_ancestry(request.parents)}", 0),
        Clause(distortion, 0),
        Clause(request.theme.strip(), 0),
        Clause(_cover(plan), 1),
        Clause(_build(plan), 3),
        *(Clause(feature, 3) for feature in features),
        Clause(f"{plan.pose.value.replace('-', ' ')} {describe_scene(scene)}", 2),
        Clause(f"alien {_SURROUNDINGS[scene.biome]}", 4),
        Clause(_light(scene), 5),
        Clause(_FINISHES[scene.finish], 6),
        Clause(" and ".join(request.temperament), 7),
    ]


def _cover(plan: BodyPlan) -> str:
    marks = "" if plan.pattern.kind is PatternKind.PLAIN else f" {describe_marks(plan)}"
    return f"{colour_name(plan.palette.base)}{marks} {describe_cover(plan)}"


def _build(plan: BodyPlan) -> str:
    """What it has, never what it has not: a model that is told of legs paints legs."""
    shown = [adjective for adjective in describe_build(plan) if adjective != "legless"]
    return f"{' '.join(shown)} body" if shown else ""


def _light(scene: Scene) -> str:
    return "" if scene.biome in _SUNLESS else _LIGHTS[scene.time_of_day]


def _ancestry(parents: Sequence[Parent]) -> str:
    names = [parent.animal for parent in parents] or ["real animals"]
    return f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else names[0]


def colour_name(colour: Colour) -> str:
    """What people call a colour, e.g. "dark green"."""
    hue, lightness, saturation = colorsys.rgb_to_hls(colour.red, colour.green, colour.blue)
    if saturation < 0.12 or not 0.06 < lightness < 0.94:
        return next(name for most, name in _GREYS if lightness <= most)
    degrees = hue * 360
    if int(degrees) in _BROWN and lightness < 0.72 and (lightness < 0.4 or saturation < 0.5):
        return "dark brown" if lightness < 0.2 else "brown"
    shade = "dark " if lightness < 0.3 else "pale " if lightness > 0.72 else ""
    name = shade + next(name for most, name in _HUES if degrees <= most)
    return _OWN_NAMES.get(name, name)


def _quoted(prompt: str) -> str:
    return prompt if len(prompt) <= _LONGEST_QUOTE else f"{prompt[: _LONGEST_QUOTE - 1].rstrip()}…"
