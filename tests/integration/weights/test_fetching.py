"""Weights from a server that speaks the hub's interface into the hub's cache: which files, and where they lie."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from fetched_weights import LOADED, SD, UNET, Log, a_model, contents, fetched
from postcards_serving.models.find import find_model
from postcards_weights.catalog import T5, Model, Precision, model
from postcards_weights.state import state_in_cache


async def test_exactly_what_the_engine_loads_comes_into_the_cache(sd, cache, commit):
    log = Log()
    folder = await fetched(sd, cache, a_model(), log=log)
    assert folder == cache.snapshot(SD, "main") == cache.snapshot(SD, commit)
    assert contents(folder) == {path: sd.models[SD][path] for path in LOADED}
    assert set(log.files) == LOADED
    assert log.bytes == sum(len(sd.models[SD][path]) for path in LOADED)
    assert state_in_cache(cache, a_model()).complete
    assert all(path.is_symlink() for path in folder.rglob("*") if path.is_file())


async def test_a_second_time_nothing_is_asked_for_again(sd, cache):
    await fetched(sd, cache, a_model())
    sent, log = sum(sd.sent.values()), Log()
    await fetched(sd, cache, a_model(), log=log)
    assert sum(sd.sent.values()) == sent
    assert log.files == []


async def test_the_hubs_own_client_lays_the_cache_out_alike_and_finds_ours_without_the_network(sd, cache, tmp_path):
    huggingface_hub = pytest.importorskip("huggingface_hub", reason="make setup-models brings it")
    ours = await fetched(sd, cache, a_model())
    theirs = tmp_path / "theirs"
    arguments = {"allow_patterns": sorted(LOADED), "cache_dir": str(theirs)}
    await asyncio.to_thread(huggingface_hub.snapshot_download, SD, endpoint=sd.url, **arguments)

    def layout(folder: Path) -> dict[str, str]:
        home = folder / f"models--{SD.replace('/', '--')}"
        files = [path for path in home.rglob("*") if path.is_file() or path.is_symlink()]
        return {
            path.relative_to(home).as_posix(): str(path.readlink())
            if path.is_symlink()
            else hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    assert layout(cache.folder) == layout(theirs)
    found = huggingface_hub.snapshot_download(
        SD, cache_dir=str(cache.folder), local_files_only=True, allow_patterns=sorted(LOADED)
    )
    assert Path(found) == ours


async def test_a_pinned_commit_is_what_programs_without_a_revision_find(hub, cache, t5_files, commit):
    hub.models["t5-base"] = t5_files
    folder = await fetched(hub, cache, Model("t5-base", commit, T5.variants))
    assert cache.snapshot("t5-base", "main") == folder
    assert set(contents(folder)) == {"config.json", "model.safetensors", "tokenizer.json"}


async def test_a_gpu_gets_half_of_it(sd, cache):
    found = model("stable-diffusion", Precision.HALF, "", "main")
    folder = await fetched(sd, cache, found)
    weights = {path for path in contents(folder) if path.endswith(".safetensors")}
    assert len(weights) == 4
    assert all(".fp16." in path for path in weights)
    assert state_in_cache(cache, found).complete
    assert not state_in_cache(cache, model("stable-diffusion", Precision.WHOLE, "", "main")).complete


async def test_a_checkpoint_without_halves_is_fetched_whole(sd, cache):
    sd.models[SD] = {path: held for path, held in sd.models[SD].items() if ".fp16." not in path}
    found = model("stable-diffusion", Precision.HALF, "", "main")
    assert set(contents(await fetched(sd, cache, found))) == LOADED
    assert state_in_cache(cache, found).complete


async def test_the_services_find_it_without_the_network(sd, cache, monkeypatch):
    files = pytest.importorskip("postcards_image.engines.stable_diffusion.checkpoint.files")
    folder = await fetched(sd, cache, a_model())
    monkeypatch.setenv("HF_HUB_CACHE", str(cache.folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = find_model(SD, patterns=files.patterns(half=False), required=files.required(half=False), revision="main")
    assert found.folder == folder
    assert set(found.files) == LOADED
    assert found.files[UNET] == hashlib.sha256(sd.models[SD][UNET]).hexdigest()
