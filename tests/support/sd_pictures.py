"""What the tests of the Stable Diffusion engine ask for, and the pixels that come."""

from dataclasses import replace

import cv2
import numpy as np

from postcards_image.engine import ImageRequest
from postcards_image.engines.stable_diffusion.engine import StableDiffusionEngine
from postcards_serving.engine.work import Work
from postcards_species.species import derive_species

WORDS = {"prompt": "a striped thing in fog", "negative_prompt": "blur"}
SPECIES = derive_species(3)


def request(**changes: object) -> ImageRequest:
    whole = ImageRequest(SPECIES.body_plan, SPECIES.scene, seed=3, parents=SPECIES.parents)
    return replace(whole, **{"steps": 5, "init_strength": 1.0, **WORDS, **changes})


def pixels(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture[:, :, ::-1]


def picture(engine: StableDiffusionEngine, **changes: object) -> np.ndarray:
    return pixels(engine.generate(request(**changes), Work()).blobs[0].data).astype(int)
