"""How a picture is finished: photographed, painted or printed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from postcards_image.engines.creature.finish.camera_trap import photograph_painting, print_photograph
from postcards_image.engines.creature.finish.field_plate import paint_plate, print_plate
from postcards_image.engines.creature.finish.risograph import press_painting, print_risograph
from postcards_image.engines.creature.layers import Animal, FloatImage, Scenery
from postcards_species.place.scene import Scene, describe_scene
from postcards_species.surroundings import Finish

__all__ = ["FINISHES", "Press", "finish_painting", "finish_picture"]


@dataclass(frozen=True)
class Press:
    """How one finish is made, of the layers of a drawing and of a painting without layers; both give uint8 sRGB."""

    of_layers: Callable[[Scene, Scenery, Animal, Sequence[str]], np.ndarray]
    """Of a scene, its scenery, the animal and the lines of the caption."""
    of_painting: Callable[[Scene, FloatImage, int, int, Sequence[str]], np.ndarray]
    """Of a scene, a square painting, the width and height wanted, and the lines of the caption."""


FINISHES = {
    # Photographs carry the camera's own strip in place of a caption.
    Finish.CAMERA_TRAP: Press(
        lambda scene, scenery, animal, _: print_photograph(scene, scenery, animal),
        lambda scene, painting, width, height, _: photograph_painting(scene, painting, width, height),
    ),
    Finish.FIELD_PLATE: Press(print_plate, paint_plate),
    Finish.RISOGRAPH: Press(print_risograph, press_painting),
}
"""Every finish there is."""


def finish_picture(scene: Scene, scenery: Scenery, animal: Animal, caption: tuple[str, ...]) -> np.ndarray:
    """The finished picture, (h, w, 3) uint8 sRGB, in the finish of `scene`.

    `caption` is up to two lines: what the animal is called, then what else the print should say; without it the print
    says where the animal lives. Photographs carry the camera's own strip. The same arguments give the same picture.
    """
    return FINISHES[scene.finish].of_layers(scene, scenery, animal, _lines(scene, caption))


def finish_painting(
    scene: Scene, painting: FloatImage, width: int, height: int, caption: tuple[str, ...]
) -> np.ndarray:
    """A picture without layers as a print, (height, width, 3) uint8 sRGB, in the finish of `scene`.

    `painting` is square, (n, n, 3) encoded sRGB in 0 to 1; it is scaled until it fills the picture and cut where the
    picture is not square. `caption` as in `finish_picture`.
    """
    return FINISHES[scene.finish].of_painting(scene, painting, width, height, _lines(scene, caption))


def _lines(scene: Scene, caption: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for line in caption if line.strip()) or (_sentence(describe_scene(scene)),)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
