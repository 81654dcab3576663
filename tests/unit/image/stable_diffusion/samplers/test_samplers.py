"""The samplers of Stable Diffusion: their choice, their rows in company, their memory, and what they refuse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")

from postcards_image.engines.stable_diffusion.samplers.batch import (  # noqa: E402
    SAMPLERS,
    advance,
    advance_all,
    begin,
    sampler_of,
    schedule_of,
)
from sampler_references import (  # noqa: E402
    DETERMINISTIC,
    OF_VERSION_1,
    OF_VERSION_2,
    SCHEDULERS,
    Beginning,
    answer,
    finish,
    row_of,
)

# diffusers turns tensors into arrays in a way that this numpy is tired of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


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
