"""Samplers that remember what they saw before: PNDM, DPM-Solver++(2M) and UniPC.

Each function runs one on forms (see `samplers_plan`), from the step of the schedule with which a row begins: 0, or
later when it starts from a drawing; what it has not seen by then it does without.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from postcards_image.engines.stable_diffusion.samplers.levels import (
    Floats,
    NoiseTable,
    SchedulerConfig,
    between,
    karras,
    level_of,
    noise_table,
    spaced,
    spaced_before_end,
)
from postcards_image.engines.stable_diffusion.samplers.plan import CLEAN, Form, Level, Plan, Trace

_BETAS: Final = (0.0001, 0.02)
_FEW_STEPS: Final = 15
"""Below this many steps DPM-Solver++ ends with steps of lower order."""

_ADAMS_BASHFORTH: Final = ((1.0,), (1.5, -0.5), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))
"""Weights of the newest, second newest, ... slopes of the linear multistep methods of order 1 to 4."""
_RUNGE_KUTTA: Final = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
_WARM_UP: Final = 3
"""Runge-Kutta steps before the multistep method, of four calls each."""


def pndm(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """Liu et al. 2022 (arXiv:2202.09778): PLMS, after a Runge-Kutta warm-up or, where the file says so, a trial step.

    A row that starts from a drawing begins with the warm-up or trial step at timesteps that are meant for later ones,
    so that the trial step is off by a step: diffusers does, and users compare with that.

    Raises:
        ValueError: fewer than 4 steps with a warm-up.
    """
    table = noise_table(config, beta_range=_BETAS, zero_snr="no")
    final = CLEAN if config.flag("set_alpha_to_one", False) else table.at(0)
    stride = config.timesteps // steps
    rising = [int(timestep) for timestep in spaced(config, "leading", steps)[::-1]]
    warm_up = [] if config.flag("skip_prk_steps", False) else _warm_up(rising, stride // 2)
    later = rising[:-_WARM_UP][::-1] if warm_up else [*rising[:-1], *rising[-2:-1], rising[-1]][::-1]
    trace = Trace([table.at(timestep) for timestep in [*warm_up, *later][start:]], config.prediction)

    def step(latent: Form, slope: Form, begin: int, end: int) -> Form:
        now, then = table.at(begin), table.at(end) if end >= 0 else final
        # Equation 11 of the paper; the same as DDIM with `slope` for the noise.
        noise = trace.noise_in(latent, slope, now)
        return then.alpha / now.alpha * (latent - now.sigma * noise) + then.sigma * noise

    followers: list[Form] = []
    slopes: list[Form] = []
    for call, level in enumerate(trace.levels):
        timestep, output = int(level.timestep), trace.output(call)
        if call < len(warm_up):
            first, stage = call - call % 4, call % 4
            slope = output if stage < 3 else _sum(_RUNGE_KUTTA, [trace.output(first + each) for each in range(4)])
            slopes = [output, *slopes] if stage == 0 else slopes
            end = timestep - (stride // 2 if call % 2 == 0 else 0)
            followers.append(step(trace.latent(first), slope, warm_up[first], end))
        elif call == 1 and not warm_up:
            slope = (output + trace.output(0)) / 2
            followers.append(step(trace.latent(0), slope, timestep + stride, timestep))
        else:
            slopes = [output, *slopes[:3]]
            slope = _sum(_ADAMS_BASHFORTH[len(slopes) - 1], slopes)
            followers.append(step(trace.latent(call), slope, timestep, timestep - stride))
    return trace.plan(followers)


def _warm_up(rising: Sequence[int], half: int) -> list[int]:
    """Timesteps of the calls of the Runge-Kutta steps, from the last four of `rising`."""
    if len(rising) <= _WARM_UP:
        raise ValueError(f"PNDM with its warm-up takes at least {_WARM_UP + 1} steps, not {len(rising)}")
    middles = [timestep + offset for timestep in rising[-_WARM_UP - 1 :] for offset in (0, half)][:-1]
    return [timestep for timestep in middles for _ in range(2)][1:-1][::-1]


def _sum(weights: Sequence[float], forms: Sequence[Form]) -> Form:
    return np.add.reduce([weight * form for weight, form in zip(weights, forms, strict=True)])


def dpmpp_2m(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """DPM-Solver++(2M): Lu et al. 2022 (arXiv:2211.01095), algorithm 2."""
    return _dpmpp(config, steps, start, crowded=False, stochastic=False)


def dpmpp_2m_karras(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """The same through the noise levels of Karras et al. 2022 (arXiv:2206.00364), equation 5."""
    return _dpmpp(config, steps, start, crowded=True, stochastic=False)


def dpmpp_2m_sde(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """SDE-DPM-Solver++(2M): Lu et al. 2022 (arXiv:2211.01095), section 5.2 of its second version."""
    return _dpmpp(config, steps, start, crowded=False, stochastic=True)


def dpmpp_2m_sde_karras(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """The same through the noise levels of Karras et al. 2022 (arXiv:2206.00364), equation 5."""
    return _dpmpp(config, steps, start, crowded=True, stochastic=True)


def _dpmpp(config: SchedulerConfig, steps: int, start: int, *, crowded: bool, stochastic: bool) -> Plan:
    table = noise_table(config, beta_range=_BETAS, zero_snr="nearly")
    known = len(table.ratios) - int(
        np.searchsorted(-np.log(table.ratios)[::-1], config.number("lambda_min_clipped", -math.inf))
    )
    levels = _crowded_levels(config, table, steps) if crowded else _solver_levels(config, table, steps, known)
    end = _end(config, table.at(0).ratio)
    bent = config.choice("solver_type", "midpoint", "heun", "logrho", "bh1", "bh2") == "heun"
    few = config.flag("lower_order_final", True) and len(levels) < _FEW_STEPS
    plain_end = few or config.flag("euler_at_final", False) or end == CLEAN
    trace = Trace(levels[start:], config.prediction)
    followers: list[Form] = []
    for call, (now, then) in enumerate(zip(trace.levels, [*trace.levels[1:], end], strict=True)):
        left = then.ratio / now.ratio
        gain = 1 - left * left if stochastic else 1 - left
        form = then.sigma / now.sigma * (left if stochastic else 1) * trace.latent(call)
        form += then.alpha * gain * trace.clean(call)
        if stochastic:
            form += then.sigma * math.sqrt(max(0.0, gain)) * trace.fresh
        if 0 < call < len(trace.levels) - (1 if plain_end else 0) and then.ratio != now.ratio:
            way, before = _way(now, then), _way(trace.levels[call - 1], now)
            change = way / before * (trace.clean(call) - trace.clean(call - 1))
            weight = 1 - gain / (2 * way if stochastic else way) if bent else gain / 2
            form += then.alpha * weight * change
        followers.append(form)
    return trace.plan(followers)


def unipc(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """UniPC: Zhao et al. 2023 (arXiv:2302.04867), algorithms 5 and 6, for pictures (not noise) as data prediction."""
    if not config.flag("predict_x0", True):
        raise ValueError("scheduler_config.json asks for predict_x0 false, which is not supported")
    table = noise_table(config, beta_range=_BETAS, zero_snr="nearly")
    crowded = config.flag("use_karras_sigmas", False)
    levels = (
        _crowded_levels(config, table, steps, whole=True)
        if crowded
        else _solver_levels(config, table, steps, config.timesteps)
    )
    end = _end(config, levels[-1].ratio if crowded else table.at(0).ratio)
    most, early_end = int(config.number("solver_order", 2)), config.flag("lower_order_final", True)
    exponential = config.choice("solver_type", "bh2", "bh1", "midpoint", "heun", "logrho") != "bh1"
    uncorrected = config.numbers("disable_corrector")
    trace = Trace(levels[start:], config.prediction)
    followers: list[Form] = []
    foreseen: _Foreseen | None = None
    for call, (now, then) in enumerate(zip(trace.levels, [*trace.levels[1:], end], strict=True)):
        latent = trace.latent(call)
        if foreseen is not None and start + call - 1 not in uncorrected:
            latent = latent + foreseen.correction(trace.clean(call) - trace.clean(call - 1))
        order = min(most, call + 1, len(trace.levels) - call if early_end else most)
        foreseen = _foreseen(trace, call, then, order, exponential=exponential)
        plain = then.sigma / now.sigma * latent + then.alpha * (1 - then.ratio / now.ratio) * trace.clean(call)
        followers.append(plain + foreseen.bend)
    return trace.plan(followers)


@dataclass(frozen=True, eq=False)
class _Foreseen:
    """What a step of UniPC made of how the picture changed so far, and what puts it right afterwards."""

    bend: Form
    """What the predictor added to a step of first order."""
    settled: Form
    """What the corrector adds in its place, but for the newest change."""
    weight: float
    """Factor of the newest change in the corrector."""

    def correction(self, change: Form) -> Form:
        """What the latent must be changed by, now that the picture has changed by `change` in the step."""
        return self.settled + self.weight * change - self.bend


def _foreseen(trace: Trace, call: int, then: Level, order: int, *, exponential: bool) -> _Foreseen:
    """The B(h) variants of the paper, appendix A: bh2 with exp(h) - 1, bh1 with h."""
    now, nothing = trace.levels[call], np.zeros_like(trace.fresh)
    if then.ratio in (0.0, now.ratio):
        return _Foreseen(nothing, nothing, 0.0)
    way = _way(now, then)
    places = [_way(now, trace.levels[call - back]) / way for back in range(1, order)]
    changes = [(trace.clean(call - back) - trace.clean(call)) / place for back, place in enumerate(places, start=1)]
    scale = math.expm1(-way) if exponential else -way
    powers = np.vander([*places, 1.0], order, increasing=True).T
    targets = np.array(_phi(-way, order)) / scale
    predictor = [0.5] if order == 2 else np.linalg.solve(powers[:-1, :-1], targets[:-1])
    corrector = [0.5] if order == 1 else np.linalg.solve(powers, targets)
    factor = -then.alpha * scale
    bend = factor * _sum([*predictor, 0.0], [*changes, nothing])
    settled = factor * _sum([*corrector[:-1], 0.0], [*changes, nothing])
    return _Foreseen(bend, settled, factor * float(corrector[-1]))


def _phi(way: float, order: int) -> list[float]:
    """k! h phi_(k+1)(h) for k from 1 to `order`, with phi_1(h) = (exp(h) - 1) / h: the paper, equation 10."""
    values: list[float] = []
    phi, factorial = math.expm1(way) / way - 1, 1
    for power in range(1, order + 1):
        values.append(phi * factorial)
        factorial *= power + 1
        phi = phi / way - 1 / factorial
    return values


def _way(now: Level, then: Level) -> float:
    """How far it is between two levels: by how much the logarithm of alpha / sigma rises."""
    return math.log(now.ratio / then.ratio)


def _solver_levels(config: SchedulerConfig, table: NoiseTable, steps: int, known: int) -> list[Level]:
    timesteps = spaced_before_end(config, steps, known)
    ratios = between(table, timesteps)
    return _leveled(ratios, timesteps)


def _crowded_levels(config: SchedulerConfig, table: NoiseTable, steps: int, *, whole: bool = False) -> list[Level]:
    """Levels of Karras et al. 2022; the network is told the nearest whole timestep."""
    ratios, timesteps = karras(config, table, float(table.ratios[-1]), float(table.ratios[0]), steps)
    cosine = not whole and config.beta_schedule == "squaredcos_cap_v2"
    told = np.trunc(timesteps) if cosine else timesteps.round()
    return _leveled(ratios.astype(np.float32), told)


def _leveled(ratios: Floats, timesteps: Floats | npt.NDArray[np.int64]) -> list[Level]:
    if (ratios[1:] == ratios[:-1]).any():
        raise ValueError(f"a solver cannot take {len(ratios)} steps: two of them would be at the same noise level")
    return [level_of(float(ratio), float(timestep)) for ratio, timestep in zip(ratios, timesteps, strict=True)]


def _end(config: SchedulerConfig, least: float) -> Level:
    smallest = config.choice("final_sigmas_type", "zero", "sigma_min") == "sigma_min"
    return level_of(least) if smallest else CLEAN
