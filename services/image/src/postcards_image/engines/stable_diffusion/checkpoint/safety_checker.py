"""The checkpoint's own safety checker: a verdict on a picture, nothing else."""

from typing import Any, Final

import torch
from PIL import Image

from postcards_image.engine import SafetyVerdict
from postcards_image.engines.stable_diffusion.checkpoint.autoencoder import Bytes


class SafetyChecker:
    """Says whether a picture may be shown."""

    def __init__(self, checker: Any, extractor: Any, device: torch.device, dtype: torch.dtype) -> None:  # noqa: ANN401 - transformers has no types here
        """Takes a StableDiffusionSafetyChecker on `device` in `dtype`, and the image processor that prepares for it."""
        self._checker: Final = checker
        self._extractor: Final = extractor
        self._device: Final = device
        self._dtype: Final = dtype

    def judge(self, picture: Bytes) -> SafetyVerdict:
        """The verdict on an sRGB picture [height, width, 3]."""
        with torch.inference_mode():
            seen = self._extractor(Image.fromarray(picture), return_tensors="pt").pixel_values
            # The checker blackens what it is handed as pictures: it gets one that nobody needs.
            _, offences = self._checker(
                clip_input=seen.to(self._device, self._dtype), images=torch.zeros(1, 3, 1, 1, device=self._device)
            )
        return SafetyVerdict.WITHHELD if offences[0] else SafetyVerdict.PASSED
