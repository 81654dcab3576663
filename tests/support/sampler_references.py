"""The samplers of Stable Diffusion beside the schedulers of diffusers, on a network that both are told of."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

import diffusers
import torch

from postcards_image.engines.stable_diffusion.samplers.batch import (
    SAMPLERS,
    SamplerRow,
    Schedule,
    advance,
    begin,
    schedule_of,
)

SHAPE = (4, 8, 8)
OF_VERSION_1 = {
    "_class_name": "PNDMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
OF_VERSION_2 = {**OF_VERSION_1, "_class_name": "DDIMScheduler", "prediction_type": "v_prediction"}
SOLVER = {"solver_order": 2, "algorithm_type": "dpmsolver++", "use_karras_sigmas": False}
SCHEDULERS = {
    "pndm": ("PNDMScheduler", {}),
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {"use_karras_sigmas": False}),
    "euler-karras": ("EulerDiscreteScheduler", {"use_karras_sigmas": True}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpmpp-2m": ("DPMSolverMultistepScheduler", SOLVER),
    "dpmpp-2m-karras": ("DPMSolverMultistepScheduler", {**SOLVER, "use_karras_sigmas": True}),
    "dpmpp-2m-sde": ("DPMSolverMultistepScheduler", {**SOLVER, "algorithm_type": "sde-dpmsolver++"}),
    "dpmpp-2m-sde-karras": (
        "DPMSolverMultistepScheduler",
        {**SOLVER, "algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True},
    ),
    "unipc": ("UniPCMultistepScheduler", {}),
}
DETERMINISTIC = sorted(set(SAMPLERS) - {"ddpm", "euler-a", "dpmpp-2m-sde", "dpmpp-2m-sde-karras"})


def network(latent, timestep):
    """Some smooth function of a latent, its neighbours and the timestep; in the precision of the latent."""
    told = torch.as_tensor(timestep, dtype=latent.dtype).reshape(-1, 1, 1, 1)
    return 0.6 * torch.sin(1.3 * latent + told / 300) + 0.3 * latent.roll(1, -1)


@dataclass
class Beginning:
    """What a row begins with, for both sides."""

    seed: int = 7
    strength: float | None = None
    """None: no drawing."""

    def draw(self):
        generator = torch.Generator().manual_seed(self.seed)
        noise = torch.randn((1, *SHAPE), generator=generator)
        return noise, generator

    def drawing(self):
        return torch.randn((1, *SHAPE), generator=torch.Generator().manual_seed(self.seed + 1)) * 0.8


def reference(config: Mapping[str, object], sampler: str, steps: int, beginning: Beginning):
    """What diffusers makes, with its tables in float64 where it lets them be."""
    name, options = SCHEDULERS[sampler]
    scheduler = getattr(diffusers, name).from_config(config, **options)
    scheduler.set_timesteps(steps)
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    if hasattr(scheduler, "sigmas"):
        scheduler.sigmas = scheduler.sigmas.double()
    start = 0 if beginning.strength is None else steps - int(steps * beginning.strength)
    timesteps = scheduler.timesteps[start * scheduler.order :]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(start * scheduler.order)
    noise, generator = beginning.draw()
    noise = noise.double()
    latent = noise * scheduler.init_noise_sigma
    if beginning.strength is not None:
        latent = scheduler.add_noise(beginning.drawing().double(), noise, timesteps[:1])
    draws = "generator" in inspect.signature(scheduler.step).parameters
    for timestep in timesteps:
        output = network(scheduler.scale_model_input(latent, timestep), timestep)
        if draws:
            # As a pipeline in float32 draws it.
            scheduler_output = scheduler.step(output.float(), timestep, latent, generator=generator)
        else:
            scheduler_output = scheduler.step(output, timestep, latent)
        latent = scheduler_output.prev_sample.double()
    return latent[0]


def row_of(schedule: Schedule, beginning: Beginning) -> SamplerRow:
    noise, generator = beginning.draw()
    if beginning.strength is None:
        return begin(schedule, noise[0], generator=generator)
    drawing = beginning.drawing()[0]
    return begin(schedule, noise[0], init_latent=drawing, strength=beginning.strength, generator=generator)


def answer(row: SamplerRow):
    latent, timestep = row.model_input
    return network(latent[None], timestep)[0]


def finish(row: SamplerRow) -> SamplerRow:
    while not row.finished:
        row = advance(row, answer(row))
    return row


def distance(config: Mapping[str, object], sampler: str, steps: int, beginning: Beginning) -> float:
    """Between ours and theirs, as a share of the largest number where that is above 1."""
    ours = finish(row_of(schedule_of(config, sampler, steps), beginning)).latent
    theirs = reference(config, sampler, steps, beginning)
    return float((ours - theirs).abs().max() / max(1.0, float(theirs.abs().max())))
