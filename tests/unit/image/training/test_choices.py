"""What was asked of the command: every wrong option is one line that names it and its limit."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from postcards_image.training.choices import NEEDED, Ask, UsageError, choose_recipe, nearest_preset
from postcards_image.training.recipe import PRESETS

COMMAND = (sys.executable, "-m", "postcards_image.training.command")


def ask(preset: str = "quick", **overrides: Any) -> Ask:
    return Ask("animals", Path("out"), preset, overrides, False, None, "", "", (120.0, 180.0))


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=os.environ | settings, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_is_taken_as_it_is(preset):
    assert choose_recipe(ask(preset)) == PRESETS[preset]


def test_the_authors_settings_are_as_they_were_given():
    recipe = choose_recipe(ask("author"))
    assert (recipe.resolution, recipe.batch_size, recipe.epochs, recipe.minutes) == (16, 16, 10, None)
    assert recipe.channels == (32, 64, 128, 256)


def test_what_is_given_replaces_the_presets():
    recipe = choose_recipe(ask("quick", resolution=32, channels=(16, 32, 64), batch_size=4, learning_rate=0.01, seed=9))
    assert recipe == replace(
        PRESETS["quick"], resolution=32, channels=(16, 32, 64), batch_size=4, learning_rate=0.01, seed=9
    )


@pytest.mark.parametrize(("channels", "attention"), [((16,), (0,)), ((16, 16), (1,)), ((8, 8, 8, 8), (2,))])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_network_of_fewer_levels_attends_at_its_narrowest(preset, channels, attention):
    assert choose_recipe(ask(preset, channels=channels)).attention == attention


@pytest.mark.parametrize("end", [{"epochs": 3.0}, {"minutes": 2.5}, {"epochs": 3.0, "minutes": 2.5}])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_an_end_that_is_given_is_the_only_one(preset, end):
    recipe = choose_recipe(ask(preset, **end))
    assert (recipe.epochs, recipe.minutes) == (end.get("epochs"), end.get("minutes"))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_the_preset_of_a_run_that_is_taken_up_again(preset):
    recipe = choose_recipe(ask(preset, epochs=3.0, seed=8))
    assert nearest_preset(recipe) == preset


WRONG = [
    ({"resolution": 7}, "--resolution must be at least 8, not 7"),
    ({"resolution": 513}, "--resolution must be at most 512, not 513"),
    ({"resolution": 18}, "--resolution must be a multiple of 4, not 18"),
    ({"batch_size": 0}, "--batch-size must be at least 1, not 0"),
    ({"batch_size": 65537}, "--batch-size must be at most 65536, not 65537"),
    ({"learning_rate": 0.0}, "--learning-rate must be more than 0, not 0.0"),
    ({"learning_rate": 1.5}, "--learning-rate must be at most 1, not 1.5"),
    ({"learning_rate": float("nan")}, "--learning-rate must be more than 0, not nan"),
    ({"epochs": 0.0}, "--epochs must be more than 0, not 0.0"),
    ({"epochs": float("inf")}, "--epochs must be at most 1000000, not inf"),
    ({"minutes": -1.0}, "--minutes must be more than 0, not -1.0"),
    ({"minutes": 1e6}, "--minutes must be at most 100000, not 1000000.0"),
    ({"seed": -1}, "--seed must be at least 0, not -1"),
    ({"seed": 2**63}, f"--seed must be at most {2**63 - 1}, not {2**63}"),
    ({"channels": (16,) * 9}, "--channels must be 1 to 8 numbers, not 9"),
    ({"channels": (16, 7)}, "--channels must be at least 8, not 7"),
    ({"channels": (4096,)}, "--channels must be at most 2048, not 4096"),
]


@pytest.mark.parametrize(("overrides", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_value_out_of_its_range_names_the_option_and_the_limit(overrides, said):
    with pytest.raises(UsageError) as refused:
        choose_recipe(ask(**overrides))
    assert str(refused.value) == said


@pytest.mark.parametrize("packages", [("typer",), ("torch",), ("torch", "safetensors")])
def test_packages_that_are_missing_are_all_named_with_the_line_that_brings_them(tmp_path, packages):
    """Here, where others may be missing too."""
    (tmp_path / "photos").mkdir()
    missing = [name for name in NEEDED if name in packages or find_spec(name) is None]
    arguments = ["postcards-train", "--data", str(tmp_path / "photos"), "--out", str(tmp_path / "out"), "--json"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({packages!r})); sys.argv = {arguments!r}; "
        "from postcards_image.training.command import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    named = f"training needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
    assert line.startswith(f"postcards-train: {named}: run `make setup-train`")
    assert json.loads(done.stdout)["error"] == {"reason": "NOT_INSTALLED", "message": line.partition(": ")[2]}


@pytest.mark.parametrize("extra", [("--channels", "many"), ("--data", "/no/such/photos")])
def test_a_refusal_is_an_object_too_where_one_was_asked_for(tmp_path, extra):
    done = command("--data", str(tmp_path), "--out", str(tmp_path / "out"), *extra, "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert f"postcards-train: {error['message']}" == done.stderr.strip()
    assert command("--data", str(tmp_path), "--out", str(tmp_path / "out"), *extra).stdout == ""


def test_every_option_of_the_recipe_has_been_tried():
    assert {name for overrides, _ in WRONG for name in overrides} == {
        "resolution", "batch_size", "learning_rate", "epochs", "minutes", "seed", "channels"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("intervals", "said"),
    [
        ((-1.0, 5.0), "--checkpoint-seconds must be at least 0, not -1"),
        ((5.0, float("nan")), "--sample-seconds must be at least 0, not nan"),
    ],
)
def test_times_that_are_none(intervals, said):
    with pytest.raises(UsageError, match=said):
        choose_recipe(replace(ask(), intervals=intervals))


def test_a_preset_that_does_not_exist_names_those_that_do():
    with pytest.raises(UsageError, match="--preset must be one of author, quick, best, not worst"):
        choose_recipe(ask("worst"))


def test_without_torch_one_line_says_what_brings_it(tmp_path):
    """Where torch and its companions were never installed."""
    missing = ("torch", "diffusers", "accelerate", "safetensors", "onnx")
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({missing!r}))\n")

    done = command("--data", "x", "--out", str(tmp_path / "out"), PYTHONPATH=str(tmp_path))

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("postcards-train: training needs ")
    assert "torch, " in line
    assert "which are not installed: run `make setup-train`, or pip install torch==2.13.0" in line
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_help_needs_no_torch_and_names_every_option(tmp_path):
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')\n")

    done = command("--help", PYTHONPATH=str(tmp_path), COLUMNS="120")

    assert done.returncode == 0, done.stderr
    for option in ("--data", "--out", "--preset", "--resolution", "--channels", "--batch-size", "--epochs", "--minutes",
                   "--seed", "--resume", "--start-from", "--json"):  # fmt: skip
        assert option in done.stdout


def test_channels_that_are_no_numbers():
    done = command("--data", "x", "--out", "y", "--channels", "32;64")
    assert done.returncode == 2
    assert done.stderr == "postcards-train: --channels must be whole numbers with commas between them, not 32;64\n"


class TestCheckpoints:
    """What there is in the folder of a run."""

    @pytest.fixture(autouse=True)
    def needs_torch(self) -> None:
        pytest.importorskip("torch", reason="needs torch: make setup-train")

    @pytest.fixture
    def run(self, tmp_path: Path) -> Path:
        """A run of three steps."""
        import torch

        from postcards_image.training.loop import checkpoints

        recipe = replace(PRESETS["author"], epochs=4)
        checkpoint = checkpoints.Checkpoint(
            recipe, (), "digest", checkpoints.Position(3, 48, 1.5), {"network.a": torch.zeros(2)}
        )
        checkpoints.save(tmp_path / "run" / "checkpoints", checkpoint)
        return tmp_path / "run"

    def choose(self, out: Path, resume: bool, **overrides: Any) -> Any:
        from postcards_image.training.choices import choose_checkpoint

        return choose_checkpoint(replace(ask(**overrides), out=out, resume=resume))

    def test_a_new_run_begins_from_nothing(self, tmp_path):
        assert self.choose(tmp_path / "new", resume=False) is None

    @pytest.mark.parametrize("resume", [True, False])
    def test_a_file_is_no_folder_for_a_run(self, tmp_path, resume):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(UsageError, match=r"^--out must be a folder, and .*file is a file$"):
            self.choose(tmp_path / "file", resume=resume)

    def test_a_run_that_exists_is_not_overwritten(self, run):
        with pytest.raises(UsageError, match="holds a run already: go on with --resume, or choose another --out"):
            self.choose(run, resume=False)

    def test_a_run_goes_on_with_its_own_recipe(self, run):
        found = self.choose(run, resume=True)
        assert asdict(found.recipe) == asdict(replace(PRESETS["author"], epochs=4))
        assert found.position.step == 3

    def test_a_run_can_be_given_another_end(self, run):
        recipe = self.choose(run, resume=True, minutes=7.0).recipe
        assert (recipe.epochs, recipe.minutes) == (None, 7.0)

    @pytest.mark.parametrize(
        ("name", "value"), [("channels", (8, 8)), ("resolution", 32), ("seed", 5), ("batch_size", 2)]
    )
    def test_nothing_else_of_a_run_can_change(self, run, name, value):
        with pytest.raises(UsageError, match=f"^--{name.replace('_', '-')} of a run cannot change: it is "):
            self.choose(run, resume=True, **{name: value})

    def test_what_is_as_it_was_may_be_said_again(self, run):
        assert self.choose(run, resume=True, resolution=16, batch_size=16).position.step == 3

    def test_a_wrong_end_is_refused_here_too(self, run):
        with pytest.raises(UsageError, match="--epochs must be more than 0"):
            self.choose(run, resume=True, epochs=-1.0)

    def test_a_folder_without_a_run_cannot_be_resumed(self, tmp_path):
        with pytest.raises(UsageError, match="holds no checkpoint to resume"):
            self.choose(tmp_path, resume=True)

    def test_a_run_killed_before_its_first_checkpoint_begins_again(self, tmp_path):
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "unfinished.part").write_bytes(b"half")
        assert self.choose(tmp_path, resume=True) is None

    @pytest.mark.parametrize("resume", [True, False])
    def test_checkpoints_that_cannot_be_read_are_neither_resumed_nor_buried(self, run, resume):
        for path in (run / "checkpoints").iterdir():
            path.write_bytes(path.read_bytes()[:20])
        with pytest.raises(UsageError, match=r"no checkpoint in .* can be read"):
            self.choose(run, resume=resume)

    def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(self, run):
        (run / "checkpoints" / "step-000000009.safetensors").write_bytes(b"damaged")
        assert self.choose(run, resume=True).position.step == 3

    def test_weights_to_start_from_are_for_new_runs(self, run):
        from postcards_image.training.choices import choose_checkpoint

        with pytest.raises(UsageError, match="--start-from is for new runs"):
            choose_checkpoint(replace(ask(), out=run, resume=True, start_from=run))

    @pytest.mark.parametrize("content", [None, b"", b"no onnx"])
    def test_weights_that_cannot_be_read_name_the_option(self, tmp_path, content):
        from postcards_image.training.choices import choose_weights

        path = tmp_path / "model.onnx"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UsageError, match=r"^--start-from: ") as refused:
            choose_weights(replace(ask(), start_from=path), PRESETS["quick"], ())
        assert "model.onnx" in str(refused.value)

    def test_a_folder_that_is_no_model_names_the_option(self, tmp_path):
        from postcards_image.training.choices import choose_weights

        with pytest.raises(UsageError, match=r"^--start-from: .*postcards\.json"):
            choose_weights(replace(ask(), start_from=tmp_path), PRESETS["quick"], ())
