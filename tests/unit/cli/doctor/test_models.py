"""What an engine that loads weights lacks, and the step that brings it."""

from pathlib import Path

import pytest

from postcards_cli.doctor import models, resources
from postcards_cli.doctor.device import Gpu
from postcards_cli.doctor.finding import Level
from postcards_weights.cache import Cache
from postcards_weights.catalog import DEFAULTS

pytestmark = pytest.mark.usefixtures("machine")

SAO = {"POSTCARDS_AUDIO_ENGINE": "stable-audio"}
SD = {"POSTCARDS_IMAGE_ENGINE": "stable-diffusion"}
SECRET = "hf_" + "s" * 34
GIGABYTE = 1_000_000_000


def test_embedded_engines_need_nothing(examined):
    for part in ("image", "audio"):
        (finding,) = examined(part).values()
        assert finding.level is Level.OK
        assert "needs no model" in finding.found


def test_an_engine_that_does_not_exist(examined):
    (finding,) = examined("image", POSTCARDS_IMAGE_ENGINE="dall-e").values()
    assert finding.level is Level.MISSING
    assert "creature, ddpm, stable-diffusion" in finding.advice


def test_nothing_was_fetched(examined):
    found = examined("audio", **SAO)
    assert found["audio weights"].level is Level.MISSING
    assert "5.3 GB to download" in found["audio weights"].found
    assert found["audio weights"].advice == "postcards fetch-models audio"
    assert found["licence"].advice == "accept it at https://huggingface.co/stabilityai/stable-audio-open-1.0"
    assert found["token"].level is Level.MISSING
    assert "HF_TOKEN" in found["token"].advice


def test_offline_without_weights(examined):
    advice = examined("image", **SD, HF_HUB_OFFLINE="1")["image weights"].advice
    assert advice == "unset HF_HUB_OFFLINE once and run postcards fetch-models image"


@pytest.mark.usefixtures("stable_audio")
def test_with_the_weights_there_the_token_is_not_asked_for(examined):
    found = examined("audio", **SAO)
    assert found["audio weights"].level is Level.OK
    assert found["licence"].level is Level.OK
    assert "token" not in found


def test_a_download_that_broke_off(examined, cache):
    blobs = cache.home(DEFAULTS["stable-audio"].model_id) / "blobs"
    blobs.mkdir(parents=True)
    with (blobs / "ab.postcards.incomplete").open("wb") as file:
        file.truncate(1_200_000_000)
    finding = examined("audio", **SAO)["audio weights"]
    assert "broke off after 1.2 GB of 5.3 GB" in finding.found
    assert "goes on from there" in finding.advice


def test_weights_that_are_cut_off(examined, stable_audio):
    path = stable_audio / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    finding = examined("audio", **SAO)["audio weights"]
    assert "is damaged: model.safetensors has" in finding.found
    assert finding.advice == "postcards fetch-models audio"


def test_only_pickled_weights(examined, stable_audio):
    (stable_audio / "model.safetensors").rename(stable_audio / "model.ckpt")
    finding = examined("audio", **SAO)["audio weights"]
    assert "only pickled weights (model.ckpt)" in finding.found


def test_a_missing_text_encoder_is_a_model_of_its_own(examined, stable_audio):
    (stable_audio / "text_encoder" / "model.safetensors").unlink()
    found = examined("audio", **SAO)["audio weights"]
    assert found.level is Level.MISSING
    assert "t5-base is not in" in found.found


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({"HF_TOKEN": SECRET}, Level.OK, "from HF_TOKEN"),
        ({"HF_TOKEN": f"x{SECRET}"}, Level.WARNING, "does not look like a token"),
        ({"HF_TOKEN_FILE": "/no/such/file"}, Level.MISSING, "cannot read /no/such/file"),
        ({}, Level.MISSING, "there is no token"),
    ],
)
def test_the_token_is_looked_at_and_never_shown(examined, tmp_path, settings, level, words):
    found = examined("audio", **SAO, HF_HOME=str(tmp_path / "none"), **settings)
    assert found["token"].level is level
    assert words in found["token"].found
    assert SECRET not in repr(found)


def test_packages_that_are_not_installed(examined, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None if name in ("torch", "stable_audio_tools") else object())
    found = examined("audio", **SAO)
    assert found["audio packages"].found == "stable-audio needs torch, stable-audio-tools, not installed"
    assert found["audio packages"].advice == "run make setup-models"
    assert "audio device" not in found


def test_a_lora_needs_peft(examined, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None if name == "peft" else object())
    assert examined("image", **SD)["image packages"].level is Level.OK
    found = examined("image", **SD, POSTCARDS_IMAGE_LORA="/lora.safetensors")
    assert "needs peft" in found["image packages"].found


def test_a_fallback_makes_it_a_warning(examined):
    found = examined("audio", **SAO, POSTCARDS_AUDIO_FALLBACK="vocal-tract")
    assert all(finding.ok for finding in found.values())
    assert found["fallback"].found == "vocal-tract makes the calls instead of stable-audio"


def test_a_folder_of_ones_own(examined, cache, tmp_path, stable_audio):
    found = examined("audio", **SAO, POSTCARDS_AUDIO_MODEL=str(stable_audio))
    assert found["audio weights"].level is Level.OK
    assert str(stable_audio) in found["audio weights"].found
    found = examined("audio", **SAO, POSTCARDS_AUDIO_MODEL=str(tmp_path / "none"))
    assert found["audio weights"].found == f"there is no folder {tmp_path / 'none'}"
    (tmp_path / "empty").mkdir()
    settings = SAO | {"POSTCARDS_AUDIO_MODEL": str(tmp_path / "empty")}
    findings = models.look("audio", models.engine_in("audio", settings, cache), settings, cache)
    told = [finding.found for finding in findings if finding.check == "audio weights"]
    assert told[0] == f"{tmp_path / 'empty'} is there in part: model_config.json, model.safetensors is missing"
    assert told[1].startswith("t5-base is not in")


def test_the_small_model_comes_with_the_package(examined, tmp_path, monkeypatch):
    monkeypatch.undo()
    assert examined("image", POSTCARDS_IMAGE_ENGINE="ddpm")["image weights"].level is Level.OK
    model = tmp_path / "mine.onnx"
    model.write_bytes(b"onnx")
    found = examined("image", POSTCARDS_IMAGE_ENGINE="ddpm", POSTCARDS_IMAGE_MODEL=str(model))
    assert found["image weights"].found == str(model)


H100 = Gpu("NVIDIA H100", 79 * GIGABYTE, 80 * GIGABYTE)


@pytest.mark.parametrize(
    ("there", "wanted", "level", "words", "advice"),
    [
        ({"gpus": [H100], "cuda": "13"}, "", Level.OK, "cuda:0 NVIDIA H100, 79.0 GB of 80.0 GB free", ""),
        ({"gpus": [H100, H100], "cuda": "13"}, "cuda:1", Level.OK, "cuda:1 NVIDIA H100", ""),
        ({"gpus": [H100], "cuda": "13"}, "cuda:1", Level.MISSING, "sees 1 GPU", "set POSTCARDS_IMAGE_DEVICE=auto"),
        ({}, "cuda", Level.MISSING, "sees no GPU", "set POSTCARDS_IMAGE_DEVICE=auto"),
        ({"nvidia": 1}, "cuda", Level.MISSING, "sees no GPU", "built without CUDA"),
        ({"nvidia": 1, "cuda": "13"}, "", Level.WARNING, "no GPU", "look at nvidia-smi"),
        ({}, "", Level.WARNING, "minutes", "POSTCARDS_IMAGE_ENGINE=creature"),
        ({}, "cpu", Level.OK, "cpu", ""),
        ({"mps": True}, "", Level.OK, "mps", ""),
        ({}, "mps", Level.MISSING, "no such GPU", "set POSTCARDS_IMAGE_DEVICE=auto"),
        ({}, "gpu", Level.MISSING, "POSTCARDS_IMAGE_DEVICE=gpu is no device", "auto, cpu, cuda, cuda:N or mps"),
        ({}, "cuda:x", Level.MISSING, "is no device", "cuda:N"),
        ({"fault": "ImportError: libc10"}, "", Level.MISSING, "libc10", "make setup-models"),
    ],
)
def test_the_device(examined, machine, there, wanted, level, words, advice):
    machine(**there)
    finding = examined("image", **SD, POSTCARDS_IMAGE_DEVICE=wanted)["image device"]
    assert finding.level is level
    assert words in finding.found
    assert advice in finding.advice
    assert bool(finding.advice) == (level is not Level.OK)


def both(cache, settings):
    return [models.engine_in(part, settings, cache) for part in ("image", "audio")]


@pytest.mark.parametrize(
    ("there", "settings", "checks", "level"),
    [
        ({}, {}, {"memory"}, Level.OK),
        ({"free": 10 * GIGABYTE}, {}, {"memory"}, Level.WARNING),
        ({"free": 7 * GIGABYTE, "total": 8 * GIGABYTE}, {}, {"memory"}, Level.MISSING),
        ({"gpus": [H100]}, {}, {"memory of cuda:0"}, Level.OK),
        ({"gpus": [Gpu("small", 5 * GIGABYTE, 12 * GIGABYTE)]}, {}, {"memory of cuda:0"}, Level.WARNING),
        ({"gpus": [H100]}, {"POSTCARDS_AUDIO_DEVICE": "cpu"}, {"memory", "memory of cuda:0"}, Level.OK),
    ],
)
def test_memory_must_do_for_all_engines_together(cache, machine, there, settings, checks, level):
    machine(**there)
    findings = list(resources.memory(both(cache, SD | SAO | settings), settings))
    assert {finding.check for finding in findings} == checks
    assert {finding.level for finding in findings} == {level}


def test_nothing_is_said_of_the_memory_of_what_nobody_knows(cache, machine, tmp_path):
    machine()
    settings = SD | SAO | {"POSTCARDS_IMAGE_MODEL": str(tmp_path)}
    (finding,) = resources.memory(both(cache, settings), settings)
    assert "stable-audio about" in finding.found
    assert "stable-diffusion" not in finding.found
    assert list(resources.memory([models.engine_in("image", settings, cache)], settings)) == []


@pytest.mark.parametrize(("free", "level"), [(50, Level.OK), (8, Level.MISSING)])
def test_the_disk_must_do_for_all_downloads_together(cache, monkeypatch, free, level):
    usage = resources.shutil.disk_usage("/")
    monkeypatch.setattr(resources.shutil, "disk_usage", lambda _: usage._replace(free=free * GIGABYTE))
    (finding,) = resources.disk(both(cache, SD | SAO | {"POSTCARDS_IMAGE_DEVICE": "cpu"}), cache)
    assert finding.level is level
    assert "10.8 GB of weights to download" in finding.found


def test_a_cache_that_cannot_be_written():
    cache = Cache(Path("/dev/null/hub"))
    (finding,) = resources.disk([models.engine_in("audio", SAO, cache)], cache)
    assert finding.found == "/dev/null/hub cannot be written"


@pytest.mark.usefixtures("stable_audio")
def test_nothing_to_download_needs_no_room(cache):
    engine = models.engine_in("audio", SAO, cache)
    assert list(resources.disk([engine], cache)) == []
