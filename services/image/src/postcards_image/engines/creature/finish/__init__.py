"""How a picture is finished: photographed, painted or printed."""

import numpy as np

from postcards_image.engines.creature.finish.camera_trap import photograph_painting, print_photograph
from postcards_image.engines.creature.finish.field_plate import paint_plate, print_plate
from postcards_image.engines.creature.finish.risograph import press_painting, print_risograph
from postcards_image.engines.creature.layers import Animal, FloatImage, Scenery
from postcards_species.place.scene import Scene, describe_scene
from postcards_species.surroundings import Finish

__all__ = ["finish_painting", "finish_picture"]


def finish_picture(scene: Scene, scenery: Scenery, animal: Animal, caption: tuple[str, ...]) -> np.ndarray:
    """The finished picture, (h, w, 3) uint8 sRGB, in the finish of `scene`.

    `caption` is up to two lines: what the animal is called, then what else the print should say; without it the print
    says where the animal lives. Photographs carry the camera's own strip. The same arguments give the same picture.
    """
    caption = _lines(scene, caption)
    if scene.finish is Finish.FIELD_PLATE:
        return print_plate(scene, scenery, animal, caption)
    if scene.finish is Finish.RISOGRAPH:
        return print_risograph(scene, scenery, animal, caption)
    return print_photograph(scene, scenery, animal)


def finish_painting(
    scene: Scene, painting: FloatImage, width: int, height: int, caption: tuple[str, ...]
) -> np.ndarray:
    """A picture without layers as a print, (height, width, 3) uint8 sRGB, in the finish of `scene`.

    `painting` is square, (n, n, 3) encoded sRGB in 0 to 1; it is scaled until it fills the picture and cut where the
    picture is not square. `caption` as in `finish_picture`.
    """
    if scene.finish is Finish.FIELD_PLATE:
        return paint_plate(scene, painting, width, height, _lines(scene, caption))
    if scene.finish is Finish.RISOGRAPH:
        return press_painting(scene, painting, width, height, _lines(scene, caption))
    return photograph_painting(scene, painting, width, height)


def _lines(scene: Scene, caption: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for line in caption if line.strip()) or (_sentence(describe_scene(scene)),)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
