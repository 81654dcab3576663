"""Samplers whose rows share one call of the network, whatever their sampler, steps and progress.

A row is immutable: a step makes a new one, so that a step that failed can be taken again. What a sampler does is a
table of coefficients (`samplers_plan` says how and why), so `advance_all` is one weighted sum for all rows. With the
same noise, answers and generator each sampler gives what the scheduler of diffusers in its line of `_SAMPLERS` gives in
a `StableDiffusionPipeline` of the same checkpoint, from text and from a drawing, but for rounding.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Final

import torch

from postcards_image.engines.stable_diffusion.samplers import multistep, onestep
from postcards_image.engines.stable_diffusion.samplers.levels import SchedulerConfig
from postcards_image.engines.stable_diffusion.samplers.plan import Call, Plan
from postcards_serving.device.choice import send


@dataclass(frozen=True)
class _Sampler:
    """What stands behind the name of a sampler."""

    scheduler: str
    """The class of diffusers that does the same."""
    solve: Callable[[SchedulerConfig, int, int], Plan]
    """Its plan for a number of steps and the step with which it begins."""
    options: Mapping[str, object]
    """What its name decides, whatever the checkpoint's file says."""


_SOLVER: Final = "DPMSolverMultistepScheduler"

_SAMPLERS: Final[Mapping[str, _Sampler]] = {
    "pndm": _Sampler("PNDMScheduler", multistep.pndm, {}),
    "ddim": _Sampler("DDIMScheduler", onestep.ddim, {}),
    "ddpm": _Sampler("DDPMScheduler", onestep.ddpm, {}),
    "euler": _Sampler("EulerDiscreteScheduler", onestep.euler, {"use_karras_sigmas": False}),
    "euler-karras": _Sampler("EulerDiscreteScheduler", onestep.euler, {"use_karras_sigmas": True}),
    "euler-a": _Sampler("EulerAncestralDiscreteScheduler", onestep.euler_ancestral, {}),
    "heun": _Sampler("HeunDiscreteScheduler", onestep.heun, {}),
    "dpmpp-2m": _Sampler(_SOLVER, multistep.dpmpp_2m, {}),
    "dpmpp-2m-karras": _Sampler(_SOLVER, multistep.dpmpp_2m_karras, {}),
    "dpmpp-2m-sde": _Sampler(_SOLVER, multistep.dpmpp_2m_sde, {}),
    "dpmpp-2m-sde-karras": _Sampler(_SOLVER, multistep.dpmpp_2m_sde_karras, {}),
    "unipc": _Sampler("UniPCMultistepScheduler", multistep.unipc, {}),
}

SAMPLERS: Final = tuple(_SAMPLERS)
"""Names of the samplers."""

_REMEMBERED_PLANS = 8
"""Plans of one schedule that are kept: a strength begins with the same step each time."""


def sampler_of(config: Mapping[str, object], default: str = "pndm") -> str:
    """The sampler that a `scheduler_config.json` names; `default` where it names another."""
    named = config.get("_class_name")
    if named == _SOLVER:
        noisy = config.get("algorithm_type") == "sde-dpmsolver++"
        return "dpmpp-2m" + ("-sde" if noisy else "") + ("-karras" if config.get("use_karras_sigmas") else "")
    if named == "EulerDiscreteScheduler" and config.get("use_karras_sigmas"):
        return "euler-karras"
    return next((name for name, sampler in _SAMPLERS.items() if sampler.scheduler == named), default)


@dataclass(frozen=True, eq=False)
class Schedule:
    """A sampler with its number of steps for one checkpoint; for any number of rows."""

    sampler: str
    """One of `SAMPLERS`."""
    steps: int
    """From pure noise to picture; some samplers call the network more often."""
    whole: Plan
    """From the first step."""
    plan_from: Callable[[int], Plan]
    """The plan that begins with a later step, 0 to `steps - 1`; remembers the newest ones."""

    @property
    def needs_noise(self) -> bool:
        """Whether steps add fresh noise, for which a row needs a generator."""
        return any(call.noise != 0 for call in self.whole.calls)

    def plan(self, strength: float = 1.0) -> Plan:
        """What a row does that leaves the drawing it starts from by `strength`, 0 (no call at all) to 1 (all steps)."""
        begin = self.steps - int(self.steps * min(1.0, max(0.0, strength)))
        if begin == 0:
            return self.whole
        return self.plan_from(begin) if begin < self.steps else replace(self.whole, calls=())


def schedule_of(config: Mapping[str, object], sampler: str, steps: int) -> Schedule:
    """The schedule of a sampler for a checkpoint; takes a few milliseconds for 50 steps.

    Args:
        config: what the checkpoint's `scheduler_config.json` holds.
        sampler: one of `SAMPLERS`.
        steps: at least 1.

    Raises:
        ValueError: there is no such sampler, it cannot take as many steps, or the file asks for what is not supported.
    """
    if sampler not in _SAMPLERS:
        raise ValueError(f"there is no sampler {sampler!r}; there are {', '.join(SAMPLERS)}")
    chosen = _SAMPLERS[sampler]
    options = SchedulerConfig({**config, **chosen.options}, native=sampler == sampler_of(config, ""))
    if not 1 <= steps <= options.timesteps:
        raise ValueError(f"this model takes 1 to {options.timesteps} steps, not {steps}")

    def plan_from(start: int) -> Plan:
        return chosen.solve(options, steps, start)

    return Schedule(sampler, steps, plan_from(0), lru_cache(_REMEMBERED_PLANS)(plan_from))


@dataclass(frozen=True, eq=False)
class SamplerRow:
    """One picture between two calls of the network."""

    plan: Plan
    """What it does."""
    latent: torch.Tensor
    """What the network is shown next, [channels, height, width], float32; the finished latent at the end."""
    step: int = 0
    """Calls made."""
    memory: tuple[torch.Tensor, ...] = ()
    """What later steps need of earlier ones, each of the shape of `latent`."""
    generator_state: torch.Tensor | None = None
    """Of the generator of fresh noise, on the CPU; None where no noise is added."""
    seen: tuple[torch.Tensor, torch.Tensor] | None = None
    """The latent and the answer of the last call."""

    @property
    def steps(self) -> int:
        """Calls of the network from beginning to end."""
        return len(self.plan.calls)

    @property
    def finished(self) -> bool:
        """Whether no call is left."""
        return self.step >= self.steps

    @property
    def adds_noise(self) -> bool:
        """Whether the next step adds fresh noise. The row is not finished."""
        return self.plan.calls[self.step].noise != 0 and self.generator_state is not None

    @property
    def model_input(self) -> tuple[torch.Tensor, float]:
        """What the network is shown, and the timestep that it is told. The row is not finished."""
        return self.latent, self.plan.calls[self.step].timestep

    @property
    def estimate(self) -> torch.Tensor | None:
        """The picture without noise that the last call saw, as a latent; None before the first. Computed when asked."""
        if self.seen is None:
            return None
        of_latent, of_output = self.plan.calls[self.step - 1].clean
        latent, output = self.seen
        return of_latent * latent + of_output * output


def begin(
    schedule: Schedule,
    noise: torch.Tensor,
    *,
    init_latent: torch.Tensor | None = None,
    strength: float = 1.0,
    generator: torch.Generator | None = None,
) -> SamplerRow:
    """A row before its first call.

    Args:
        schedule: of its sampler.
        noise: standard normal, [channels, height, width], float32.
        init_latent: the latent of the drawing that it starts from, scaled for the UNet; None: nothing but noise.
        strength: how far it leaves the drawing: 0 is finished at once, 1 takes all steps, after which traces of the
            drawing are left. Without a drawing it has no meaning.
        generator: a generator on the CPU which has drawn `noise`, as that of a pipeline would have; left as it is.
            Needed by samplers that add noise.

    Raises:
        ValueError: a generator is needed.
    """
    if generator is None and schedule.needs_noise:
        raise ValueError(f"{schedule.sampler} adds noise and needs a generator")
    state = generator.get_state() if generator is not None and schedule.needs_noise else None
    noise = noise.float()
    if init_latent is None:
        return SamplerRow(schedule.whole, noise * schedule.whole.pure_noise, generator_state=state)
    plan = schedule.plan(strength)
    drawing = init_latent.to(noise)
    if plan.calls:
        drawing = plan.beginning.alpha * drawing + plan.beginning.sigma * noise
    return SamplerRow(plan, drawing, generator_state=state)


def advance(row: SamplerRow, output: torch.Tensor) -> SamplerRow:
    """The row after a call; the same bits as in any company.

    Args:
        row: not finished.
        output: what the network answered to its `model_input`, after guidance, of the shape of its latent.
    """
    return advance_all([row], output[None])[0]


def weights_of(rows: Sequence[SamplerRow]) -> list[list[float]]:
    """The numbers of a step, [terms][rows]: they are known before the network is asked.

    For each row the weights of its latent, of the answer, of what it remembers and of fresh noise, then 0.
    """
    weights = [
        (call.latent, call.output, *(weight for _, weight in call.recalled), *((call.noise,) if row.adds_noise else ()))
        for row, call in ((row, row.plan.calls[row.step]) for row in rows)
    ]
    return [list(column) for column in zip_longest(*weights, fillvalue=0.0)]


def advance_all(
    rows: Sequence[SamplerRow], outputs: torch.Tensor, weights: torch.Tensor | None = None
) -> list[SamplerRow]:
    """The rows after one call for all of them, in the same order.

    A row is a sum of at most `2 + memory` terms. It is taken term by term over the batch: few operations on the device
    for any number of rows, and for each row always the same additions in the same order.

    Args:
        rows: at least one; none finished, all latents of one shape and on one device.
        outputs: what the network answered to each, after guidance, [rows, channels, height, width].
        weights: what `weights_of` says of the rows, [terms, rows], float32, on their device; None: it is sent there.
    """
    outputs = outputs.float()
    latents = torch.stack([row.latent for row in rows])
    columns: torch.Tensor = (
        send(torch.tensor(weights_of(rows), dtype=torch.float32), str(latents.device)) if weights is None else weights
    )
    calls = [row.plan.calls[row.step] for row in rows]
    noises, states = _drawn(rows)
    others = [
        [*(row.memory[place] for place, _ in call.recalled), *noise]
        for row, call, noise in zip(rows, calls, noises, strict=True)
    ]
    of_latent, of_output, *of_others = columns[..., None, None, None].unbind()
    moved = of_latent * latents + of_output * outputs
    for place, of_term in enumerate(of_others):
        # A row with fewer terms adds its own latent zero times, which changes nothing.
        term = [terms[place] if place < len(terms) else row.latent for row, terms in zip(rows, others, strict=True)]
        moved = moved + of_term * torch.stack(term)
    return [
        _moved(row, call, latent, output, state)
        for row, call, latent, output, state in zip(rows, calls, moved, outputs, states, strict=True)
    ]


def _drawn(
    rows: Sequence[SamplerRow],
) -> tuple[list[tuple[torch.Tensor, ...]], list[torch.Tensor | None]]:
    """The fresh noise that a step adds to each row, one or none, and the states of the generators after it."""
    states = [row.generator_state for row in rows]
    drawn: dict[int, torch.Tensor] = {}
    for index, (row, state) in enumerate(zip(rows, states, strict=True)):
        if row.adds_noise and state is not None:
            generator = torch.Generator()
            generator.set_state(state)
            drawn[index] = torch.randn(row.latent.shape, generator=generator)
            states[index] = generator.get_state()
    if drawn:
        # All of it in one copy.
        sent = send(torch.stack([*drawn.values()]), str(rows[0].latent.device))
        drawn = dict(zip(drawn, sent, strict=True))
    return [(drawn[index],) if index in drawn else () for index in range(len(rows))], states


def _moved(
    row: SamplerRow, call: Call, latent: torch.Tensor, output: torch.Tensor, state: torch.Tensor | None
) -> SamplerRow:
    held = (row.latent, output, *row.memory)
    return replace(
        row,
        latent=latent,
        step=row.step + 1,
        memory=tuple(held[place] for place in call.keep),
        generator_state=state,
        seen=(row.latent, output),
    )
