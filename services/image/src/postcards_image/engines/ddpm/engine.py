"""The engine: bones, steps from noise to a small picture, print."""

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2
import numpy as np

from postcards_image.engine import IMAGE_NAME, ImageRequest, ImageResult
from postcards_image.engines.creature.finish import finish_painting
from postcards_image.engines.ddpm import mixing, previews
from postcards_image.engines.ddpm.alt_text import describe_sample
from postcards_image.engines.ddpm.denoiser import Array, Denoiser, LoadedNetwork
from postcards_image.engines.ddpm.enlarging import enlarge
from postcards_image.engines.ddpm.initial_image import Bytes, draw_initial_image, to_model_units, to_picture
from postcards_image.engines.ddpm.sampling import (
    Row,
    RowStepper,
    Sampler,
    begin_row,
    noise_levels,
    starting_noise,
)
from postcards_serving.batching.capacity import USUAL_ROWS
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.work import Blob, Preview, Progress, Provenance, Work
from postcards_serving.errors import EngineFailed, InvalidField
from postcards_serving.models.provenance import provenance_of

RAW_NAME = "raw.png"
"""Name of the blob with the untouched sample, at the model's own resolution."""

DEFAULT_SIZE = 1024
"""Width and height in pixels where the request names none."""
DEFAULT_STEPS = 20
"""Steps from pure noise."""
DEFAULT_GUIDANCE = 3.0
"""How strongly the classes are insisted on."""
DEFAULT_INIT_STRENGTH = 0.35
"""How far the drawing is left: the animal stays where it stood and is painted anew. A model that has been trained for
long can take 0.5 to 0.8; a young one loses the animal there."""

STAGES = ("bones", "denoise", "print")
"""What is reported, in order."""

_PREVIEW_EVERY = 3
"""Least steps between two looks at a picture that grows."""
_PACE = 0.1
"""Least seconds between two reports of steps: often enough to watch, seldom enough not to be felt by the steps."""


@dataclass(frozen=True)
class Plan:
    """A request with everything decided that it left to the engine."""

    sampler: Sampler
    steps: int
    """From pure noise."""
    guidance: float
    init_strength: float
    shares: tuple[mixing.Share, ...]
    width: int
    height: int


class DdpmEngine:
    """Draws with a trained network. Any number of threads may call; their pictures share the steps."""

    name = "ddpm"
    version = "1.0.0"
    stages = STAGES

    def __init__(self, network: LoadedNetwork, *, batch_rows: int = 0) -> None:
        """Serves `network`.

        Args:
            network: draws.
            batch_rows: pictures that its calls hold at most (twice as many samples with guidance); 0: `USUAL_ROWS`.
        """
        self.requests_at_once: Final = batch_rows or USUAL_ROWS
        cv2.setNumThreads(1)
        self._network: Final[LoadedNetwork] = network
        self._denoiser: Final = Denoiser(network)
        self._batch: Final = InFlightBatch[Row](
            RowStepper(self._denoiser), max_rows=self.requests_at_once, engine=self.name
        )

    def generate(self, request: ImageRequest, work: Work) -> ImageResult:
        """Draws `request.parents` mixed into one animal, over the bones of `request.body_plan` in `request.scene`.

        Raises:
            InvalidField: `sampler` is not one of ours.
            Cancelled: the caller has gone.
            DeadlineExceeded: the time is over.
            EngineFailed: the network answered with something that is no picture.
        """
        plan = self._plan(request)
        progress = _ProgressReporter(work, request.previews, plan)
        row = self._first_row(request, plan, progress)
        sample = self._denoise(row, progress)
        progress.printing()
        raw = to_picture(sample, self._denoiser.limit)
        painting = enlarge(raw, max(plan.width, plan.height))
        work.check()
        picture = finish_painting(request.scene, painting, plan.width, plan.height, request.caption)
        progress.show("print", lambda: previews.of_print(picture))
        return ImageResult(
            blobs=(Blob(IMAGE_NAME, "image/png", _png(picture, 1)), Blob(RAW_NAME, "image/png", _png(raw, 9))),
            width=plan.width,
            height=plan.height,
            alt_text=describe_sample(request, plan.shares, plan.init_strength),
            provenance=self._provenance(request, plan),
        )

    def close(self) -> None:
        """Ends the engine thread and lets go of the weights."""
        self._batch.close()
        self._network.close()

    def _plan(self, request: ImageRequest) -> Plan:
        if request.sampler and request.sampler not in set(Sampler):
            raise InvalidField("sampler", f"must be empty or one of {', '.join(Sampler)}, not {request.sampler!r}")
        if request.style:
            raise InvalidField("style", f"must be empty: this engine knows no styles, not even {request.style!r}")
        guidance = DEFAULT_GUIDANCE if request.guidance_scale is None else request.guidance_scale
        strength = DEFAULT_INIT_STRENGTH if request.init_strength is None else request.init_strength
        model = self._network.description
        return Plan(
            sampler=Sampler(request.sampler) if request.sampler else Sampler.DPMPP_2M,
            steps=request.steps or DEFAULT_STEPS,
            guidance=1.0 if model.any_class is None else guidance,
            init_strength=strength,
            shares=mixing.choose_shares(model, request.parents, request.seed, request.strangeness),
            width=request.width or DEFAULT_SIZE,
            height=request.height or DEFAULT_SIZE,
        )

    def _first_row(self, request: ImageRequest, plan: Plan, progress: "_ProgressReporter") -> Row:
        progress.drawing()
        size = self._denoiser.resolution
        drawing = None
        if plan.init_strength < 1:
            picture = draw_initial_image(request.body_plan, request.scene, request.seed, size, progress.work)
            progress.show("bones", lambda: previews.of_sample(picture))
            drawing = to_model_units(picture, self._denoiser.limit)
        sigmas = noise_levels(self._denoiser.schedule, plan.sampler, plan.steps, plan.init_strength)
        asked = mixing.ask(self._network.description, plan.shares, plan.guidance)
        noise = starting_noise(request.seed, size)
        return begin_row(
            plan.sampler,
            sigmas,
            (asked,) * (len(sigmas) - 1),
            noise,
            drawing=drawing,
            seed=request.seed,
            alone=request.exact,
        )

    def _denoise(self, row: Row, progress: "_ProgressReporter") -> Array:
        progress.denoising(row)
        with closing(self._batch.follow(row, progress.work, pace=_PACE)) as states:
            for state in states:
                progress.denoising(state)
                row = state
                if row.estimate is not None and progress.wants_preview(row):
                    seen = to_picture(row.estimate, self._denoiser.limit)
                    progress.show("denoise", partial(previews.of_sample, seen))
        return row.noisy

    def _provenance(self, request: ImageRequest, plan: Plan) -> Provenance:
        model = self._network.description
        return provenance_of(
            self,
            self._network,
            {
                "seed": request.seed,
                "width": plan.width,
                "height": plan.height,
                "finish": request.scene.finish.value,
                "model_name": model.name if model.name != self._network.name else None,
                "resolution": model.resolution,
                "classes": {share.name: round(share.weight, 6) for share in plan.shares},
                "strangeness": request.strangeness,
                "sampler": plan.sampler.value,
                "steps": plan.steps,
                "guidance_scale": plan.guidance,
                "init_strength": plan.init_strength,
                "exact": request.exact,
            },
            libraries={"numpy": np.__version__, "opencv-python-headless": cv2.__version__},
            notes=_notes(request, plan, model.any_class is not None),
        )


class _ProgressReporter:
    """Tells the caller how far the picture is and what it looks like."""

    def __init__(self, work: Work, previews_wanted: bool, plan: Plan) -> None:
        self.work = work
        self._previews_wanted = previews_wanted
        self._steps = max(1, round(plan.steps * plan.init_strength)) + 2
        self._next_preview = 0

    def drawing(self) -> None:
        self._report("bones", 0)

    def denoising(self, row: Row) -> None:
        """The row has come so far."""
        self._steps = row.steps + 2
        self._report("denoise", 1 + row.step)

    def wants_preview(self, row: Row) -> bool:
        """Whether it is time for a look at a row on its way; the next time is some steps later."""
        if not self._previews_wanted or row.finished or row.step < self._next_preview:
            return False
        self._next_preview = row.step + _PREVIEW_EVERY
        return True

    def printing(self) -> None:
        self._report("print", self._steps - 1)

    def show(self, stage: str, look: previews.Look) -> None:
        if self._previews_wanted:
            self.work.report(Preview(stage, "image/webp", previews.to_webp(look())))

    def _report(self, stage: str, step: int) -> None:
        self.work.check()
        self.work.report(Progress(stage, step, self._steps, step / self._steps))


def _notes(request: ImageRequest, plan: Plan, guided: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if request.guidance_scale not in (None, 1.0) and not guided:
        notes.append("the model was not trained for guidance: guidance_scale was not used")
    known = {share.name for share in plan.shares}
    unknown = [parent.animal for parent in request.parents if not mixing.knows(known, parent.animal)]
    if unknown:
        notes.append(f"the model does not know {', '.join(unknown)}")
    return tuple(notes)


def _png(picture: Bytes, compression: int) -> bytes:
    encoded, data = cv2.imencode(
        ".png",
        picture[:, :, ::-1],
        (cv2.IMWRITE_PNG_COMPRESSION, compression, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
    )
    if not encoded:
        raise EngineFailed("the picture could not be encoded as PNG")
    return data.tobytes()
