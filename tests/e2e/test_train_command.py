"""`postcards-train` as people run it: it ends in a model that the engine draws with, and it cannot lose work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch", reason="needs torch: make setup-train")

COMMAND = (sys.executable, "-m", "postcards_image.training.command")
SMALL = ("--resolution", "16", "--channels", "16,16", "--batch-size", "8")
LIMIT = 240.0


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty drawings in three classes, a file that is none, and a note."""
    folder = tmp_path_factory.mktemp("data") / "my drawings"
    random = np.random.default_rng(3)
    for index in range(30):
        name = ("discs", "boxes", "bars")[index % 3]
        (folder / name).mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (48, 40), tuple(random.integers(0, 80, 3).tolist()))
        pen, ink = ImageDraw.Draw(image), tuple(random.integers(150, 255, 3).tolist())
        left, top = random.integers(2, 20, 2).tolist()
        if name == "discs":
            pen.ellipse((left, top, left + 18, top + 18), fill=ink)
        elif name == "boxes":
            pen.rectangle((left, top, left + 14, top + 14), fill=ink)
        else:
            pen.line((left, 0, left + 8, 40), fill=ink, width=6)
        image.save(folder / name / f"{index:02}.png")
    (folder / "discs" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "notes.txt").write_text("mine")
    return folder


def environment() -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("POSTCARDS_")}
    return clean | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}


def train(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=LIMIT, check=False, stdin=subprocess.DEVNULL
    )


def eventually(holds: Callable[[], object], within: float = LIMIT) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def begin() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command; what still runs at the end of a test is killed."""
    begun: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def saved_steps(out: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step-")) for path in (out / "checkpoints").glob("step-*.safetensors"))


def losses(out: Path) -> dict[int, float]:
    """Loss of each step, from the newest checkpoint."""
    from postcards_image.training.loop.checkpoints import load_newest

    checkpoint = load_newest(out / "checkpoints")
    assert checkpoint is not None
    history = checkpoint.part("history")
    return dict(zip(map(int, history["steps"].tolist()), history["losses"].tolist(), strict=True))


@pytest.fixture(scope="module")
def finished(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("whole") / "three shapes"
    return out, train("--data", drawings, "--out", out, *SMALL, "--epochs", "8", "--seed", "4", "--json")


def test_a_run_leaves_a_model_its_pictures_and_its_card(finished):
    out, done = finished

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["finished"] is True
    assert told["images_seen"] == told["steps"] * 8
    assert told["steps"] == max(losses(out))
    assert told["loss"] == pytest.approx(np.mean(list(losses(out).values())[-100:]), abs=1e-5)
    assert told["model"] == str(out)
    assert Path(told["onnx"]) == out / "model.onnx"
    for name in ("model.onnx", "postcards.json", "README.md", "unet/diffusion_pytorch_model.safetensors"):
        assert (out / name).stat().st_size > 100, name
    for name in ("samples.png", "learning.png", "loss.png"):
        with Image.open(out / name) as picture:
            picture.load()
            assert min(picture.size) > 100, name
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob("*.bin"))


def test_a_run_tells_what_it_reads_skips_and_learns_from(finished):
    _, done = finished

    assert "my drawings: 31 pictures in 3 classes" in done.stderr
    assert "1 other files are passed over" in done.stderr
    assert "skipped discs/broken.jpg: no picture, or damaged" in done.stderr
    assert "of memory" in done.stderr
    assert " images · loss " in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    # Commands to copy work as they are, also with blanks in the names.
    assert "/my drawings' --out" in done.stderr
    assert "three shapes/model.onnx' make postcard" in done.stderr


def test_the_card_names_classes_recipe_and_losses(finished):
    out, _ = finished

    card = (out / "README.md").read_text(encoding="utf-8")

    assert "# three-shapes" in card
    assert "bars, boxes, discs" in card
    assert "| channels | (16, 16) |" in card
    assert "1 files could not be read" in card


def test_the_engine_draws_with_the_model(finished):
    from postcards_image.engine import ImageRequest
    from postcards_image.engines.ddpm import DdpmEngine, load_network
    from postcards_serving.engine.work import Work
    from postcards_species.ancestry.parents import Parent
    from postcards_species.species import derive_species

    out, _ = finished
    species = derive_species(3)
    engine = DdpmEngine(load_network(str(out / "model.onnx"), threads=1))
    try:
        request = ImageRequest(
            species.body_plan,
            species.scene,
            seed=3,
            width=96,
            height=96,
            steps=3,
            parents=(Parent("discs", 0.6), Parent("bars", 0.4)),
        )
        result = engine.generate(request, Work())
    finally:
        engine.close()

    sizes = [Image.open(BytesIO(blob.data)).size for blob in result.blobs]
    assert sizes == [(96, 96), (16, 16)]


def test_a_run_killed_at_any_moment_goes_on_as_if_it_had_not_been(finished, drawings, tmp_path, begin):
    whole, _ = finished
    out = tmp_path / "killed"
    run = ("--data", drawings, "--out", out, *SMALL, "--epochs", "8", "--seed", "4", "--checkpoint-seconds", "0")
    process = begin(*run, "--data-licence", "CC-BY-4.0", "--attribution", "Pictures by Ada")
    eventually(lambda: (saved_steps(out) or [0])[-1] >= 5 or process.poll() is not None)
    process.kill()
    process.communicate()
    reached = saved_steps(out)[-1]
    assert process.returncode == -signal.SIGKILL

    done = train(*run, "--resume", "--json")

    assert done.returncode == 0, done.stderr
    joined, expected = losses(out), losses(whole)
    assert reached < max(expected)
    assert list(joined) == list(range(1, max(expected) + 1))
    assert joined == pytest.approx(expected, rel=1e-3)
    assert json.loads(done.stdout)["steps"] == max(expected)
    # Said when the run began, and on its card whenever it ends.
    card = (out / "README.md").read_text()
    assert 'license: "CC-BY-4.0"' in card
    assert "Pictures by Ada" in card


def test_a_run_that_is_asked_to_stop_saves_and_can_go_on(drawings, tmp_path, begin):
    out = tmp_path / "stopped"
    run = ("--data", drawings, "--out", out, *SMALL, "--minutes", "60", "--checkpoint-seconds", "0")
    reached = 0
    for number, code, more in ((signal.SIGINT, 130, ()), (signal.SIGTERM, 143, ("--resume",))):
        process = begin(*run, *more)
        eventually(lambda: (saved_steps(out) or [0])[-1] > reached or process.poll() is not None)  # noqa: B023
        process.send_signal(number)
        _, told = process.communicate(timeout=LIMIT)

        assert process.returncode == code, told
        assert "stopping after this step" in told
        assert "everything is saved. Go on with: postcards-train" in told
        assert "Traceback" not in told
        assert (out / "model.onnx").exists()
        assert saved_steps(out)[-1] > reached
        reached = saved_steps(out)[-1]
    assert list(losses(out)) == list(range(1, reached + 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for two checkpoints of the small network, and not for what comes then."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(65536)):
            pass


def test_a_full_disk_ends_no_run_and_leaves_the_last_good_checkpoint(drawings, small_disk, begin):
    out = small_disk / "run"
    run = ("--data", drawings, "--out", out, *SMALL, "--minutes", "60", "--checkpoint-seconds", "0")
    process = begin(*run)
    eventually(lambda: len(saved_steps(out)) == 2 or process.poll() is not None)
    ballast = small_disk / "ballast"
    fill(ballast)
    told = ""
    for line in process.stderr:
        told += line
        if "could not be written" in line:
            break
    assert "the checkpoint before it still stands" in told
    assert process.poll() is None, "a full disk ended the run"
    reached = saved_steps(out)[-1]

    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=LIMIT)
    assert process.returncode == 2, rest
    assert "No space left" in rest.splitlines()[-1]
    assert "Traceback" not in rest
    assert reached in saved_steps(out)

    ballast.unlink()
    from postcards_image.training.loop.checkpoints import load_newest

    checkpoint = load_newest(out / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.position.step >= reached


@pytest.mark.long
def test_the_authors_settings_run_as_given_and_diffusers_loads_what_comes_out(drawings, tmp_path):
    out = tmp_path / "author"

    done = train("--data", drawings, "--out", out, "--preset", "author", "--epochs", "0.7", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 2
    card = (out / "README.md").read_text(encoding="utf-8")
    for row in ("| resolution | 16 |", "| batch_size | 16 |", "| channels | (32, 64, 128, 256) |"):
        assert row in card
    from diffusers import DDPMPipeline

    pipeline = DDPMPipeline.from_pretrained(out, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    (picture,) = pipeline(num_inference_steps=2, generator=torch.Generator().manual_seed(0)).images
    assert picture.size == (16, 16)
