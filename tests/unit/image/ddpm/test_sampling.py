"""The samplers on data whose exact answer is known: clouds of normal pictures around one picture for each class."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_image.engines.ddpm.denoiser import Denoiser
from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.sampling import (
    Question,
    Row,
    RowStepper,
    Sampler,
    begin_row,
    noise_levels,
    starting_noise,
)

SIZE = 4
SPREAD = 0.25
MODEL = ModelDescription(
    "known", SIZE, data_scale=2.0, prediction_type="sample", beta_schedule="squaredcos_cap_v2", labels=3, any_class=2
)
CENTRES = np.random.default_rng(7).uniform(-1, 1, (3, 3, SIZE, SIZE)).astype(np.float32)


class KnownNetwork:
    """The best denoiser there can be of normal pictures with standard deviation `SPREAD` around `CENTRES`."""

    description = MODEL

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict(self, sample, timestep, class_weights):
        self.calls.append(len(sample))
        sigma = Denoiser(self).schedule.sigma_of(timestep)[:, None, None, None]
        noisy = sample * np.sqrt(1 + sigma**2)
        centre = np.tensordot(class_weights, CENTRES, 1)
        return (centre + (noisy - centre) * SPREAD**2 / (SPREAD**2 + sigma**2)).astype(np.float32)

    def close(self) -> None:
        pass


def classes(*weights: float) -> np.ndarray:
    return np.array(weights, np.float32)


FIRST_CLASS = (Question(classes(1, 0, 0)),)


def stepper() -> tuple[RowStepper, Denoiser, KnownNetwork]:
    network = KnownNetwork()
    denoiser = Denoiser(network)
    return RowStepper(denoiser), denoiser, network


def row(sampler=Sampler.DPMPP_2M, steps=20, seed=1, strength=1.0, asked=FIRST_CLASS, drawing=None) -> Row:
    _, denoiser, _ = stepper()
    sigmas = noise_levels(denoiser.schedule, sampler, steps, strength)
    questions = (tuple(asked),) * (len(sigmas) - 1)
    return begin_row(sampler, sigmas, questions, starting_noise(seed, SIZE), drawing=drawing, seed=seed)


def finished(state: Row, to: RowStepper) -> Row:
    while not to.finished(state):
        (state,) = to.step([state])
    return state


def exact(state: Row, centre: np.ndarray) -> np.ndarray:
    """Where the probability flow takes a row, solved by hand."""
    return centre + (state.noisy - centre) * SPREAD / math.sqrt(SPREAD**2 + state.sigmas[0] ** 2)


@pytest.mark.parametrize("sampler", [Sampler.DPMPP_2M, Sampler.EULER, Sampler.DDIM])
def test_more_steps_come_closer_to_the_exact_picture(sampler):
    to, _, _ = stepper()
    errors = []
    for steps in (10, 40, 160):
        begun = row(sampler, steps)
        errors.append(np.abs(finished(begun, to).noisy - exact(begun, CENTRES[0])).max())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02


def test_the_second_order_sampler_needs_fewer_steps():
    to, _, _ = stepper()
    second, first = (
        np.abs(finished(begun, to).noisy - exact(begun, CENTRES[0])).max()
        for begun in (row(Sampler.DPMPP_2M, 20), row(Sampler.EULER, 20))
    )
    assert second < first / 3


def test_ancestral_samples_are_spread_like_the_data():
    to, _, _ = stepper()
    states = [row(Sampler.DDPM, 100, seed) for seed in range(60)]
    while not to.finished(states[0]):
        states = list(to.step(states))
    off = np.stack([state.noisy for state in states]) - CENTRES[0]
    assert abs(off.mean()) < 0.02
    assert off.std() == pytest.approx(SPREAD, rel=0.1)


def test_guidance_goes_beyond_the_class_and_away_from_any():
    to, _, _ = stepper()
    asked = (Question(classes(0, 1, 0), 2.0), Question(classes(0, 0, 1), -1.0))
    begun = row(steps=80, asked=asked)
    target = np.clip(2 * CENTRES[1] - CENTRES[2], -2, 2)
    assert np.abs(finished(begun, to).noisy - target).mean() < 3 * SPREAD


def test_rows_of_every_kind_share_one_call():
    to, _, network = stepper()
    guided = (Question(classes(0, 1, 0), 3.0), Question(classes(0, 0, 1), -2.0))
    rows = [row(steps=5), row(Sampler.DDIM, 30, 2, 0.5, guided, CENTRES[0]), row(Sampler.DDPM, 9, 3)]
    to.step(rows)
    assert network.calls == [4]
    assert len({to.group(state) for state in rows}) == 1


def test_a_row_that_must_be_alone_shares_no_step():
    to, _, _ = stepper()
    _, denoiser, _ = stepper()
    sigmas = noise_levels(denoiser.schedule, Sampler.EULER, 4)
    first, second = (
        begin_row(Sampler.EULER, sigmas, (FIRST_CLASS,) * 4, starting_noise(1, SIZE), alone=True) for _ in range(2)
    )
    assert len({to.group(first), to.group(second), to.group(row())}) == 3
    (later,) = to.step([first])
    assert to.group(later) is to.group(first)


def test_a_step_may_be_taken_again():
    to, _, _ = stepper()
    begun = row(Sampler.DDPM, 9)
    before = begun.noisy.copy()
    (first,), (second,) = to.step([begun]), to.step([begun])
    assert np.array_equal(begun.noisy, before)
    assert begun.step == 0
    assert np.array_equal(first.noisy, second.noisy)


rows = st.builds(
    row,
    sampler=st.sampled_from(Sampler),
    steps=st.integers(1, 40),
    seed=st.integers(0, 2**64 - 1),
    strength=st.floats(0.05, 1),
    asked=st.sampled_from(
        [
            (Question(classes(0.5, 0.5, 0)),),
            (Question(classes(0, 1, 0), 4.0), Question(classes(0, 0, 1), -3.0)),
            (Question(classes(1, 0, 0), 0.7), Question(classes(0, 1, 0), 0.8), Question(classes(0, 0, 1), -0.5)),
        ]
    ),
    drawing=st.sampled_from([None, CENTRES[1]]),
)


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=5))
def test_a_row_comes_out_as_if_it_were_alone(states):
    to, _, _ = stepper()
    alone = [finished(state, to).noisy for state in states]
    while any(not state.finished for state in states):
        advanced = iter(to.step([state for state in states if not state.finished]))
        states = [state if state.finished else next(advanced) for state in states]
    for state, expected in zip(states, alone, strict=True):
        assert np.abs(state.noisy - expected).max() < 1e-4


@given(st.sampled_from(Sampler), st.integers(1, 1000), st.floats(0, 1))
def test_noise_levels_fall_to_nothing(sampler, steps, strength):
    _, denoiser, _ = stepper()
    sigmas = noise_levels(denoiser.schedule, sampler, steps, strength)
    assert sigmas[-1] == 0
    assert all(later < earlier for earlier, later in itertools.pairwise(sigmas))
    assert len(sigmas) - 1 <= steps
    assert (len(sigmas) == 1) == (strength == 0)


def test_strength_is_the_share_of_the_steps_that_is_taken():
    _, denoiser, _ = stepper()
    assert [len(noise_levels(denoiser.schedule, Sampler.DPMPP_2M, 20, s)) - 1 for s in (0, 0.25, 0.5, 1)] == [
        0,
        5,
        10,
        20,
    ]
    firsts = [noise_levels(denoiser.schedule, Sampler.DPMPP_2M, 20, s)[0] for s in (0.25, 0.5, 0.75, 1)]
    assert firsts == sorted(firsts)
    assert firsts[-1] == pytest.approx(denoiser.schedule.sigma_max)


def test_without_strength_the_drawing_is_kept():
    begun = row(strength=0.0, drawing=CENTRES[2])
    assert begun.finished
    assert np.array_equal(begun.noisy, CENTRES[2])


def test_a_weak_start_stays_closer_to_the_drawing_than_a_strong_one():
    to, _, _ = stepper()
    drawing = CENTRES[0] + np.float32(0.5)
    far = [np.abs(finished(row(strength=s, drawing=drawing), to).noisy - drawing).mean() for s in (0.1, 0.4, 0.9)]
    assert far == sorted(far)
    assert far[0] < 0.3 < far[2]


def test_noise_follows_from_the_seed_alone():
    assert np.array_equal(starting_noise(5, SIZE), starting_noise(5, SIZE))
    assert not np.array_equal(starting_noise(5, SIZE), starting_noise(5 + 2**32, SIZE))
