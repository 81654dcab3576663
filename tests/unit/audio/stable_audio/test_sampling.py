"""The sampler of Stable Audio beside that of its own library, alone and in company."""

import contextlib
import io
import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="make setup-models brings it")

from postcards_audio.engines.stable_audio.checkpoint.libraries import import_libraries  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.model import Guided  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.pieces import MARGIN, pieces  # noqa: E402
from postcards_audio.engines.stable_audio.sampling import RowStepper, begin_row, noise_levels  # noqa: E402
from postcards_serving.errors import EngineFailed  # noqa: E402

TOLERANCE = 1e-4
SECONDS = 2.0


def asked(model, prompt="a bird", guidance=7.0, negative="", seconds=SECONDS):
    wanted = model.condition(prompt, seconds)
    return Guided(wanted) if guidance == 1 else Guided(wanted, model.against(negative, seconds, wanted), guidance)


def row(model, seed=0, steps=6, strength=1.0, rendering=None, alone=None, **told):
    levels = noise_levels(model, steps, strength)
    return begin_row(model, asked(model, **told), levels, seed, rendering=rendering, alone=alone)


def run(model, *rows):
    """All rows to their end, sharing steps; rows that finish leave."""
    stepper, rows = RowStepper(model), list(rows)
    while not all(state.finished for state in rows):
        aboard = [state for state in rows if not state.finished]
        moved = iter(stepper.step(aboard))
        rows = [state if state.finished else next(moved) for state in rows]
    return [state.noisy for state in rows]


def distance(one, other) -> float:
    return float((one - other).abs().max())


def by_the_library(model, seed=0, steps=6, guidance=7.0, negative="", seconds=SECONDS, prompt="a bird", **more):
    """What `generate_diffusion_cond` makes, which prints, warns and seeds the whole process."""
    import_libraries()
    from stable_audio_tools.inference.generation import generate_diffusion_cond

    def conditions(text):
        return [{"prompt": text, "seconds_start": 0, "seconds_total": seconds}]

    settings = {"sampler_type": "dpmpp-3m-sde", "sigma_min": 0.3, "sigma_max": 500, "return_latents": True} | more
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        return generate_diffusion_cond(
            model.network,
            steps=steps,
            cfg_scale=guidance,
            conditioning=conditions(prompt),
            negative_conditioning=conditions(negative) if negative else None,
            sample_size=model.description.frames * model.description.samples_per_frame,
            seed=seed,
            device="cpu",
            **settings,
        )[0]


@pytest.mark.parametrize(
    "call",
    [
        {"seed": 3, "steps": 12},
        {"seed": 2**63 - 25, "steps": 5, "negative": "speech", "prompt": "growl"},
        {"seed": 5, "steps": 9, "guidance": 1.0},
        {"seed": 6, "steps": 2, "guidance": 3.5, "seconds": 1.0},
    ],
)
def test_a_seed_gives_what_the_library_makes_of_it(stable_audio_model, call):
    ours, theirs = (
        run(stable_audio_model, row(stable_audio_model, **call))[0],
        by_the_library(stable_audio_model, **call),
    )
    assert theirs.std() > 0.3
    assert distance(ours, theirs) < TOLERANCE


def test_the_sound_is_the_beginning_of_the_librarys(stable_audio_model):
    model = stable_audio_model
    latents = run(model, row(model, seed=3))[0]
    whole = by_the_library(model, seed=3, return_latents=False).numpy()
    heard = np.concatenate([model.decode(latents, piece) for piece in pieces(22, model.description.frames)], axis=1)
    assert heard.shape == (2, 22 * 2048)
    assert np.abs(heard - whole[:, : 22 * 2048]).max() < TOLERANCE


def test_a_rendering_is_taken_up_as_the_library_takes_up_initial_audio(stable_audio_model, monkeypatch):
    model, frames = stable_audio_model, stable_audio_model.description.frames
    sound = (0.2 * np.random.default_rng(0).standard_normal((2, 30_000))).astype(np.float32)
    heard = 15 + MARGIN
    latents = model.join([*(model.encode(sound, piece) for piece in pieces(heard, frames)), model.silence(heard)])
    first = row(model, seed=9, steps=20, strength=0.3, rendering=latents)
    # The library draws the latents of a sound at random, very close to the means; here both take the means.
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    theirs = by_the_library(
        model,
        seed=9,
        steps=first.steps,
        init_audio=(44_100, torch.from_numpy(sound)),
        init_noise_level=first.levels[0],
    )
    assert first.steps == 6
    assert distance(run(model, first)[0], theirs) < TOLERANCE


def test_rows_in_company_are_what_they_are_alone(stable_audio_model):
    model = stable_audio_model
    rows = [
        row(model, seed=1, steps=4),
        row(model, seed=2, steps=9, prompt="whale", guidance=2.0, negative="engine"),
        row(model, seed=3, steps=6, guidance=1.0, seconds=0.5),
        row(model, seed=4, steps=7, strength=0.6, rendering=torch.zeros(8, 64)),
    ]
    alone = [run(model, state)[0] for state in rows]
    ahead = RowStepper(model).step(RowStepper(model).step(rows[1:2]))
    together = run(model, rows[0], *ahead, *rows[2:])
    assert max(distance(one, other) for one, other in zip(alone, together, strict=True)) < TOLERANCE


def test_a_step_taken_again_gives_the_same_and_leaves_its_rows_alone(stable_audio_model):
    stepper = RowStepper(stable_audio_model)
    rows = stepper.step([row(stable_audio_model, seed=1), row(stable_audio_model, seed=2)])
    before = [state.noisy.clone() for state in rows]
    once, again = stepper.step(rows), stepper.step(rows)
    assert all(torch.equal(one.noisy, other.noisy) for one, other in zip(once, again, strict=True))
    assert all(torch.equal(state.noisy, noisy) for state, noisy in zip(rows, before, strict=True))
    assert [state.step for state in (*rows, *once)] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"prompt": "deep whale growl"},
        {"negative": "wind"},
        {"guidance": 3.0},
        {"seconds": 1.0},
        {"steps": 7},
    ],
)
def test_everything_that_is_asked_for_is_heard(stable_audio_model, change):
    plain, changed = (
        run(stable_audio_model, row(stable_audio_model)),
        run(stable_audio_model, row(stable_audio_model, **change)),
    )
    assert distance(plain[0], changed[0]) > 1e-4


def test_rows_share_steps_unless_one_is_to_be_alone(stable_audio_model):
    stepper = RowStepper(stable_audio_model)
    groups = [stepper.group(row(stable_audio_model, alone=alone)) for alone in (None, None, 1, 2)]
    assert len(set(groups)) == 3
    assert groups[0] == groups[1]
    assert stepper.cost(row(stable_audio_model, guidance=1.0)) == 1
    assert stepper.cost(row(stable_audio_model)) == 2


def test_numbers_that_are_no_sound_end_their_row(stable_audio_model):
    begun = row(stable_audio_model)
    with pytest.raises(EngineFailed, match="no sound") as caught:
        RowStepper(stable_audio_model).step([replace(begun, noisy=begun.noisy * float("nan"))])
    assert caught.value.reason == "MODEL_DIVERGED"


def test_one_step_is_enough_where_the_library_has_none(stable_audio_model):
    assert torch.isfinite(run(stable_audio_model, row(stable_audio_model, steps=1))[0]).all()


@given(steps=st.integers(1, 300), strength=st.floats(0.01, 1))
def test_noise_levels_fall_to_none_in_the_share_of_steps_that_is_taken(stable_audio_model, steps, strength):
    levels = noise_levels(stable_audio_model, steps, strength)
    assert len(levels) - 1 == max(1, round(steps * strength))
    assert all(then < now for now, then in itertools.pairwise(levels))
    assert levels[-1] == 0
    assert levels[0] <= 500.001


@given(frames=st.integers(1, 1100), data=st.data())
def test_pieces_are_the_wanted_frames_each_once_with_a_margin(frames, data):
    wanted = data.draw(st.integers(1, frames))
    cut = list(pieces(wanted, frames))
    assert [frame for piece in cut for frame in range(piece.start, piece.stop)] == list(range(wanted))
    assert all(piece.first == max(0, piece.start - MARGIN) for piece in cut)
    assert all(piece.last == min(frames, piece.stop + MARGIN) for piece in cut)
