"""The engine: bones, words, steps from noise to a latent picture, picture, verdict."""

from contextlib import closing, suppress
from functools import partial
from itertools import count
from typing import Final, NamedTuple

import cv2
import torch

from postcards_image.engine import IMAGE_NAME, ImageRequest, ImageResult, SafetyVerdict
from postcards_image.engines.creature.finished import describe_drawing, describe_finished, draw_finished
from postcards_image.engines.creature.pipeline import Unwatched
from postcards_image.engines.creature.unfinished import draw_unfinished
from postcards_image.engines.stable_diffusion import latent_previews, prompts
from postcards_image.engines.stable_diffusion.batch_size import batch_size_for
from postcards_image.engines.stable_diffusion.checkpoint import autoencoder as pictures
from postcards_image.engines.stable_diffusion.checkpoint.autoencoder import Bytes
from postcards_image.engines.stable_diffusion.checkpoint.checkpoint import Checkpoint
from postcards_image.engines.stable_diffusion.checkpoint.text_encoder import Piece
from postcards_image.engines.stable_diffusion.picture_plan import PicturePlan, plan_picture
from postcards_image.engines.stable_diffusion.progress import PACE, STAGES, ProgressReporter
from postcards_image.engines.stable_diffusion.rows import Row, RowStepper
from postcards_image.engines.stable_diffusion.samplers.batch import SAMPLERS, begin
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.device.memory import give_back_cached
from postcards_serving.engine.work import Blob, Provenance, Work
from postcards_serving.errors import EngineFailed, InvalidField, OutOfMemory
from postcards_serving.models.provenance import provenance_of

_USUAL_STEPS = (20, 4, 1)
_TILE_SIDES = (pictures.TILE, pictures.TILE // 2)
"""Latent pixels along the side of the tiles that are tried where a whole picture does not fit into the memory."""
_IN_TILES = "decoded in tiles for want of memory: their seams may differ a little"


class _Made(NamedTuple):
    """A picture and what happened on the way."""

    picture: Bytes
    notes: tuple[str, ...] = ()
    compiled: bool = False
    """Whether the UNet ran compiled for it."""


class StableDiffusionEngine:
    """Draws with a checkpoint. Any number of threads may call; their pictures share the steps."""

    name = "stable-diffusion"
    version = "1.0.0"
    stages = STAGES

    def __init__(self, checkpoint: Checkpoint, *, batch_rows: int) -> None:
        """Serves `checkpoint`.

        Args:
            checkpoint: draws.
            batch_rows: pictures of its own size, or fewer larger ones, that share a step; 0: see `room.batch_size_for`.
        """
        cv2.setNumThreads(1)
        self._checkpoint: Final = checkpoint
        self._looks: Final = latent_previews.LatentPreviews(checkpoint.autoencoder)
        side = checkpoint.size // checkpoint.autoencoder.factor
        room = batch_size_for(checkpoint, batch_rows, engine=self.name)
        self.requests_at_once: Final = room.rows
        checkpoint.network.rehearse(2 * room.rows, side, side, checkpoint.reader.length)
        budget = 2.0 * room.held * side**2
        stepper = RowStepper(
            checkpoint.network,
            budget=budget,
            reclaim=partial(give_back_cached, checkpoint.device),
        )
        self._batch: Final = InFlightBatch[Row](stepper, max_rows=room.rows, engine=self.name, budget=budget)
        self._solitary: Final = count()

    def generate(self, request: ImageRequest, work: Work) -> ImageResult:
        """Draws what the prompt says, over the drawing of `request.body_plan` in `request.scene` if so planned.

        Raises:
            InvalidField: it asks for a style, sampler, size or number of steps that there is not.
            OutOfMemory: the memory does not hold this picture.
            Cancelled: the caller has gone.
            DeadlineExceeded: the time is over.
            EngineFailed: the model answered with something that is no picture.
        """
        plan = self._plan(request)
        progress = ProgressReporter(work, request.previews)
        progress.begin("bones")
        drawing = None
        if plan.over_drawing:
            drawing = draw_unfinished(request.body_plan, request.scene, request.seed, plan.width, plan.height, work)
        if drawing is not None:
            progress.show("bones", lambda: latent_previews.shrunk(drawing))
        if drawing is not None and plan.steps_taken == 0:
            # No model made it, so that there is nothing to judge.
            made = _Made(drawing, ("image.png is the drawing itself: so small an init_strength takes no step",))
            verdict = None
        else:
            made = self._paint(plan, drawing, progress)
            verdict = self._judge(made.picture, work)
        if verdict is SafetyVerdict.WITHHELD:
            made = self._withheld(request, plan, made, work)
        progress.show("decode", lambda: latent_previews.shrunk(made.picture))
        return ImageResult(
            blobs=(Blob(IMAGE_NAME, "image/png", _png(made.picture)),),
            width=plan.width,
            height=plan.height,
            alt_text=self._alt_text(request, plan, verdict),
            provenance=self._provenance(plan, made),
            safety=verdict,
        )

    def close(self) -> None:
        """Ends the engine thread."""
        self._batch.close()

    def _plan(self, request: ImageRequest) -> PicturePlan:
        checkpoint = self._checkpoint
        return plan_picture(
            request,
            size=checkpoint.size,
            factor=checkpoint.autoencoder.factor,
            samplers=SAMPLERS,
            sampler=checkpoint.default_sampler,
            reads_at_once=checkpoint.reader.reads_at_once,
        )

    def _paint(self, plan: PicturePlan, drawing: Bytes | None, progress: ProgressReporter) -> _Made:
        work = progress.work
        progress.begin("text")
        words = self._words(plan, work)
        row = self._first_row(plan, words, drawing, work)
        progress.denoising(row)
        with closing(self._batch.follow(row, work, pace=PACE)) as rows:
            for state in rows:
                row = state
                progress.denoising(row)
                self._show(row, progress)
        progress.begin("decode")
        compiled = self._checkpoint.network.compiled_for(*row.size, words.shape[1])
        return self._decode(row.sampling.latent[None], work)._replace(compiled=compiled)

    def _words(self, plan: PicturePlan, work: Work) -> torch.Tensor:
        """What the UNet is told, [1, tokens, width], or [2, ...] with what to avoid first."""
        reader = self._checkpoint.reader
        wanted = reader.pieces(plan.prompt)
        texts = (wanted,)
        if plan.guided:
            avoided = reader.pieces(plan.negative_prompt, least=len(wanted))
            texts = (avoided, reader.pieces(plan.prompt, least=len(avoided)))
        return torch.cat([torch.cat([self._encoded(piece, work) for piece in text], dim=1) for text in texts])

    def _encoded(self, piece: Piece, work: Work) -> torch.Tensor:
        reader = self._checkpoint.reader
        known = reader.remembered(piece)
        return self._batch.between_steps(partial(reader.encode, piece), work) if known is None else known

    def _first_row(self, plan: PicturePlan, words: torch.Tensor, drawing: Bytes | None, work: Work) -> Row:
        checkpoint = self._checkpoint
        autoencoder = checkpoint.autoencoder
        try:
            schedule = checkpoint.schedule_of(plan.sampler, plan.steps)
        except ValueError as fault:
            if not _can_step(checkpoint, plan.sampler):
                raise InvalidField("sampler", f"cannot be {plan.sampler} with this model: {fault}") from None
            raise InvalidField("steps", f"cannot be {plan.steps} with {plan.sampler}: {fault}") from None
        shape = (1, checkpoint.network.channels, plan.height // autoencoder.factor, plan.width // autoencoder.factor)
        # As the pipelines of diffusers draw them: on the CPU, what chooses in the encoder's distribution first.
        source = torch.Generator().manual_seed(plan.seed)
        latent = None
        if drawing is not None:
            choice = torch.randn(shape, generator=source)
            latent = self._batch.between_steps(lambda: autoencoder.encode(drawing, choice), work)
            latent = latent[0]
        noise = torch.randn(shape, generator=source)[0].to(checkpoint.device.name)
        row = begin(schedule, noise, init_latent=latent, strength=plan.init_strength, generator=source)
        return Row(row, words, plan.guidance_scale, next(self._solitary) if plan.exact else None)

    def _show(self, row: Row, progress: ProgressReporter) -> None:
        if not progress.wants_preview(row):
            return
        estimate = row.sampling.estimate
        if estimate is None:
            return
        look = self._looks.of_latent(estimate)
        if self._judge(look, progress.work) is not SafetyVerdict.WITHHELD:
            progress.show("denoise", lambda: look)

    def _decode(self, latent: torch.Tensor, work: Work) -> _Made:
        """The picture; where the memory does not hold it whole, in ever smaller tiles."""
        height, width = (int(side) for side in latent.shape[-2:])
        try:
            return _Made(self._decode_tiles(latent, tuple(pictures.tiles(height, width)), work))
        except OutOfMemory:
            if height * width > pictures.WHOLE:
                raise
        for side in _TILE_SIDES:
            pieces = tuple(pictures.tiles(height, width, whole=0, side=side, overlap=side // 4))
            try:
                picture = self._decode_tiles(latent, pieces, work)
            except OutOfMemory:
                continue
            return _Made(picture, (_IN_TILES,) if len(pieces) > 1 else ())
        raise OutOfMemory

    def _decode_tiles(self, latent: torch.Tensor, pieces: tuple[pictures.Tile, ...], work: Work) -> Bytes:
        autoencoder = self._checkpoint.autoencoder
        mosaic = pictures.Mosaic(int(latent.shape[-2]), int(latent.shape[-1]), autoencoder.factor)
        for piece in pieces:
            crop = latent[..., piece.top : piece.top + piece.height, piece.left : piece.left + piece.width]
            mosaic.add(piece, self._batch.between_steps(partial(autoencoder.decode, crop), work))
        picture = mosaic.picture()
        if not bool(torch.isfinite(picture).all()):
            raise EngineFailed("the model answered with numbers that are no picture", reason="MODEL_DIVERGED")
        return pictures.to_bytes(picture)

    def _judge(self, picture: Bytes, work: Work) -> SafetyVerdict | None:
        checker = self._checkpoint.checker
        return None if checker is None else self._batch.between_steps(lambda: checker.judge(picture), work)

    def _withheld(self, request: ImageRequest, plan: PicturePlan, made: _Made, work: Work) -> _Made:
        note = (
            "the safety checker of the model withheld the picture: image.png is the drawing of the animal in its "
            "place; another seed or prompt may pass"
        )
        instead = draw_finished(request, plan.width, plan.height, Unwatched(work))
        return made._replace(picture=instead, notes=(*made.notes, note))

    def _alt_text(self, request: ImageRequest, plan: PicturePlan, verdict: SafetyVerdict | None) -> str:
        if verdict is SafetyVerdict.WITHHELD:
            return describe_finished(request)
        if plan.steps_taken == 0:
            return f"{describe_drawing(request)}; a drawing without finish."
        return prompts.describe_picture(request, self._checkpoint.name, plan.prompt, plan.init_strength)

    def _provenance(self, plan: PicturePlan, made: _Made) -> Provenance:
        return provenance_of(
            self,
            self._checkpoint,
            {
                "seed": plan.seed,
                "prompt": plan.prompt,
                "negative_prompt": plan.negative_prompt,
                "width": plan.width,
                "height": plan.height,
                "steps": plan.steps,
                "guidance_scale": plan.guidance_scale,
                "init_strength": plan.init_strength,
                "sampler": plan.sampler,
                "style": plan.style.value,
                "strangeness": plan.strangeness,
                "exact": plan.exact,
                "compiled": made.compiled,
                **self._checkpoint.settings,
            },
            notes=made.notes,
        )


def _can_step(checkpoint: Checkpoint, sampler: str) -> bool:
    """Whether there is any usual number of steps that a sampler can take with a checkpoint."""
    for steps in _USUAL_STEPS:
        with suppress(ValueError):
            checkpoint.schedule_of(sampler, steps)
            return True
    return False


def _png(picture: Bytes) -> bytes:
    encoded, data = cv2.imencode(".png", picture[:, :, ::-1], (cv2.IMWRITE_PNG_COMPRESSION, 6))
    if not encoded:
        raise EngineFailed("the picture could not be encoded as PNG")
    return data.tobytes()
