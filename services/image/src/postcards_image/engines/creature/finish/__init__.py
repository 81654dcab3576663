"""How a picture is finished: photographed, painted or printed."""

import numpy as np

from postcards_image.engines.creature.finish.camera_trap import print_photograph
from postcards_image.engines.creature.finish.field_plate import print_plate
from postcards_image.engines.creature.finish.risograph import print_risograph
from postcards_image.engines.creature.layers import Animal, Scenery
from postcards_species.surroundings import Finish
from postcards_species.world import Scene, describe_scene

__all__ = ["finish_picture"]


def finish_picture(scene: Scene, scenery: Scenery, animal: Animal, caption: tuple[str, ...]) -> np.ndarray:
    """The finished picture, (h, w, 3) uint8 sRGB, in the finish of `scene`.

    `caption` is up to two lines: what the animal is called, then what else the print should say; without it the print
    says where the animal lives. Photographs carry the camera's own strip. The same arguments give the same picture.
    """
    caption = tuple(line for line in caption if line.strip()) or (_sentence(describe_scene(scene)),)
    if scene.finish is Finish.FIELD_PLATE:
        return print_plate(scene, scenery, animal, caption)
    if scene.finish is Finish.RISOGRAPH:
        return print_risograph(scene, scenery, animal, caption)
    return print_photograph(scene, scenery, animal)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
