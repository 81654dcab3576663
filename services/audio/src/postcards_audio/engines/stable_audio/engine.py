"""The engine: rendering, words, steps from noise to latents, sound, master."""

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import count
from typing import Final

import numpy as np

from postcards_audio.engine import AudioRequest, AudioResult, WordTiming
from postcards_audio.engines.stable_audio.batch_size import batch_size_for
from postcards_audio.engines.stable_audio.checkpoint.libraries import Tensor
from postcards_audio.engines.stable_audio.checkpoint.model import Guided, StableAudioModel
from postcards_audio.engines.stable_audio.checkpoint.pieces import MARGIN, pieces
from postcards_audio.engines.stable_audio.plan import CallPlan, plan_call
from postcards_audio.engines.stable_audio.progress import PACE, STAGES, ProgressReporter
from postcards_audio.engines.stable_audio.resemblance import resemblance
from postcards_audio.engines.stable_audio.sampling import (
    SAMPLERS,
    Row,
    RowStepper,
    begin_row,
    noise_kind,
    noise_levels,
)
from postcards_audio.engines.vocal_tract.mastering.finished_call import finished_call
from postcards_audio.engines.vocal_tract.mastering.master import finish
from postcards_audio.engines.vocal_tract.rendering import random_of, render
from postcards_audio.engines.vocal_tract.signals import RATE, Samples
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.work import Provenance, Work
from postcards_serving.errors import EngineFailed
from postcards_serving.models.provenance import provenance_of

_FOLLOWS = 0.5
"""Least resemblance of a call to its rendering at which the words are taken to be where the rendering has them."""


@dataclass(frozen=True)
class _Rendered:
    """What the vocal tract says, as loud as a finished call."""

    sound: Samples
    """[2, n]."""
    timings: tuple[WordTiming, ...]


@dataclass(frozen=True)
class _Made:
    """A sound and what is to be said of it."""

    sound: Samples
    """[2, n]; not mastered."""
    timings: tuple[WordTiming, ...] = ()
    resemblance: float | None = None
    """To the rendering that it started from."""
    notes: tuple[str, ...] = ()


class StableAudioEngine:
    """Calls with a Stable Audio model. Any number of threads may call; their sounds share the steps."""

    name = "stable-audio"
    version = "1.2.0"
    stages = STAGES

    def __init__(self, model: StableAudioModel, *, batch_rows: int = 0) -> None:
        """Serves `model`.

        Args:
            model: sounds.
            batch_rows: sounds that share a step (it is asked twice as many things with guidance); 0: see
                `room.batch_size_for`.
        """
        self._model: Final = model
        room = batch_size_for(model, batch_rows, engine=self.name)
        self.requests_at_once: Final = room.rows
        model.rehearse(2 * room.rows)
        self._batch: Final = InFlightBatch[Row](
            RowStepper(model),
            max_rows=room.rows,
            budget=2.0 * room.held,
            engine=self.name,
        )
        self._solitary: Final = count()

    def generate(self, request: AudioRequest, work: Work) -> AudioResult:
        """Makes the call that the prompt describes, over what the vocal tract says of the phrase if so asked.

        Raises:
            InvalidField: the call is longer than the model's sounds, or the phrase has an unknown phoneme.
            OutOfMemory: the memory does not hold this sound.
            Cancelled: the caller has gone.
            DeadlineExceeded: the time is over.
            EngineFailed: the model answered with something that is no sound.
        """
        plan = plan_call(request, self._model.description, self._model.reads_whole)
        progress = ProgressReporter(work)
        progress.begin("render")
        rendered = _render(plan, work) if plan.over_rendering else None
        if rendered is not None and plan.init_strength == 0:
            made = _Made(rendered.sound, rendered.timings, 1.0, ("init_strength 0 keeps the rendering: no step taken",))
        else:
            made = self._make(plan, rendered, progress)
        call = finished_call(
            made.sound,
            made.timings,
            self._provenance(plan, made),
            dither=random_of(plan.score, "dither"),
            begin=progress.begin,
            check=work.check,
        )
        progress.end()
        return call

    def close(self) -> None:
        """Ends the engine thread and lets go of the weights."""
        self._batch.close()
        self._model.close()

    def _make(self, plan: CallPlan, rendered: _Rendered | None, progress: ProgressReporter) -> _Made:
        progress.begin("read")
        row = self._first_row(plan, rendered, progress.work)
        progress.denoising(row.step, row.steps)
        with closing(self._batch.follow(row, progress.work, pace=PACE)) as rows:
            for state in rows:
                row = state
                progress.denoising(row.step, row.steps)
        sound = self._sound(row.noisy, round(plan.score.seconds * RATE), progress)
        return _Made(sound) if rendered is None else _compared(sound, rendered)

    def _first_row(self, plan: CallPlan, rendered: _Rendered | None, work: Work) -> Row:
        guided = self._batch.between_steps(partial(self._told, plan), work)
        latents = None if rendered is None else self._latents(rendered.sound, work)
        begin = partial(
            begin_row,
            self._model,
            guided,
            noise_levels(self._model, plan.steps, plan.init_strength),
            plan.score.seed,
            rendering=latents,
            alone=next(self._solitary) if plan.exact else None,
        )
        return self._batch.between_steps(begin, work)

    def _told(self, plan: CallPlan) -> Guided:
        wanted = self._model.condition(plan.prompt, plan.score.seconds)
        if not plan.guided:
            return Guided(wanted)
        against = self._model.against(plan.negative_prompt, plan.score.seconds, wanted)
        return Guided(wanted, against, plan.guidance)

    def _latents(self, sound: Samples, work: Work) -> Tensor:
        """A sound as latents of the model's whole length, silent behind its end."""
        model = self._model
        total = model.description.frames
        heard = min(total, -(-sound.shape[1] // model.description.samples_per_frame) + MARGIN)
        read = [self._batch.between_steps(partial(model.encode, sound, piece), work) for piece in pieces(heard, total)]
        return self._batch.between_steps(lambda: model.join([*read, model.silence(heard)]), work)

    def _sound(self, latents: Tensor, samples: int, progress: ProgressReporter) -> Samples:
        """The first `samples` of the sound of latents; the others are never computed."""
        model = self._model
        wanted = -(-samples // model.description.samples_per_frame)
        parts: list[Samples] = []
        for piece in pieces(wanted, model.description.frames):
            progress.begin("decode", piece.start / wanted)
            parts.append(self._batch.between_steps(partial(model.decode, latents, piece), progress.work))
        sound = np.concatenate(parts, axis=1)[:, :samples]
        if not np.isfinite(sound).all():
            raise EngineFailed("the model answered with numbers that are no sound", reason="MODEL_DIVERGED")
        return sound

    def _provenance(self, plan: CallPlan, made: _Made) -> Provenance:
        model = self._model
        levels = noise_levels(model, plan.steps, plan.init_strength) if plan.init_strength > 0 else ()
        sampler = SAMPLERS[model.description.objective]
        return provenance_of(
            self,
            model,
            {
                **plan.score.settings(),
                "prompt": plan.prompt,
                "negative_prompt": plan.negative_prompt,
                "steps": plan.steps,
                "guidance_scale": plan.guidance,
                "init_strength": plan.init_strength,
                "exact": plan.exact,
                "compiled": model.compiled,
                "sampler": sampler.value,
                "noise": noise_kind(sampler, model.device.kind, levels).value,
                "noise_levels": [round(level, 6) for level in (*levels[:1], *levels[-2:-1])],
                "steps_taken": max(0, len(levels) - 1),
                "resemblance": None if made.resemblance is None else round(made.resemblance, 3),
            },
            libraries={name: version(name) for name in ("numpy", "soundfile")},
            notes=(*self._cuts(plan), *made.notes),
        )

    def _cuts(self, plan: CallPlan) -> tuple[str, ...]:
        if plan.init_strength == 0:
            return ()
        prompts = {"prompt": plan.prompt, "negative_prompt": plan.negative_prompt}
        most = self._model.description.text_tokens
        return tuple(
            f"the model reads {most} tokens: what is beyond them of {field} was not heard"
            for field, prompt in prompts.items()
            if not self._model.reads_whole(prompt)
        )


def _render(plan: CallPlan, work: Work) -> _Rendered:
    rendered = render(plan.score, lambda _stage, _share: work.check())
    return _Rendered(finish(rendered.recording).samples, rendered.timings)


def _compared(sound: Samples, rendered: _Rendered) -> _Made:
    """With the times of the words, where the sound has kept them."""
    likeness = resemblance(sound, rendered.sound)
    if likeness >= _FOLLOWS:
        return _Made(sound, rendered.timings, likeness)
    note = f"the call has left the phrase (its loudness follows it to {max(0.0, likeness):.2f}): no word has a time"
    return _Made(sound, (), likeness, (note,))
