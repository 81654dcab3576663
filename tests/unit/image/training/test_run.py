"""A run: that it learns, that it goes on where it was, that what it writes draws the same everywhere."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make setup-train")

import onnxruntime  # noqa: E402

from postcards_image.training.data.photos import Photos  # noqa: E402
from postcards_image.training.loop import trainer  # noqa: E402
from postcards_image.training.loop.events import Averaged, Began, Ended, Event, NotSaved, Saved, Stepped  # noqa: E402
from postcards_image.training.loop.trainer import Intervals, ResumeError, TrainingDivergedError, go_on, resumable, train  # noqa: E402
from postcards_image.training.network.export import ONNX_FILE, read_weights, write_folder  # noqa: E402
from postcards_image.training.recipe import Recipe  # noqa: E402

RECIPE = Recipe(
    resolution=16,
    patch_size=2,
    channels=(32, 32),
    attention=(1,),
    batch_size=8,
    warm_up=2,
    learning_rate=2e-3,
    epochs=4,
    precision="fp32",
)
EVERY_STEP = Intervals(checkpoint=0, samples=1e9)


@pytest.fixture(scope="module")
def photos() -> Photos:
    """Forty pictures in two classes: a bright disc on the left, or on the right."""
    rows, columns = np.mgrid[:20, :20]
    random = np.random.default_rng(0)
    images = []
    for index in range(40):
        middle = (random.uniform(8, 12), 6 if index % 2 else 14)
        disc = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < 16
        images.append(np.where(disc[..., None], random.integers(180, 255, 3), random.integers(0, 60, 3)))
    return Photos(np.array(images, np.uint8), np.arange(40) % 2, ("left", "right"))


def steps(events: list[Event]) -> list[Stepped]:
    return [event for event in events if isinstance(event, Stepped)]


def run(photos: Photos, folder: Path, recipe: Recipe = RECIPE, **more) -> list[Event]:
    return list(train(photos, recipe, folder, name="t", intervals=EVERY_STEP, **more))


@pytest.fixture(scope="module")
def whole(photos: Photos, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return run(photos, tmp_path_factory.mktemp("whole"))


def test_a_run_begins_steps_saves_and_ends(whole):
    assert isinstance(whole[0], Began)
    assert isinstance(whole[-1], Ended)
    assert whole[-1].finished
    assert len(steps(whole)) == 4 * 40 // 8
    assert [step.position.step for step in steps(whole)] == list(range(1, 21))
    assert steps(whole)[-1].fraction == 1
    assert sum(isinstance(event, Saved) for event in whole) >= 20


def test_a_run_learns(photos, tmp_path):
    losses = [step.loss for step in steps(list(train(photos, replace(RECIPE, epochs=30), tmp_path, name="t")))]
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:5])


def test_the_learning_rate_rises_and_falls(whole):
    rates = [step.learning_rate for step in steps(whole)]
    assert rates[0] == RECIPE.learning_rate / 2
    assert max(rates) == RECIPE.learning_rate
    assert rates[-1] < 0.1 * RECIPE.learning_rate


@pytest.mark.parametrize("at", [1, 7, 19])
def test_a_resumed_run_goes_through_the_same_steps(whole, photos, tmp_path, at):
    stop = threading.Event()
    first: list[Event] = []
    for event in train(photos, RECIPE, tmp_path, name="t", stop=stop, intervals=EVERY_STEP):
        first.append(event)
        if isinstance(event, Stepped) and event.position.step == at:
            stop.set()
    assert isinstance(first[-1], Ended)
    assert not first[-1].finished

    rest = run(photos, tmp_path, start=resumable(tmp_path, photos))

    joined = [step.loss for step in steps(first) + steps(rest)]
    assert joined == pytest.approx([step.loss for step in steps(whole)], rel=1e-4)
    last = rest[-1]
    assert isinstance(last, Ended)
    assert last.averaged.history.losses.tolist() == pytest.approx(joined, rel=1e-6)
    expected = whole[-1].averaged.network.state_dict()
    for name, tensor in last.averaged.network.state_dict().items():
        assert torch.allclose(tensor, expected[name], atol=1e-4), name


def test_a_finished_run_can_be_lengthened(photos, tmp_path):
    run(photos, tmp_path)
    longer = go_on(resumable(tmp_path, photos), epochs=5, minutes=None)
    more = run(photos, tmp_path, longer.recipe, start=longer)
    assert [step.position.step for step in steps(more)] == [21, 22, 23, 24, 25]


def test_a_run_is_not_resumed_on_other_photographs(photos, tmp_path):
    with pytest.raises(ResumeError, match="holds no checkpoint"):
        resumable(tmp_path, photos)
    run(photos, tmp_path, replace(RECIPE, epochs=0.2))
    with pytest.raises(ResumeError, match="other photographs"):
        resumable(tmp_path, replace(photos, images=photos.images + np.uint8(1)))


def test_a_full_disk_ends_no_run(photos, tmp_path, monkeypatch):
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trainer.checkpoints, "save", full)
    events = run(photos, tmp_path, replace(RECIPE, epochs=0.6))
    assert len(steps(events)) == 3
    assert any(isinstance(event, NotSaved) and "No space left" in event.reason for event in events)
    assert isinstance(events[-1], Ended)


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_last_checkpoint(photos, tmp_path, monkeypatch):
    class FailingLoss(trainer.Loss):
        calls = 0

        def __call__(self, *given):
            FailingLoss.calls += 1
            return super().__call__(*given) * (float("nan") if FailingLoss.calls > 2 else 1)

    monkeypatch.setattr(trainer, "Loss", FailingLoss)
    with pytest.raises(TrainingDivergedError, match=r"nan at step 3; try a lower learning rate"):
        run(photos, tmp_path)

    assert resumable(tmp_path, photos).position.step == 2


def test_samples_come_from_averaged_weights_on_time(photos, tmp_path):
    events = list(train(photos, RECIPE, tmp_path, name="t", intervals=Intervals(checkpoint=1e9, samples=0)))
    looks = [event for event in events if isinstance(event, Averaged)]
    assert len(looks) == 20
    assert not looks[3].network.training


def test_the_folder_and_the_onnx_file_predict_the_same(whole, tmp_path):
    ended, began = whole[-1], whole[0]
    assert isinstance(ended, Ended)
    assert isinstance(began, Began)
    network, description = ended.averaged.network, began.description

    write_folder(network, description, tmp_path)

    from diffusers import UNet2DModel

    back = UNet2DModel.from_pretrained(tmp_path / "unet", use_safetensors=True)
    assert {name.removeprefix("unet.") for name in network.state_dict()} == set(back.state_dict())
    assert not list(tmp_path.rglob("*.bin"))
    random = np.random.default_rng(5)
    given = {
        "sample": random.standard_normal((3, 3, 16, 16)).astype(np.float32),
        "timestep": np.array([1, 500.3, 990], np.float32),
        "class_weights": random.random((3, description.labels)).astype(np.float32),
    }
    session = onnxruntime.InferenceSession(tmp_path / ONNX_FILE)
    found = session.run(None, given)[0]
    with torch.no_grad():
        expected = network(*(torch.from_numpy(value) for value in given.values())).numpy()
    assert np.abs(found - expected).max() < 2e-3
    assert session.get_modelmeta().custom_metadata_map["postcards"] == description.to_json()


@pytest.mark.parametrize("part", ["", ONNX_FILE])
def test_what_was_written_can_be_trained_further(whole, photos, tmp_path, part):
    ended, began = whole[-1], whole[0]
    write_folder(ended.averaged.network, began.description, tmp_path / "model")

    weights, description = read_weights(tmp_path / "model" / part)

    assert description == began.description
    first = steps(run(photos, tmp_path, replace(RECIPE, epochs=0.2), weights=weights))[0]
    assert first.loss < 0.8 * steps(whole)[0].loss
    with pytest.raises(ValueError, match="another shape"):
        run(photos, tmp_path, replace(RECIPE, channels=(16, 16)), weights=weights)


def test_two_processes_train_one_model(tmp_path):
    script = Path(__file__).with_name("two_processes.py")
    # What `accelerate launch` starts where there are several devices; without GPUs accelerate itself would want MPI.
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script), str(tmp_path)], env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr[-2000:]
    told = [(tmp_path / f"process-{rank}.txt").read_text().split() for rank in (0, 1)]
    assert told[0] == told[1], "the processes hold different models"
    assert told[0][:2] == ["3", "24"]
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
