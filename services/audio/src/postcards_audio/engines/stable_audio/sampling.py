"""Samplers that step many sounds at once, each at a noise level of its own.

A row is one sound on its way from noise. Rows are immutable: a step makes new ones, so that a step that failed can be
taken again. The steps are those of k-diffusion and stable-audio-tools, one row at a time; the network is asked for all
rows in one call.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from typing_extensions import override

from postcards_audio.engines.stable_audio.checkpoint.description import Objective
from postcards_audio.engines.stable_audio.checkpoint.libraries import Tensor
from postcards_audio.engines.stable_audio.checkpoint.model import Guided, Noise, StableAudioModel
from postcards_serving.batching.step_loop import Stepper
from postcards_serving.errors import EngineFailed

SIGMA_MIN, SIGMA_MAX = 0.3, 500.0
"""Last noise level before none, and the first, of models that predict v: as the card of Stable Audio Open has them."""

_FLOW_FIRST, _FLOW_LAST = -6.0, 2.0
"""Logarithms of the signal-to-noise ratio between which a flow's levels lie, as in stable-audio-tools."""
_LEVELS_WITH_NOISE = 3
"""A single step goes from its level to none: only from the second on is there a level between, and noise to add."""


class Sampler(StrEnum):
    """How a row gets from one noise level to the next."""

    DPMPP_3M_SDE = "dpmpp-3m-sde"
    """DPM-Solver++(3M) SDE: Lu et al. 2022 (arXiv:2211.01095), as in k-diffusion. For models that predict v."""
    EULER = "euler"
    """Euler's method. For rectified flows."""
    PINGPONG = "pingpong"
    """To clean and back to less noise: Novack et al. 2025 (arXiv:2505.08175). For distilled flows."""


SAMPLERS: Final = {
    Objective.V: Sampler.DPMPP_3M_SDE,
    Objective.FLOW: Sampler.EULER,
    Objective.DISTILLED_FLOW: Sampler.PINGPONG,
}
"""The sampler of each kind of model."""


class NoiseKind(StrEnum):
    """Where the noise comes from that steps add."""

    NONE = "none"
    """They add none."""
    BROWNIAN = "brownian"
    """Parts of one Brownian motion, as in stable-audio-tools: steps in other numbers follow the same motion."""
    INDEPENDENT = "independent"
    """Drawn for each level by itself. The parts that a row takes of a motion never overlap: they are independent too,
    so that both kinds make sounds of one distribution, but other sounds of one seed."""


@dataclass(frozen=True, eq=False)
class Row:
    """One sound between two steps."""

    sampler: Sampler
    """How it steps."""
    levels: tuple[float, ...]
    """Noise levels from the first to the last, which is 0."""
    guided: Guided
    """What the network is told."""
    noise: Noise
    """What samplers that add noise add; the engine thread alone asks for it."""
    noisy: Tensor
    """[channels, frames] float32, the latents with their noise."""
    step: int = 0
    """Steps taken."""
    past: tuple[Tensor, ...] = ()
    """The clean latents that the last two steps saw, newest first."""
    alone: Hashable = None
    """Rows of equal value share steps; a value of its own keeps a row to itself."""

    @property
    def steps(self) -> int:
        """Steps from noise to sound."""
        return len(self.levels) - 1

    @property
    def finished(self) -> bool:
        """Whether no noise is left."""
        return self.step >= self.steps


def noise_kind(sampler: Sampler, device: str, levels: Sequence[float]) -> NoiseKind:
    """What noise a sampler adds between `levels` on a kind of device, e.g. "cuda"; a single step adds none."""
    if len(levels) < _LEVELS_WITH_NOISE:
        return NoiseKind.NONE
    match sampler:
        case Sampler.EULER:
            return NoiseKind.NONE
        case Sampler.PINGPONG:
            return NoiseKind.INDEPENDENT
        case Sampler.DPMPP_3M_SDE:
            return NoiseKind.BROWNIAN if device == "cpu" else NoiseKind.INDEPENDENT


def noise_levels(model: StableAudioModel, steps: int, strength: float = 1.0) -> tuple[float, ...]:
    """The noise levels of a row, falling, with 0 as the last.

    Args:
        model: decides the spacing.
        steps: from pure noise, at least 1.
        strength: share of the steps that are taken, from a noise level as far down, above 0 to 1.
    """
    taken = max(1, round(steps * strength))
    if model.description.objective is Objective.V:
        return model.falling_levels(taken, SIGMA_MIN, SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN) ** strength)
    first = _FLOW_LAST + strength * (_FLOW_FIRST - _FLOW_LAST)
    ratios = [first + (_FLOW_LAST - first) * step / taken for step in range(taken)]
    levels = [1 / (1 + math.exp(ratio)) for ratio in ratios]
    return (1.0 if strength == 1 else levels[0], *levels[1:], 0.0)


def begin_row(
    model: StableAudioModel,
    guided: Guided,
    levels: tuple[float, ...],
    seed: int,
    *,
    rendering: Tensor | None = None,
    alone: Hashable = None,
) -> Row:
    """A row before its first step.

    Args:
        model: that will be asked.
        guided: what it is told.
        levels: from `noise_levels`.
        seed: of all noise, 0 to 2**64 - 1.
        rendering: [channels, frames] the latents that it starts from; None: nothing but noise.
        alone: see `Row`.
    """
    objective, first, lowest = model.description.objective, levels[0], levels[-2]
    noise, following = model.starting_noise(seed)
    if objective is Objective.V:
        noisy = noise * first if rendering is None else rendering + noise * first
    else:
        noisy = noise if rendering is None else rendering * (1 - first) + noise * first
    sampler = SAMPLERS[objective]
    if noise_kind(sampler, model.device.kind, levels) is NoiseKind.BROWNIAN:
        source = model.brownian_noise(following, lowest, first)
    else:
        source = model.fresh_noise(following)
    return Row(sampler, levels, guided, source, noisy, alone=alone)


class RowStepper(Stepper[Row]):
    """Steps rows with one call of the network; the engine's side of `InFlightBatch`."""

    def __init__(self, model: StableAudioModel) -> None:
        self._model: Final = model
        self.reclaim: Final = model.give_back_cached
        """Called when memory was short."""

    @override
    def group(self, state: Row) -> Hashable:
        """All rows go together, whatever their step, but for those that step alone."""
        return state.alone

    @override
    def finished(self, state: Row) -> bool:
        return state.finished

    def cost(self, state: Row) -> float:
        """Sounds that the network is asked for at once."""
        return 1.0 if state.guided.against is None else 2.0

    @override
    def step(self, states: Sequence[Row]) -> Sequence[Row]:
        """The rows one step on, in the same order. None of them is finished.

        Raises:
            EngineFailed: the network answered a row with what is no number.
        """
        noisy = self._model.stack([row.noisy for row in states])
        clean = self._model.estimate(noisy, [row.levels[row.step] for row in states], [row.guided for row in states])
        advanced = [_advanced(row, estimate) for row, estimate in zip(states, clean, strict=True)]
        # The only wait for the device in a step, at its end: what the step took is then known to be its own time, and
        # so is what it fails of. Until then the processor draws noise while the device still computes.
        if not self._model.all_finite(clean):
            raise EngineFailed("the model answered with numbers that are no sound", reason="MODEL_DIVERGED")
        return advanced


def _advanced(row: Row, clean: Tensor) -> Row:
    noisy = clean if row.levels[row.step + 1] == 0 else _next_noisy(row, clean)
    return replace(row, noisy=noisy, step=row.step + 1, past=(clean, *row.past[:1]))


def _next_noisy(row: Row, clean: Tensor) -> Tensor:
    """The latents at the next noise level, which is not 0."""
    now, then = row.levels[row.step], row.levels[row.step + 1]
    match row.sampler:
        case Sampler.EULER:
            return clean + (row.noisy - clean) * (then / now)
        case Sampler.PINGPONG:
            return clean * (1 - then) + row.noise(now, then) * then
        case Sampler.DPMPP_3M_SDE:
            added = then * _lost(2 * math.log(now / then)) ** 0.5
            return _third_order(row, clean, now, then) + row.noise(now, then) * added


def _third_order(row: Row, clean: Tensor, now: float, then: float) -> Tensor:
    """What DPM-Solver++(3M) makes of the latents before it adds noise; with eta 1 they go twice as far."""
    far = math.log(now / then)
    way = 2 * far
    moved = row.noisy * math.exp(-way) + clean * _lost(way)
    if not row.past:
        return moved
    second = math.expm1(-way) / way + 1
    before = math.log(row.levels[row.step - 1] / now) / far
    slope = (clean - row.past[0]) / before
    if len(row.past) == 1:
        return moved + slope * second
    earlier = math.log(row.levels[row.step - 2] / row.levels[row.step - 1]) / far
    bend = (slope - (row.past[0] - row.past[1]) / earlier) / (before + earlier)
    return moved + (slope + bend * before) * second - bend * (second / way - 0.5)


def _lost(way: float) -> float:
    return -math.expm1(-way)
