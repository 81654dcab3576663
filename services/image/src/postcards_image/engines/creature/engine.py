"""The engine: stage after stage, with a look at each."""

import cv2
import numpy as np
import scipy

from postcards_image.engine import IMAGE_NAME, ImageRequest, ImageResult
from postcards_image.engines.creature.finished import describe_finished, draw_finished
from postcards_image.engines.creature.rendering import previews
from postcards_serving.engine.work import Blob, Preview, Progress, Provenance, Work, json_settings
from postcards_serving.errors import EngineFailed

DEFAULT_SIZE = 1024
"""Width and height in pixels where the request names none."""

STAGES = ("skeleton", "body", "skin", "light", "print")
"""What is reported, in order."""

# Noise does not compress: the quickest filter costs a third of the default's time and nothing in size.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)


class CreatureEngine:
    """Computes a picture from the body plan alone. Any number of threads may draw at once; each uses one core."""

    name = "creature"
    version = "1.0.0"
    stages = STAGES
    requests_at_once = None

    def __init__(self) -> None:
        """Keeps OpenCV on the calling thread: one picture, one core."""
        cv2.setNumThreads(1)

    def generate(self, request: ImageRequest, work: Work) -> ImageResult:
        """Draws `request.body_plan` in `request.scene`.

        Raises:
            Cancelled: the caller has gone.
            DeadlineExceeded: the time is over.
            EngineFailed: the picture could not be encoded.
        """
        width, height = request.width or DEFAULT_SIZE, request.height or DEFAULT_SIZE
        watcher = _Watcher(work, request.previews)
        picture = draw_finished(request, width, height, watcher)
        return ImageResult(
            blobs=(Blob(IMAGE_NAME, "image/png", _png(picture)),),
            width=width,
            height=height,
            alt_text=describe_finished(request),
            provenance=self._provenance(request, width, height),
        )

    def close(self) -> None:
        """Nothing to let go of."""

    def _provenance(self, request: ImageRequest, width: int, height: int) -> Provenance:
        return Provenance(
            engine=self.name,
            engine_version=self.version,
            device="cpu",
            settings=json_settings(seed=request.seed, width=width, height=height, finish=request.scene.finish.value),
            libraries={
                "numpy": np.__version__,
                "opencv-python-headless": cv2.__version__,
                "scipy": scipy.__version__,
            },
        )


class _Watcher:
    """Tells the caller which stage has begun and what it looks like; stops between stages where asked to."""

    def __init__(self, work: Work, previews_wanted: bool) -> None:
        self._work = work
        self._previews_wanted = previews_wanted
        self._step = -1

    def begin(self, stage: str) -> None:
        self._work.check()
        self._step += 1
        self._work.report(Progress(stage, self._step, len(STAGES), self._step / len(STAGES)))

    def check(self) -> None:
        self._work.check()

    def show(self, look: previews.Look) -> None:
        if self._previews_wanted:
            self._work.report(Preview(STAGES[self._step], "image/webp", previews.to_webp(look())))


def _png(picture: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    encoded, data = cv2.imencode(".png", picture[:, :, ::-1], _PNG)
    if not encoded:
        raise EngineFailed("the picture could not be encoded as PNG")
    return data.tobytes()
