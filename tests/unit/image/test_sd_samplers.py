"""The samplers of Stable Diffusion, beside the schedulers and the pipelines of diffusers."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="make setup-models brings it")
diffusers = pytest.importorskip("diffusers", reason="make setup-models brings it")

from postcards_image.engines.stable_diffusion.samplers import (  # noqa: E402
    SAMPLERS,
    SamplerRow,
    Schedule,
    advance,
    advance_all,
    begin,
    sampler_of,
    schedule_of,
)

# diffusers turns tensors into arrays in a way that this numpy is tired of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

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
NO_ZERO_SNR = ("pndm", "heun")
"""Samplers whose schedulers do not know `rescale_betas_zero_snr`."""


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


def test_every_sampler_is_compared() -> None:
    assert set(SAMPLERS) == set(SCHEDULERS)


@pytest.mark.parametrize("config", [OF_VERSION_1, OF_VERSION_2], ids=["1.5", "2.1"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_text_to_image_equals_the_schedulers_of_diffusers(sampler: str, config: dict[str, object]) -> None:
    for steps in (1, 2, 3, 4, 5, 8, 14, 15, 20, 31, 50):
        assert distance(config, sampler, steps, Beginning()) < 2e-5, steps


@pytest.mark.parametrize("config", [OF_VERSION_1, OF_VERSION_2], ids=["1.5", "2.1"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_image_to_image_equals_the_schedulers_of_diffusers(sampler: str, config: dict[str, object]) -> None:
    for steps, strength in ((4, 0.3), (10, 0.95), (10, 0.8), (20, 0.1), (20, 0.5), (20, 1.0), (33, 0.61)):
        assert distance(config, sampler, steps, Beginning(strength=strength)) < 2e-5, (steps, strength)


CONFIGS = st.fixed_dictionaries(
    {
        "_class_name": st.sampled_from(["PNDMScheduler", "DDIMScheduler"]),
        "num_train_timesteps": st.sampled_from([1000, 400]),
        "beta_schedule": st.sampled_from(["linear", "scaled_linear"]),
        "beta_start": st.sampled_from([0.00085, 0.0001]),
        "beta_end": st.sampled_from([0.012, 0.02]),
        "prediction_type": st.sampled_from(["epsilon", "v_prediction"]),
        "steps_offset": st.just(1),
        "clip_sample": st.just(False),
    },
    optional={
        "timestep_spacing": st.sampled_from(["leading", "trailing", "linspace"]),
        "set_alpha_to_one": st.booleans(),
        "skip_prk_steps": st.booleans(),
        "lower_order_final": st.just(True),
        "euler_at_final": st.booleans(),
        "solver_type": st.sampled_from(["midpoint", "heun", "bh2"]),
        "final_sigmas_type": st.sampled_from(["zero", "sigma_min"]),
        "variance_type": st.sampled_from(["fixed_small", "fixed_large"]),
    },
)


@settings(max_examples=150, deadline=None)
@given(
    config=CONFIGS,
    sampler=st.sampled_from(SAMPLERS),
    steps=st.integers(4, 50),
    strength=st.none() | st.floats(0.25, 1),
    seed=st.integers(0, 1000),
)
def test_any_config_equals_the_schedulers_of_diffusers(
    config: dict[str, object], sampler: str, steps: int, strength: float | None, seed: int
) -> None:
    # See the test of the step that diffusers adds by a rounding error.
    trained = int(str(config["num_train_timesteps"]))
    assume(config.get("timestep_spacing") != "trailing" or len(np.arange(trained, 0, -trained / steps)) == steps)
    if "karras" in sampler:
        # There the last noise level comes twice, and diffusers divides by the difference.
        config = {**config, "final_sigmas_type": "zero"}
    assert distance(config, sampler, steps, Beginning(seed, strength)) < 5e-5


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name not in NO_ZERO_SNR])
@pytest.mark.parametrize("spacing", ["trailing", "linspace", "leading"])
def test_checkpoints_without_signal_at_the_last_timestep(sampler: str, spacing: str) -> None:
    config = {**OF_VERSION_2, "timestep_spacing": spacing, "rescale_betas_zero_snr": True}
    # Where noise is 4096 times as loud as the picture, Euler's method of diffusers is rough in float32.
    limit = 1e-3 if sampler.startswith("euler") else 1e-4
    for steps in (3, 12, 25):
        assert distance(config, sampler, steps, Beginning()) < limit, steps


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "pndm", "heun", "dpmpp-2m", "dpmpp-2m-karras", "unipc"])
def test_the_cosine_schedule(sampler: str) -> None:
    for prediction in ("epsilon", "v_prediction"):
        config = {**OF_VERSION_1, "beta_schedule": "squaredcos_cap_v2", "prediction_type": prediction}
        for steps in (6, 17, 40):
            assert distance(config, sampler, steps, Beginning()) < 2e-4, (prediction, steps)


@pytest.mark.parametrize(
    "options", [{"solver_order": 1}, {"solver_order": 3}, {"solver_type": "bh1", "solver_order": 3}]
)
def test_unipc_of_other_orders(options: dict[str, object]) -> None:
    # The end of diffusers' own is no number with bh1 down to zero.
    config = {**OF_VERSION_1, **options, "final_sigmas_type": "sigma_min"}
    for steps in (2, 5, 20):
        assert distance(config, "unipc", steps, Beginning()) < 1e-4, steps
    corrected = {**config, "disable_corrector": [0, 2]}
    assert distance(corrected, "unipc", 20, Beginning(strength=0.9)) < 1e-4


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "dpmpp-2m-sde"])
def test_solvers_that_stop_above_zero_end_in_second_order_from_15_steps_on(sampler: str) -> None:
    for solver in ("midpoint", "heun"):
        config = {**OF_VERSION_1, "final_sigmas_type": "sigma_min", "solver_type": solver}
        for steps in (13, 14, 15, 16):
            assert distance(config, sampler, steps, Beginning()) < 2e-5, (solver, steps)


def test_variances_given_one_by_one() -> None:
    betas = np.linspace(0.001, 0.02, 1000).tolist()
    for sampler in SAMPLERS:
        assert distance({**OF_VERSION_1, "trained_betas": betas}, sampler, 12, Beginning()) < 2e-5, sampler


def test_outdated_files_are_read_as_the_pipeline_reads_them() -> None:
    outdated = {**OF_VERSION_1, "steps_offset": 0, "clip_sample": True}
    for sampler in SAMPLERS:
        row = finish(row_of(schedule_of(outdated, sampler, 10), Beginning()))
        expected = finish(row_of(schedule_of(OF_VERSION_1, sampler, 10), Beginning()))
        assert torch.equal(row.latent, expected.latent), sampler


def test_a_step_that_diffusers_adds_by_a_rounding_error_is_not_taken() -> None:
    config = {**OF_VERSION_2, "timestep_spacing": "trailing"}
    for sampler in ("ddim", "euler", "dpmpp-2m", "unipc", "ddpm"):
        calls = schedule_of(config, sampler, 61).whole.calls
        assert len(calls) == 61
        assert min(call.timestep for call in calls) >= 0


@pytest.mark.parametrize(
    ("sampler", "config"),
    # PNDM goes on as the answers went so far, which v does not, however well a network knows it.
    [
        (name, config)
        for name in DETERMINISTIC
        for config in (OF_VERSION_1, OF_VERSION_2)
        if (name, config) != ("pndm", OF_VERSION_2)
    ],
)
def test_a_network_that_knows_the_picture_ends_in_it(sampler: str, config: dict[str, object]) -> None:
    """Whatever the sampler makes of its past: every estimate is the picture, and so is the end."""
    config = {**config, "set_alpha_to_one": True, "final_sigmas_type": "zero"}
    picture = torch.tanh(Beginning(3).draw()[0][0])
    row = row_of(schedule_of(config, sampler, 12), Beginning())
    assert row.estimate is None
    while not row.finished:
        of_latent, of_output = row.plan.calls[row.step].clean
        row = advance(row, (picture - of_latent * row.latent) / of_output)
        assert row.estimate is not None
        assert (row.estimate - picture).abs().max() < 1e-5
    assert (row.latent - picture).abs().max() < 1e-5


def test_the_estimate_is_what_diffusers_calls_the_original_sample() -> None:
    scheduler = diffusers.DDIMScheduler.from_config(OF_VERSION_2)
    scheduler.set_timesteps(10)
    row = row_of(schedule_of(OF_VERSION_2, "ddim", 10), Beginning())
    for timestep in scheduler.timesteps:
        assert row.model_input[1] == float(timestep)
        output = answer(row)
        expected = scheduler.step(output, timestep, row.latent).pred_original_sample
        row = advance(row, output)
        assert torch.allclose(row.estimate, expected, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_strength_zero_leaves_the_drawing_as_it_is(sampler: str) -> None:
    row = row_of(schedule_of(OF_VERSION_1, sampler, 20), Beginning(strength=0.0))
    assert row.finished
    assert torch.equal(row.latent, Beginning(strength=0.0).drawing()[0])


ROWS = st.tuples(
    st.sampled_from(SAMPLERS), st.integers(1, 12), st.none() | st.floats(0.3, 1), st.integers(0, 5), st.integers(0, 9)
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROWS, min_size=2, max_size=6))
def test_a_row_goes_its_way_bit_by_bit_in_any_company(
    rows: list[tuple[str, int, float | None, int, int]],
) -> None:
    """Rows of all samplers come aboard at different times and leave when they are finished."""
    begun = [
        row_of(schedule_of(OF_VERSION_1, sampler, steps), Beginning(seed, strength))
        for sampler, steps, strength, seed, _ in rows
    ]
    expected = [finish(row).latent for row in begun]
    waiting = [entry for *_, entry in rows]
    current = dict(enumerate(begun))
    moment = 0
    while not all(row.finished for row in current.values()):
        aboard = [index for index, row in current.items() if waiting[index] <= moment and not row.finished]
        moment += 1
        if not aboard:
            continue
        together = [current[index] for index in aboard]
        # The answers are taken one by one: what is tested is the samplers, not the arithmetic of networks.
        moved = advance_all(together, torch.stack([answer(row) for row in together]))
        current.update(zip(aboard, moved, strict=True))
    for index, row in current.items():
        assert torch.equal(row.latent, expected[index]), rows[index]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_step_can_be_taken_again(sampler: str) -> None:
    row = row_of(schedule_of(OF_VERSION_1, sampler, 8), Beginning())
    while not row.finished:
        before, output = row.latent.clone(), answer(row)
        row, again = advance(row, output), advance(row, output)
        assert torch.equal(row.latent, again.latent)
        assert not torch.equal(row.latent, before)


def test_half_precision_answers_are_summed_in_single_precision() -> None:
    row = row_of(schedule_of(OF_VERSION_1, "pndm", 8), Beginning())
    exact = finish(row).latent
    while not row.finished:
        row = advance(row, answer(row).half())
        assert row.latent.dtype == torch.float32
    assert 0 < (row.latent - exact).abs().max() < 0.05


def test_memory_holds_no_more_than_later_steps_need() -> None:
    held = dict.fromkeys(SAMPLERS, 0)
    for sampler in SAMPLERS:
        row = row_of(schedule_of(OF_VERSION_1, sampler, 30), Beginning())
        while not row.finished:
            row = advance(row, answer(row))
            held[sampler] = max(held[sampler], len(row.memory))
        assert row.memory == ()
    assert held["ddim"] == held["ddpm"] == held["euler"] == held["euler-a"] == 0
    assert held["pndm"] <= 3
    assert held["heun"] == held["dpmpp-2m"] == 2
    assert held["unipc"] <= 4


@pytest.mark.parametrize(
    ("config", "sampler", "steps", "words"),
    [
        (OF_VERSION_1, "euler-b", 20, "no sampler 'euler-b'"),
        (OF_VERSION_1, "ddim", 0, "1 to 1000 steps"),
        (OF_VERSION_1, "ddim", 1001, "1 to 1000 steps"),
        (OF_VERSION_1, "ddim", 1000, "timestep 1000"),
        (OF_VERSION_1, "dpmpp-2m", 1000, "same noise level"),
        ({**OF_VERSION_1, "skip_prk_steps": False}, "pndm", 3, "at least 4 steps"),
        ({**OF_VERSION_1, "thresholding": True}, "ddim", 20, "thresholding"),
        ({**OF_VERSION_1, "prediction_type": "sample"}, "ddim", 20, "prediction_type"),
        ({**OF_VERSION_1, "beta_schedule": "steep"}, "ddim", 20, "beta_schedule"),
        ({**OF_VERSION_1, "timestep_spacing": "even"}, "euler", 20, "timestep_spacing"),
        ({**OF_VERSION_1, "beta_start": "small"}, "euler", 20, "beta_start"),
        ({**OF_VERSION_1, "trained_betas": "small"}, "euler", 20, "trained_betas"),
        ({**OF_VERSION_1, "predict_x0": False}, "unipc", 20, "predict_x0"),
        ({**OF_VERSION_1, "variance_type": "learned"}, "ddpm", 20, "variance_type"),
        (
            {**OF_VERSION_1, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
            "ddim",
            20,
            "nothing but noise",
        ),
    ],
)
def test_what_cannot_be_done_is_said(config: dict[str, object], sampler: str, steps: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        schedule_of(config, sampler, steps)


def test_samplers_that_add_noise_ask_for_a_generator() -> None:
    noise = Beginning().draw()[0][0]
    for sampler in SAMPLERS:
        schedule = schedule_of(OF_VERSION_1, sampler, 5)
        assert schedule.needs_noise == (sampler not in DETERMINISTIC)
        if schedule.needs_noise:
            with pytest.raises(ValueError, match="generator"):
                begin(schedule, noise)
        else:
            assert not begin(schedule, noise).finished


def test_the_generator_is_left_as_it_is() -> None:
    noise, generator = Beginning().draw()
    before = generator.get_state()
    finish(begin(schedule_of(OF_VERSION_1, "euler-a", 5), noise[0], generator=generator))
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_checkpoint_names_its_sampler(sampler: str) -> None:
    name, options = SCHEDULERS[sampler]
    assert sampler_of({**OF_VERSION_1, "_class_name": name, **options}) == sampler


def test_a_checkpoint_that_names_no_sampler_gets_the_default() -> None:
    assert sampler_of({"_class_name": "LMSDiscreteScheduler"}) == "pndm"
    assert sampler_of({}, "ddim") == "ddim"


@pytest.fixture(scope="module")
def parts():
    """A small UNet and autoencoder, as random as a network can be, and what they are told."""
    pytest.importorskip("transformers", reason="make setup-models brings it")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        unet = diffusers.UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(16, 32),
            layers_per_block=1,
            norm_num_groups=8,
            cross_attention_dim=16,
            attention_head_dim=4,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        ).eval()
        vae = diffusers.AutoencoderKL(block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4).eval()
        words = torch.randn(2, 5, 16)
    return unet, vae, words


GUIDANCE = 5.0


def pipeline(kind: str, parts, config: Mapping[str, object], sampler: str):
    """A pipeline with its own scheduler, or another as its users change it."""
    unet, vae, _ = parts
    native = getattr(diffusers, str(config["_class_name"])).from_config(config)
    made = getattr(diffusers, kind)(
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        unet=unet,
        scheduler=native,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    made.set_progress_bar_config(disable=True)
    if sampler != sampler_of(config):
        name, options = SCHEDULERS[sampler]
        made.scheduler = getattr(diffusers, name).from_config(made.scheduler.config, **options)
    return made


@torch.no_grad()
def drawn_together(parts, rows: list[SamplerRow]) -> list[SamplerRow]:
    """All rows finished, with one call of the UNet for all that are left."""
    unet, _, words = parts
    done: list[SamplerRow] = list(rows)
    while aboard := [index for index, row in enumerate(done) if not row.finished]:
        latents, timesteps = zip(*(done[index].model_input for index in aboard), strict=True)
        told = torch.tensor([*timesteps, *timesteps])
        embeddings = words.repeat_interleave(len(aboard), 0)
        without, within = unet(torch.stack([*latents, *latents]), told, embeddings).sample.chunk(2)
        moved = advance_all([done[index] for index in aboard], without + GUIDANCE * (within - without))
        for index, row in zip(aboard, moved, strict=True):
            done[index] = row
    return done


@pytest.mark.parametrize(
    ("config", "samplers"),
    [(OF_VERSION_1, SAMPLERS), (OF_VERSION_2, ("pndm", "ddim", "euler", "dpmpp-2m"))],
    ids=["1.5", "2.1"],
)
@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers")
def test_rows_of_many_samplers_in_one_batch_equal_the_real_pipelines(
    parts, config: dict[str, object], samplers: tuple[str, ...]
) -> None:
    """Each row beside a pipeline of its own: from text, and from a drawing."""
    beginnings = [(sampler, 5 + place % 4, Beginning(place)) for place, sampler in enumerate(samplers)]
    beginnings += [(sampler, 10 + place % 2, Beginning(9, 0.7)) for place, sampler in enumerate(samplers)]
    rows = drawn_together(parts, [row_of(schedule_of(config, name, steps), own) for name, steps, own in beginnings])
    _, _, words = parts
    for row, (sampler, steps, own) in zip(rows, beginnings, strict=True):
        told = {"prompt_embeds": words[1:], "negative_prompt_embeds": words[:1], "guidance_scale": GUIDANCE}
        generator = torch.Generator().manual_seed(own.seed)
        if own.strength is None:
            made = pipeline("StableDiffusionPipeline", parts, config, sampler)
            told |= {"height": 16, "width": 16}
        else:
            made = pipeline("StableDiffusionImg2ImgPipeline", parts, config, sampler)
            told |= {"image": own.drawing(), "strength": own.strength}
        expected = made(**told, num_inference_steps=steps, generator=generator, output_type="latent").images[0]
        assert row.latent.shape == expected.shape
        limit = 1e-4 * max(1.0, float(expected.abs().max()))
        assert (row.latent - expected).abs().max() < limit, (sampler, own)


@pytest.mark.parametrize("native", ["PNDMScheduler", "DDIMScheduler", "EulerDiscreteScheduler"])
@pytest.mark.parametrize("outdated", [{}, {"steps_offset": 0}])
@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers")
def test_timesteps_of_outdated_files_are_those_of_the_pipelines(
    parts, native: str, outdated: dict[str, object]
) -> None:
    """The pipelines mend a `steps_offset`, but not what was left to the default of another scheduler."""
    config = {**OF_VERSION_1, "_class_name": native, "timestep_spacing": "leading", **outdated}
    if not outdated:
        del config["steps_offset"]
    offsets = set()
    for sampler in SAMPLERS:
        made = pipeline("StableDiffusionPipeline", parts, config, sampler)
        made.scheduler.set_timesteps(10)
        calls = schedule_of(config, sampler, 10).whole.calls
        assert [call.timestep for call in calls] == pytest.approx(made.scheduler.timesteps.tolist()), sampler
        offsets.add(calls[-1].timestep)
    assert 1.0 in offsets
