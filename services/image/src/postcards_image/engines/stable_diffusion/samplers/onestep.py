"""Samplers that take each step from what they see at its beginning: DDIM, DDPM, Euler's and Heun's methods.

Each function runs one on forms (see `samplers_plan`), from the step of the schedule with which a row begins: 0, or
later when it starts from a drawing.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from postcards_image.engines.stable_diffusion.samplers.levels import (
    NoiseTable,
    SchedulerConfig,
    between,
    karras,
    level_of,
    noise_table,
    spaced,
    spaced_finely,
)
from postcards_image.engines.stable_diffusion.samplers.plan import CLEAN, Form, Level, Plan, Trace

_BETAS: Final = (0.0001, 0.02)
_HEUN_BETAS: Final = (0.00085, 0.012)


def ddim(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """Song et al. 2020 (arXiv:2010.02502), equation 12 without noise (eta 0)."""
    table = noise_table(config, beta_range=_BETAS, zero_snr="exact")
    final = CLEAN if config.flag("set_alpha_to_one", True) else table.at(0)
    timesteps = [int(timestep) for timestep in spaced(config, "leading", steps)[start:]]
    # As long as a step of the leading spacing in all spacings: so diffusers goes on, and users compare with that.
    stride = config.timesteps // steps
    ahead = [table.at(timestep - stride) if timestep >= stride else final for timestep in timesteps]
    trace = Trace([table.at(timestep) for timestep in timesteps], config.prediction)
    return trace.plan(
        [level.alpha * trace.clean(call) + level.sigma * trace.noise(call) for call, level in enumerate(ahead)]
    )


def ddpm(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """Ho et al. 2020 (arXiv:2006.11239), equations 6 and 7, over every so many training timesteps."""
    table = noise_table(config, beta_range=_BETAS, zero_snr="exact")
    variance = config.choice("variance_type", "fixed_small", "fixed_small_log", "fixed_large")
    levels = [table.at(int(timestep)) for timestep in spaced(config, "leading", steps)[start:]]
    trace = Trace(levels, config.prediction)
    followers: list[Form] = []
    for call, (now, then) in enumerate(zip(levels, [*levels[1:], CLEAN], strict=True)):
        left = (now.alpha / then.alpha) ** 2
        mean = then.alpha * (1 - left) / now.sigma**2 * trace.clean(call)
        mean += math.sqrt(left) * (then.sigma / now.sigma) ** 2 * trace.latent(call)
        spread = math.sqrt(1 - left) * (1 if variance == "fixed_large" else then.sigma / now.sigma)
        followers.append(mean + (spread if now.timestep > 0 else 0) * trace.fresh)
    return trace.plan(followers)


def euler(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """Euler's method on the probability flow: Karras et al. 2022 (arXiv:2206.00364), algorithm 1 to first order."""
    config.choice("interpolation_type", "linear")
    if config.prediction == "v_prediction":
        config.choice("timestep_type", "discrete")
    table = noise_table(config, beta_range=_BETAS, zero_snr="nearly")
    levels = _fine_levels(config, table, steps)
    last = table.at(0).ratio if config.choice("final_sigmas_type", "zero", "sigma_min") == "sigma_min" else 0.0
    trace = Trace(levels[start:], config.prediction)
    followers: list[Form] = []
    for call, then in enumerate(_ratios_after(trace, last)):
        followers.append(_shown(trace, call) * (trace.clean(call) + then * trace.noise(call)))
    return trace.plan(followers, pure_noise=_first_scale(config, levels))


def euler_ancestral(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """Steps below the next noise level and adds fresh noise up to it; `sample_euler_ancestral` of k-diffusion."""
    levels = _fine_levels(config, noise_table(config, beta_range=_BETAS, zero_snr="nearly"), steps, may_crowd=False)
    trace = Trace(levels[start:], config.prediction)
    followers: list[Form] = []
    for call, then in enumerate(_ratios_after(trace, 0.0)):
        now = trace.levels[call].ratio
        added = then * math.sqrt(max(0.0, now**2 - then**2)) / now
        form = trace.clean(call) + math.sqrt(then**2 - added**2) * trace.noise(call) + added * trace.fresh
        followers.append(_shown(trace, call) * form)
    return trace.plan(followers, pure_noise=_first_scale(config, levels))


def heun(config: SchedulerConfig, steps: int, start: int) -> Plan:
    """Karras et al. 2022 (arXiv:2206.00364), algorithm 1: two calls a step, but one for the last."""
    levels = _fine_levels(config, noise_table(config, beta_range=_HEUN_BETAS, zero_snr="no"), steps)
    rest = levels[start:]
    trace = Trace([rest[0], *(level for level in rest[1:] for _ in range(2))], config.prediction)
    followers: list[Form] = []
    for now, then in pairwise(rest):
        call = len(followers)
        tried = trace.clean(call) + then.ratio * trace.noise(call)
        slope = (trace.noise(call) + trace.noise(call + 1)) / 2
        corrected = trace.latent(call) / now.alpha + (then.ratio - now.ratio) * slope
        followers += [then.alpha * tried, then.alpha * corrected]
    return trace.plan([*followers, trace.clean(len(followers))], pure_noise=_first_scale(config, levels))


def _fine_levels(config: SchedulerConfig, table: NoiseTable, steps: int, *, may_crowd: bool = True) -> list[Level]:
    timesteps = spaced_finely(config, steps)
    ratios = between(table, timesteps)
    if may_crowd and config.flag("use_karras_sigmas", False):
        ratios, timesteps = karras(config, table, float(ratios[0]), float(ratios[-1]), steps)
    return [level_of(float(ratio), float(timestep)) for ratio, timestep in zip(ratios, timesteps, strict=True)]


def _ratios_after(trace: Trace, last: float) -> Sequence[float]:
    return [*(level.ratio for level in trace.levels[1:]), last]


def _shown(trace: Trace, call: int) -> float:
    """The factor from picture and noise for one part of picture to the latent of the next call, or to the result."""
    return trace.levels[call + 1].alpha if call + 1 < len(trace.levels) else 1.0


def _first_scale(config: SchedulerConfig, levels: Sequence[Level]) -> float:
    """How loud pure noise begins: with the variance of picture and noise together, or of the noise alone."""
    leading = config.choice("timestep_spacing", "linspace", "trailing", "leading") == "leading"
    return 1.0 if leading else levels[0].sigma
