"""Samplers that step many pictures at once, each at a noise level of its own.

A row is one picture on its way from noise. Rows are immutable: a step makes new ones, so that a step that failed can be
taken again. All samplers work on noise levels (sigma) and model units; see `noise_schedule`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from postcards_image.engines.creature.scenery.noise import generator
from postcards_image.engines.ddpm.denoiser import Array, Denoiser
from postcards_image.engines.ddpm.noise_schedule import NoiseSchedule
from postcards_serving.batching.step_loop import Stepper
from postcards_serving.errors import EngineFailed

_RHO = 7.0
"""How strongly steps crowd towards low noise; the value of Karras et al. 2022, table 1."""


class Sampler(StrEnum):
    """How a row gets from one noise level to the next."""

    DPMPP_2M = "dpmpp-2m"
    """DPM-Solver++(2M), second order, deterministic: Lu et al. 2022 (arXiv:2211.01095). The best in few steps."""
    EULER = "euler"
    """Euler's method on the probability flow: Karras et al. 2022, algorithm 1 without its second-order correction."""
    DDIM = "ddim"
    """Song et al. 2020 (arXiv:2010.02502) with eta 0, over evenly spaced training timesteps."""
    DDPM = "ddpm"
    """Ancestral sampling: Ho et al. 2020 (arXiv:2006.11239), over evenly spaced training timesteps."""


@dataclass(frozen=True, eq=False)
class Question:
    """One thing that the network is asked about a row, and how much its answer counts."""

    classes: Array | None
    """Shares of the rows of the class table, [labels]; None without a class table."""
    weight: float = 1.0
    """Factor of the answer in the sum; the factors of a step sum to 1."""


@dataclass(frozen=True, eq=False)
class Row:
    """One picture between two steps."""

    sampler: Sampler
    """How it steps."""
    sigmas: tuple[float, ...]
    """Noise levels from the first to the last, which is 0."""
    questions: tuple[tuple[Question, ...], ...]
    """What the network is asked in each step: one entry for each noise level but the last."""
    noisy: Array
    """[3, resolution, resolution] the picture with its noise, model units."""
    seed: int = 0
    """Of the noise that the ancestral sampler adds."""
    step: int = 0
    """Steps taken."""
    estimate: Array | None = None
    """The clean picture that the last step saw, of the same shape; None before the first."""
    alone: object | None = None
    """Its own, where it must share its steps with no other row; None: it may."""

    @property
    def steps(self) -> int:
        """Steps from noise to picture."""
        return len(self.sigmas) - 1

    @property
    def finished(self) -> bool:
        """Whether no noise is left."""
        return self.step >= self.steps


def noise_levels(schedule: NoiseSchedule, sampler: Sampler, steps: int, strength: float = 1.0) -> tuple[float, ...]:
    """The noise levels of a row, falling, with 0 as the last.

    Args:
        schedule: of the model.
        sampler: decides the spacing.
        steps: from pure noise, at least 1; more than the model was trained with count as that many.
        strength: how much of the way is gone, 0 to 1: the share of the steps, from a noise level as far down.
    """
    taken = max(1, round(steps * strength)) if strength > 0 else 0
    if sampler in (Sampler.DDIM, Sampler.DDPM):
        steps = min(steps, schedule.train_timesteps)
        spaced = np.arange(steps)[::-1] * (schedule.train_timesteps // steps)
        sigmas = [float(sigma) for sigma in schedule.sigma_of(spaced)][max(0, steps - taken) :]
    else:
        first, last = schedule.sigma_max ** (1 / _RHO), schedule.sigma_min ** (1 / _RHO)
        begin = first + (1 - strength) * (last - first)
        sigmas = [(begin + (last - begin) * step / max(1, taken - 1)) ** _RHO for step in range(taken)]
    return (*sigmas, 0.0)


def starting_noise(seed: int, resolution: int) -> Array:
    """[3, resolution, resolution] standard normal numbers of `seed` (0 to 2**64 - 1)."""
    return generator(seed, "ddpm/noise").standard_normal((3, resolution, resolution), dtype=np.float32)


def begin_row(
    sampler: Sampler,
    sigmas: tuple[float, ...],
    questions: tuple[tuple[Question, ...], ...],
    noise: Array,
    *,
    drawing: Array | None = None,
    seed: int = 0,
    alone: bool = False,
) -> Row:
    """A row before its first step.

    Args:
        sampler: how it steps.
        sigmas: from `noise_levels`.
        questions: one entry for each step.
        noise: standard normal, [3, resolution, resolution].
        drawing: what it starts from, of the same shape, model units; None: nothing but noise.
        seed: of the noise that the ancestral sampler adds.
        alone: whether it steps by itself: what the network answers then depends on no other row, not by a bit.
    """
    first = sigmas[0]
    # Without a drawing the noise stands for picture and noise together, whose variances add; pictures have about 1.
    noisy = noise * np.sqrt(1 + first**2) if drawing is None else drawing + noise * first
    return Row(sampler, sigmas, questions, noisy.astype(np.float32), seed, alone=object() if alone else None)


class RowStepper(Stepper[Row]):
    """Steps rows with one call of the network; the engine's side of `InFlightBatch`."""

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser: Final = denoiser

    @override
    def group(self, state: Row) -> object:
        """Rows of one model all go together, whatever their step; one that must be alone is a group of its own."""
        return state.alone

    @override
    def finished(self, state: Row) -> bool:
        return state.finished

    @override
    def step(self, states: Sequence[Row]) -> Sequence[Row]:
        """The rows one step on, in the same order. None of them is finished.

        Raises:
            EngineFailed: the network answered a row with what is no number.
        """
        asked = [question for row in states for question in row.questions[row.step]]
        counts = [len(row.questions[row.step]) for row in states]
        noisy = np.repeat(np.stack([row.noisy for row in states]), counts, axis=0)
        sigma = np.repeat(np.array([row.sigmas[row.step] for row in states], np.float32), counts)
        answers = self._denoiser(noisy, sigma, _stacked(asked))
        weights = np.array([question.weight for question in asked], np.float32)[:, None, None, None]
        sums = np.add.reduceat(answers * weights, np.cumsum([0, *counts[:-1]]), axis=0)
        return [self._advanced(row, answer) for row, answer in zip(states, sums, strict=True)]

    def _advanced(self, row: Row, answer: Array) -> Row:
        if not np.isfinite(answer).all():
            raise EngineFailed("the model answered with numbers that are no picture", reason="MODEL_DIVERGED")
        clean = np.clip(answer, -self._denoiser.limit, self._denoiser.limit).astype(np.float32)
        noisy = _next_noisy(row, answer, clean)
        return replace(row, noisy=noisy.astype(np.float32), step=row.step + 1, estimate=clean)


def _stacked(questions: Sequence[Question]) -> Array | None:
    classes = [question.classes for question in questions if question.classes is not None]
    return np.stack(classes) if classes else None


def _next_noisy(row: Row, answer: Array, clean: Array) -> npt.NDArray[np.floating[Any]]:
    """The picture at the next noise level; `answer` is what the network saw in it, `clean` the same clipped."""
    now, then = row.sigmas[row.step], row.sigmas[row.step + 1]
    if then == 0:
        return clean
    left = np.float32(then / now)
    match row.sampler:
        case Sampler.EULER:
            return clean + (row.noisy - clean) * left
        case Sampler.DDIM:
            return clean + (row.noisy - answer) * left
        case Sampler.DDPM:
            fresh = np.float32(then * math.sqrt(1 - (then / now) ** 2))
            added = generator(row.seed, f"ddpm/step/{row.step}").standard_normal(clean.shape, dtype=np.float32)
            return clean + (row.noisy - clean) * (left * left) + added * fresh
        case Sampler.DPMPP_2M:
            return clean + (row.noisy - clean) * left + _second_order(row, clean, now, then)


def _second_order(row: Row, clean: Array, now: float, then: float) -> npt.NDArray[np.floating[Any]]:
    """What the change since the last step adds: DPM-Solver++(2M), algorithm 2 of Lu et al. 2022."""
    if row.estimate is None:
        return np.zeros_like(clean)
    ahead, behind = math.log(now / then), math.log(row.sigmas[row.step - 1] / now)
    return (clean - row.estimate) * np.float32(ahead / (2 * behind) * (1 - then / now))
