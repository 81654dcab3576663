"""The samplers of Stable Diffusion, number by number beside the schedulers of diffusers."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="make setup-models brings it")
diffusers = pytest.importorskip("diffusers", reason="make setup-models brings it")

from postcards_image.engines.stable_diffusion.samplers.batch import SAMPLERS, advance, schedule_of  # noqa: E402
from sampler_references import (  # noqa: E402
    OF_VERSION_1,
    OF_VERSION_2,
    SCHEDULERS,
    Beginning,
    answer,
    distance,
    finish,
    row_of,
)

# diffusers turns tensors into arrays in a way that this numpy is tired of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
NO_ZERO_SNR = ("pndm", "heun")
"""Samplers whose schedulers do not know `rescale_betas_zero_snr`."""


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
