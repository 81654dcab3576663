"""The drawing with its finish: what `creature` delivers, and what stands in for a picture that may not be shown."""

import numpy as np
from numpy.typing import NDArray

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature.finish import finish_picture
from postcards_image.engines.creature.pipeline import Watcher, draw_in_place
from postcards_image.engines.creature.rendering import previews
from postcards_image.engines.creature.rendering.painter import Canvas
from postcards_species.body.describe import describe_body
from postcards_species.place.scene import describe_scene
from postcards_species.surroundings import Finish

Bytes = NDArray[np.uint8]

_PRINTS = {
    Finish.CAMERA_TRAP: "a camera trap's photograph",
    Finish.FIELD_PLATE: "the plate of a field guide",
    Finish.RISOGRAPH: "a print in two inks",
}


def draw_finished(request: ImageRequest, width: int, height: int, watcher: Watcher) -> Bytes:
    """The animal of `request` in its habitat and finish, sRGB [height, width, 3]; 64 to 2048 pixels each way.

    Reports the stages of `draw_in_place`, then "print". The same arguments give the same picture.

    Raises:
        ServiceError: what `watcher` raises to stop it.
    """
    drawn = draw_in_place(request.body_plan, request.scene, request.seed, width, height, watcher)
    watcher.begin("print")
    picture = finish_picture(request.scene, drawn.scenery, drawn.animal, request.caption).astype(np.uint8, copy=False)
    watcher.show(lambda: previews.show_print(picture, Canvas(width, height)))
    return picture


def describe_drawing(request: ImageRequest) -> str:
    """One phrase on the drawing, with or without finish: it is computed, so that it shows what it says."""
    pose = request.body_plan.pose.value.replace("-", " ")
    phrase = f"{describe_body(request.body_plan)}, {pose} {describe_scene(request.scene)}"
    return f"{phrase[0].upper()}{phrase[1:]}"


def describe_finished(request: ImageRequest) -> str:
    """One sentence on what `draw_finished` draws."""
    return f"{describe_drawing(request)}; {_PRINTS[request.scene.finish]}."
