"""From a folder to an engine: what is loaded, and what is said of what cannot be."""

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from checkpoints.stable_diffusion import build_lora  # noqa: E402
from postcards_image.engines.stable_diffusion import DEFAULT_MODEL, DEFAULT_REVISION, Choices, lazy_loading, load_engine  # noqa: E402
from postcards_image.engines.stable_diffusion.checkpoint import files  # noqa: E402
from postcards_image.engines.stable_diffusion.checkpoint.loading import load_checkpoint  # noqa: E402
from postcards_image.engines.stable_diffusion.checkpoint.lora import LoraChoice, find_lora, read_choice  # noqa: E402
from postcards_serving.errors import ModelUnusable  # noqa: E402
from postcards_weights.files import matching  # noqa: E402

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def copied(sd_checkpoint, tmp_path) -> Path:
    return shutil.copytree(sd_checkpoint, tmp_path / "copy")


def choices(folder: Path, **changes: str) -> Choices:
    return Choices(**{"model": str(folder), "device": "cpu", "threads": 1, **changes})


def amend(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | values), encoding="utf-8")


def refusal(asked: Choices) -> str:
    with pytest.raises(ModelUnusable) as fault:
        load_checkpoint(asked)
    assert "\n" not in fault.value.message
    return fault.value.message


def test_a_checkpoint_says_what_it_is(sd_checkpoint):
    loaded = load_checkpoint(choices(sd_checkpoint))
    assert (loaded.size, loaded.default_sampler, loaded.autoencoder.factor) == (64, "pndm", 8)
    assert loaded.checker is not None
    assert UNET in loaded.files
    assert loaded.settings["lora"] is None


def test_half_precision_takes_the_half_size_files(sd_checkpoint):
    loaded = load_checkpoint(choices(sd_checkpoint, dtype="float16"))
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in loaded.files
    assert UNET not in loaded.files
    answer = loaded.network(torch.zeros(1, 4, 8, 8), torch.ones(1), torch.zeros(1, 77, 32))
    assert answer.dtype == torch.float32
    assert bool(torch.isfinite(answer).all())


def test_without_half_size_files_the_whole_ones_are_halved(copied):
    for file in copied.glob("*/*.fp16.safetensors"):
        file.unlink()
    loaded = load_checkpoint(choices(copied, dtype="bfloat16"))
    assert UNET in loaded.files
    assert loaded.network.unet.dtype == torch.bfloat16


def test_each_part_comes_in_half_where_it_exists_in_half(copied):
    (copied / "safety_checker" / "model.fp16.safetensors").unlink()
    loaded = load_checkpoint(choices(copied, dtype="float16"))
    assert loaded.checker is not None
    weights = {name for name in loaded.files if name.endswith(".safetensors")}
    assert {name for name in weights if ".fp16." not in name} == {"safety_checker/model.safetensors"}
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in weights


def test_a_model_that_is_not_there_is_told_before_anything_heavy_is_loaded(copied, monkeypatch):
    monkeypatch.setattr(lazy_loading, "import_module", lambda name: pytest.fail(f"{name} was loaded"))
    with pytest.raises(ModelUnusable, match="no folder"):
        load_engine(choices(copied / "no" / "such" / "folder"))
    (copied / "unet" / "config.json").unlink()
    with pytest.raises(ModelUnusable, match=r"unet/config\.json"):
        load_engine(choices(copied))


def test_no_checker_is_none(copied):
    shutil.rmtree(copied / "safety_checker")
    amend(copied / "model_index.json", safety_checker=[None, None])
    assert load_checkpoint(choices(copied)).checker is None


def test_a_checker_that_is_named_but_missing_is_no_silent_leave(copied):
    shutil.rmtree(copied / "safety_checker")
    assert "safety_checker" in refusal(choices(copied))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_part_that_is_missing_is_named(copied, part):
    shutil.rmtree(copied / part)
    assert part in refusal(choices(copied))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_damaged_weights_are_named(copied, part):
    for file in (copied / part).glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:1000])
    assert f"its {part} cannot be loaded" in refusal(choices(copied))


def test_pickles_are_never_opened(copied):
    (copied / UNET).rename(copied / "unet" / "diffusion_pytorch_model.bin")
    assert "never unpickled" in refusal(choices(copied))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"addition_embed_type": "text_time"}, "SDXL"),
        ({"in_channels": 9}, "inpainting"),
        ({"num_class_embeds": 1000}, "num_class_embeds"),
        ({"_class_name": "UNet2DModel"}, "UNet2DModel"),
    ],
)
def test_other_kinds_of_model_are_refused_by_name(copied, values, words):
    amend(copied / "unet" / "config.json", **values)
    assert words in refusal(choices(copied))


def test_a_scheduler_that_asks_for_the_unknown_is_refused(copied):
    amend(copied / "scheduler" / "scheduler_config.json", beta_schedule="wavy")
    assert "wavy" in refusal(choices(copied))


@pytest.mark.parametrize(
    ("setting", "choice"),
    [
        ("owner/name", LoraChoice("owner/name", 1.0)),
        ("owner/name:0.7", LoraChoice("owner/name", 0.7)),
        ("owner/name@v1.2", LoraChoice("owner/name", 1.0, "v1.2")),
        ("owner/name@feature/ink:-0.7", LoraChoice("owner/name", -0.7, "feature/ink")),
        ("/models/ink@home.safetensors:0.5", LoraChoice("/models/ink@home.safetensors", 0.5)),
        ("/models/ink.safetensors:-1", LoraChoice("/models/ink.safetensors", -1.0)),
        ("C:\\models\\ink.safetensors", LoraChoice("C:\\models\\ink.safetensors", 1.0)),
    ],
)
def test_a_lora_setting_is_a_source_and_maybe_a_weight(setting, choice):
    assert read_choice(setting) == choice


def test_a_lora_on_the_hub_has_a_revision_of_its_own(tmp_path, monkeypatch, sd_checkpoint):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    commits = {"main": "a" * 40, "v2": "b" * 40}
    repository = tmp_path / "hub" / "models--owner--ink"
    for branch, commit in commits.items():
        build_lora(repository / "snapshots" / commit / f"{branch}.safetensors", sd_checkpoint)
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / branch).write_text(commit)
    for setting, branch in {"owner/ink": "main", "owner/ink@v2:0.5": "v2", f"owner/ink@{commits['v2']}": "v2"}.items():
        found = find_lora(read_choice(setting), "")
        assert (found.name, found.revision) == (f"owner/ink/{branch}.safetensors", commits[branch])
    loaded = load_checkpoint(choices(sd_checkpoint, lora="owner/ink@v2:0.5"))
    told = {"name": "owner/ink/v2.safetensors", "revision": commits["v2"], "weight": 0.5}
    assert loaded.settings["lora"] == told
    assert "v3" in refusal(choices(sd_checkpoint, lora="owner/ink@v3"))


def test_a_lora_that_is_no_lora_is_refused(sd_checkpoint, tmp_path):
    assert "weight must be" in refusal(choices(sd_checkpoint, lora="owner/name:50"))
    assert "never opened" in refusal(choices(sd_checkpoint, lora=__file__))
    other = shutil.copy(sd_checkpoint / "vae" / "diffusion_pytorch_model.safetensors", tmp_path / "vae.safetensors")
    assert "vae.safetensors" in refusal(choices(sd_checkpoint, lora=str(other)))


def test_a_lora_for_another_model_is_refused(sd_checkpoint, tmp_path):
    from safetensors.torch import load_file, save_file

    file = build_lora(tmp_path / "wide.safetensors", sd_checkpoint)
    save_file({name: torch.zeros(7, 7) for name in load_file(file)}, file)
    assert "do not fit the model" in refusal(choices(sd_checkpoint, lora=str(file)))


def test_one_of_several_lora_files_is_not_guessed(sd_checkpoint, tmp_path):
    for name in ("one", "two"):
        build_lora(tmp_path / f"{name}.safetensors", sd_checkpoint)
    assert "several .safetensors files" in refusal(choices(sd_checkpoint, lora=str(tmp_path)))
    build_lora(tmp_path / "pytorch_lora_weights.safetensors", sd_checkpoint)
    loaded = load_checkpoint(choices(sd_checkpoint, lora=str(tmp_path)))
    assert "lora/pytorch_lora_weights.safetensors" in loaded.files


def test_the_name_of_a_lora_file_is_no_pattern(sd_checkpoint, tmp_path):
    file = build_lora(tmp_path / "ink [v2].safetensors", sd_checkpoint)
    assert find_lora(LoraChoice(str(file), 1.0), "").path == file


def test_a_missing_library_is_named_with_what_brings_it(monkeypatch):
    monkeypatch.setattr(lazy_loading, "find_spec", lambda name: None if name in ("diffusers", "peft") else object())
    with pytest.raises(ModelUnusable, match="needs diffusers, not installed here: run `make setup-models`"):
        load_engine(Choices())
    with pytest.raises(ModelUnusable, match="needs diffusers, peft"):
        load_engine(Choices(lora="owner/name"))


def test_what_is_fetched_are_the_files_of_a_real_repository(sd_checkpoint):
    present = sorted(str(path.relative_to(sd_checkpoint)) for path in sd_checkpoint.rglob("*") if path.is_file())
    present += ["v1-5-pruned.safetensors", "unet/diffusion_pytorch_model.non_ema.safetensors", "unet/model.bin"]
    chosen = matching(present, files.patterns(half=False))
    assert {"model_index.json", "tokenizer/vocab.json", "tokenizer/merges.txt", UNET} <= set(chosen)
    assert not [name for name in chosen if "fp16" in name or "pruned" in name or "non_ema" in name]
    halved = matching(present, files.patterns(half=True))
    assert {name for name in halved if name.endswith(".safetensors")} == {
        name.replace(".safetensors", ".fp16.safetensors") for name in chosen if name.endswith(".safetensors")
    }
    for half in (False, True):
        assert all(matching(present, (pattern,)) for pattern in files.required(half=half))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_default_model_comes_from_the_cache_at_its_pinned_commit(sd_checkpoint, tmp_path, monkeypatch, dtype):
    kept = tmp_path / "hub" / f"models--{DEFAULT_MODEL.replace('/', '--')}" / "snapshots" / DEFAULT_REVISION
    other = "*.fp16.safetensors" if dtype == "float32" else "*model.safetensors"
    shutil.copytree(sd_checkpoint, kept, ignore=shutil.ignore_patterns(other))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    loaded = load_checkpoint(Choices(device="cpu", threads=1, dtype=dtype))
    assert (loaded.name, loaded.revision) == (DEFAULT_MODEL, DEFAULT_REVISION)
    assert any(name.startswith("unet/diffusion_pytorch_model") for name in loaded.files)
