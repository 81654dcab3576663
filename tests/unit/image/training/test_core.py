"""The parts of the trainer: what a step sees, what it learns, what is averaged, what is kept."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs torch: make setup-train")

from postcards_image.engines.ddpm.noise_schedule import NoiseSchedule, denoised, network_input  # noqa: E402
from postcards_image.engines.ddpm.unet.network import MixedEmbedding  # noqa: E402
from postcards_image.training.data.augmentation import View, choose_view, show  # noqa: E402
from postcards_image.training.data.batches import Batches  # noqa: E402
from postcards_image.training.data.photos import Photos  # noqa: E402
from postcards_image.training.loop import checkpoints  # noqa: E402
from postcards_image.training.loop.checkpoints import Checkpoint, Position  # noqa: E402
from postcards_image.training.network.averaging import AveragedWeights, exponent  # noqa: E402
from postcards_image.training.network.building import build, describe  # noqa: E402
from postcards_image.training.network.objective import Loss  # noqa: E402
from postcards_image.training.recipe import AUGMENTATION_LABELS, PRESETS, Recipe, with_budget  # noqa: E402

SMALL = Recipe(
    resolution=16, patch_size=2, channels=(16, 16), attention=(1,), batch_size=4, warm_up=1, epochs=2, augmentation=0.5
)


@pytest.fixture(scope="module")
def photos() -> Photos:
    random = np.random.default_rng(3)
    images = random.integers(0, 255, (10, 20, 20, 3), dtype=np.uint8)
    return Photos(images, np.arange(10) % 3, ("crab", "emu", "tick"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"resolution": 18}, "resolution"),
        ({"attention": (2,)}, "attention"),
        ({"epochs": None}, "epochs"),
    ],
)
def test_a_recipe_that_does_not_fit_together_is_refused(changes, field):
    with pytest.raises(ValueError, match=field):
        replace(SMALL, **changes)


def test_a_given_end_replaces_both_of_a_preset():
    assert with_budget(PRESETS["quick"], epochs=3, minutes=None).minutes is None
    assert with_budget(PRESETS["author"], epochs=None, minutes=1).epochs is None
    assert with_budget(PRESETS["best"], epochs=None, minutes=None) == PRESETS["best"]


def test_the_authors_preset_is_as_he_gave_it():
    author = PRESETS["author"]
    assert (author.resolution, author.batch_size, author.channels, author.epochs) == (16, 16, (32, 64, 128, 256), 10)


def test_every_photograph_is_seen_once_before_one_is_seen_again(photos):
    recipe = replace(SMALL, augmentation=0.0, batch_size=5, class_conditional=False)
    batches = Batches(photos, recipe, describe(recipe, photos.classes, "t"), 0, 1)

    pictures = np.concatenate([batches.batch(step).pictures for step in (0, 1)])

    upright = [show(photo, View(mirrored=False), 16) for photo in photos.images]
    mirrored = [show(photo, View(mirrored=True), 16) for photo in photos.images]
    seen = [
        next(i for i in range(10) if np.array_equal(p, upright[i]) or np.array_equal(p, mirrored[i])) for p in pictures
    ]
    assert sorted(seen) == list(range(10))


def test_processes_share_the_photographs_of_a_step(photos):
    description = describe(SMALL, photos.classes, "t")
    together = Batches(photos, replace(SMALL, batch_size=8), description, 0, 1).batch(3)
    apart = [Batches(photos, SMALL, description, process, 2).batch(3) for process in (0, 1)]

    assert np.array_equal(together.pictures, np.concatenate([batch.pictures for batch in apart]))
    assert np.array_equal(together.class_weights, np.concatenate([batch.class_weights for batch in apart]))


def test_a_class_is_told_or_withheld_and_the_augmentation_is_told(photos):
    description = describe(SMALL, photos.classes, "t")
    weights = np.concatenate(
        [Batches(photos, SMALL, description, 0, 1).batch(step).class_weights for step in range(50)]
    )

    assert weights.shape == (200, 3 + 1 + AUGMENTATION_LABELS)
    assert np.array_equal(weights[:, :4].sum(axis=1), np.ones(200))
    assert 0 < weights[:, 3].mean() < 0.3
    assert 0.3 < np.any(weights[:, 4:], axis=1).mean() < 0.7


@given(seed=st.integers(0, 2**32), share=st.floats(0, 1))
def test_a_view_keeps_the_range_and_the_shape(seed, share):
    photo = np.random.default_rng(seed).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    seen = show(photo, choose_view(np.random.default_rng(seed), share), 16)
    assert seen.shape == (3, 16, 16)
    assert seen.dtype == np.float32
    assert -1 <= seen.min() <= seen.max() <= 1


def test_labels_tell_which_way_a_picture_was_moved():
    photo = np.zeros((40, 40, 3), np.uint8)
    photo[18:22, 18:22] = 255
    labels = [0.0] * AUGMENTATION_LABELS
    labels[3], labels[4] = 0.2, -0.1
    for mirrored in (False, True):
        seen = show(photo, View(mirrored, tuple(labels)), 40)[0] > 0
        down, right = (np.argwhere(seen).mean(axis=0) - 19.5) / 40
        assert (right, down) == pytest.approx((0.2, -0.1), abs=0.03)


@given(sigma=st.floats(0.05, 20), kind=st.sampled_from(["v_prediction", "epsilon", "sample"]))
def test_a_perfect_prediction_gives_the_clean_picture(sigma, kind):
    random = np.random.default_rng(0)
    clean, noise = random.standard_normal((2, 1, 3, 4, 4)).astype(np.float32)
    size = math.sqrt(1 + sigma**2)
    perfect = {"v_prediction": (noise - sigma * clean) / size, "epsilon": noise, "sample": clean}[kind]
    found = denoised(perfect.astype(np.float32), clean + sigma * noise, np.array([sigma], np.float32), kind)
    assert np.allclose(found, clean, atol=2e-3)


def test_the_network_sees_noise_of_one_size_at_every_level():
    noise = np.random.default_rng(1).standard_normal((3, 3, 64, 64)).astype(np.float32)
    sigma = np.array([0.5, 5, 50], np.float32)
    seen = network_input(noise * np.sqrt(1 + sigma**2)[:, None, None, None].astype(np.float32), sigma)
    assert np.allclose(seen.std(axis=(1, 2, 3)), 1, atol=0.05)


@pytest.mark.parametrize("preset", ["author", "best"])
@given(sigma=st.floats(0.03, 50))
def test_timesteps_and_noise_levels_are_each_others_inverse(preset, sigma):
    schedule = NoiseSchedule(describe(PRESETS[preset], ("a",), "t"))
    assert schedule.sigma_of(schedule.timestep_of(sigma)) == pytest.approx(sigma, rel=1e-3)


def test_the_loss_of_a_perfect_prediction_is_nothing_and_of_none_is_one(photos):
    description = describe(SMALL, photos.classes, "t")
    loss = Loss(SMALL, description)
    pictures = torch.randn(64, 3, 16, 16) * 0.5
    kept: list[torch.Tensor] = []

    def silent(sample: torch.Tensor, timestep: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
        kept.extend([sample, timestep])
        return torch.zeros_like(sample)

    assert float(loss(silent, pictures, None, torch.Generator().manual_seed(1))) == pytest.approx(1, abs=0.15)
    sample, timestep = kept
    sigma = torch.from_numpy(NoiseSchedule(description).sigma_of(timestep.numpy())).float()[:, None, None, None]
    size = torch.sqrt(1 + sigma**2)
    noise = (sample * size - pictures * description.data_scale) / sigma
    answer = (noise - sigma * pictures * description.data_scale) / size
    assert float(loss(lambda *_: answer, pictures, None, torch.Generator().manual_seed(1))) < 1e-4


@given(width=st.floats(0.01, 0.28))
def test_the_average_has_the_width_that_was_asked_for(width):
    power = exponent(width)
    assert (power + 1) ** 0.5 / ((power + 2) * (power + 3) ** 0.5) == pytest.approx(width, rel=1e-3)


def test_the_average_follows_the_weights_and_zero_width_is_the_weights():
    network = torch.nn.Linear(1, 1)
    average, present = AveragedWeights(network, 0.1), AveragedWeights(network, 0)
    values = []
    for step in range(1, 101):
        with torch.no_grad():
            network.weight.fill_(float(step))
        average.update(network, step)
        present.update(network, step)
        values.append(float(average.tensors["weight"]))
    assert values[0] == 1
    assert values == sorted(values)
    assert 80 < values[-1] < 95
    assert float(present.tensors["weight"]) == 100


def test_class_weights_mix_the_rows_of_the_table():
    table = MixedEmbedding(3, 5)
    assert torch.allclose(table(torch.eye(3)), table(torch.arange(3)))
    assert torch.allclose(table(torch.tensor([[0.5, 0.0, 0.5]]))[0], (table.weight[0] + table.weight[2]) / 2)


def test_patches_change_no_shape_and_rows_do_not_mix(photos):
    description = describe(SMALL, photos.classes, "t")
    torch.manual_seed(0)
    network = build(SMALL, description).eval()
    sample, weights = torch.randn(2, 3, 16, 16), torch.rand(2, description.labels)
    with torch.no_grad():
        both = network(sample, torch.tensor([3.0, 900.5]), weights)
        first = network(sample[:1], torch.tensor([3.0]), weights[:1])
    assert both.shape == sample.shape
    assert torch.allclose(both[:1], first, atol=1e-5)


def a_checkpoint(step: int) -> Checkpoint:
    tensors = {"network.a": torch.full((3,), float(step)), "history.losses": torch.tensor([1.0, 0.5])}
    return Checkpoint(SMALL, ("crab", "emu"), "f00", Position(step, 4 * step, 0.5 * step), tensors)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path):
    path = checkpoints.save(tmp_path, a_checkpoint(7))
    back = checkpoints.load(path)
    assert (back.recipe, back.classes, back.data, back.position) == (
        SMALL,
        ("crab", "emu"),
        "f00",
        Position(7, 28, 3.5),
    )
    assert torch.equal(back.part("network")["a"], torch.full((3,), 7.0))


def test_the_newest_checkpoints_stay_and_a_damaged_one_is_passed_over(tmp_path: Path):
    for step in (1, 20, 300):
        newest = checkpoints.save(tmp_path, a_checkpoint(step))
    assert len(list(tmp_path.iterdir())) == checkpoints.KEPT
    newest.write_bytes(newest.read_bytes()[:100])
    found = checkpoints.load_newest(tmp_path)
    assert found is not None
    assert found.position.step == 20


@settings(max_examples=30)
@given(garbage=st.binary(max_size=200))
def test_garbage_is_no_checkpoint(garbage, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("garbage") / "step-000000001.safetensors"
    path.write_bytes(garbage)
    with pytest.raises(ValueError, match="is no checkpoint"):
        checkpoints.load(path)


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    checkpoints.save(tmp_path, a_checkpoint(1))

    def full(_tensors: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(tmp_path, a_checkpoint(2))

    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.safetensors"]
