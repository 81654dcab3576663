"""What was fetched is loaded by the real engine without the network, and the doctor is content with it."""

import pytest

from fetched_weights import Log
from postcards_cli.doctor import models
from postcards_weights import fetch
from postcards_weights.cache import Cache
from postcards_weights.catalog import T5, Precision, model
from postcards_weights.hub_api import open_hub
from postcards_weights.state import state_in_cache

TINY = "someone/tiny-diffusion"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> dict[str, bytes]:
    """The files of a tiny checkpoint in whole and half precision, with pickles beside them."""
    for library in ("torch", "diffusers", "transformers", "peft"):
        pytest.importorskip(library, reason="make setup-models brings it")
    from checkpoints.stable_diffusion import build_checkpoint

    folder = build_checkpoint(tmp_path_factory.mktemp("sd") / "tiny", checker="lenient", half=True)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    pickles = {path.replace(".safetensors", ".bin"): b"pickle" * 300 for path in files if path.endswith(".safetensors")}
    return files | pickles


@pytest.mark.parametrize("precision", [Precision.WHOLE, Precision.HALF])
async def test_a_fetched_checkpoint_is_served_offline(hub, checkpoint, tmp_path, monkeypatch, precision):
    from postcards_image.engines.stable_diffusion.checkpoint.loading import load_checkpoint
    from postcards_image.engines.stable_diffusion.choices import Choices

    hub.models[TINY] = checkpoint
    cache, wanted = Cache(tmp_path / "hub"), model("stable-diffusion", precision, TINY)
    async with open_hub(hub.url) as asked:
        order = await fetch.prepare(asked, cache, wanted)
        await fetch.fetch(asked, cache, order, Log())
    assert not [path for path in hub.sent if path.endswith(".bin")]
    environment = {
        "HF_HUB_CACHE": str(cache.folder),
        "HF_HUB_OFFLINE": "1",
        "POSTCARDS_IMAGE_ENGINE": "stable-diffusion",
        "POSTCARDS_IMAGE_MODEL": TINY,
        "POSTCARDS_IMAGE_DTYPE": "float32" if precision is Precision.WHOLE else "bfloat16",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    dtype = environment["POSTCARDS_IMAGE_DTYPE"]
    loaded = load_checkpoint(Choices(model=TINY, device="cpu", dtype=dtype, threads=1))
    assert loaded.revision == order.listing.commit
    assert set(loaded.files) == {file.path for file in order.files}
    assert loaded.checker is not None
    assert state_in_cache(cache, wanted).complete
    engine = models.engine_in("image", environment, cache)
    findings = {finding.check: finding for finding in models.look("image", engine, environment, cache)}
    assert findings["image weights"].level == "ok"
    assert TINY in findings["image weights"].found


async def test_stable_audio_and_the_text_encoder_that_it_lacks_are_served_offline(hub, tmp_path, monkeypatch):
    for library in ("torch", "transformers", "stable_audio_tools", "torchsde"):
        pytest.importorskip(library, reason="make setup-models brings it")
    from checkpoints.stable_audio import build_checkpoint, build_text_encoder
    from postcards_audio.engines.stable_audio import load_model

    tiny = build_checkpoint(tmp_path / "tiny", frames=16, with_text_encoder=False)
    build_text_encoder(tmp_path / "t5", tmp_path / "t5")
    for name, folder in ((TINY, tiny), ("t5-base", tmp_path / "t5")):
        hub.models[name] = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.commits.add(T5.revision)
    cache = Cache(tmp_path / "hub")
    async with open_hub(hub.url) as asked:
        for wanted in (model("stable-audio", Precision.WHOLE, TINY), T5):
            await fetch.fetch(asked, cache, await fetch.prepare(asked, cache, wanted), Log())
    monkeypatch.setenv("HF_HUB_CACHE", str(cache.folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    loaded = load_model(TINY, device="cpu", threads=1)
    assert set(loaded.files) == {
        "model_config.json",
        "model.safetensors",
        *(
            f"t5-base/{name}"
            for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
        ),
    }
