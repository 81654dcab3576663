"""What is not fetched, and why: gated, not there, unfit, no room, no hub; and who sees a secret."""

import pytest

from fetched_weights import LOADED, SAO, SD, a_model, contents, fetched
from free_ports import free_port
from postcards_weights import fetch
from postcards_weights.catalog import LORA, STABLE_AUDIO, Model
from postcards_weights.hub_api import FetchFailed, open_hub


async def test_the_token_goes_to_the_hub_and_nowhere_else(hub, cache, stable_audio_files, token):
    hub.models[SAO] = stable_audio_files
    hub.gated.add(SAO)
    hub.let_in.add(f"Bearer {token}")
    folder = await fetched(hub, cache, a_model(SAO, needs=STABLE_AUDIO.needs), token=token)
    assert set(contents(folder)) == {"model_config.json", "model.safetensors"}
    assert hub.tokens["hub"] == {f"Bearer {token}"}
    assert hub.tokens["store"] == {None}


@pytest.mark.parametrize(
    ("token", "step"), [("", "set HF_TOKEN to a token of that account"), ("hf_other", "its owner has to be let in")]
)
async def test_a_gated_model_says_where_its_licence_is(hub, cache, stable_audio_files, token, step):
    hub.models[SAO] = stable_audio_files
    hub.gated.add(SAO)
    with pytest.raises(FetchFailed) as caught:
        await fetched(hub, cache, a_model(SAO, needs=STABLE_AUDIO.needs), token=token)
    assert caught.value.reason == "GATED"
    assert str(caught.value) == f"{SAO} is gated: accept its licence at {hub.url}/{SAO}, then {step}"


@pytest.mark.parametrize(
    ("chosen", "token", "words", "reason"),
    [
        (a_model("nobody/nothing"), "", "no model nobody/nothing; a private one needs HF_TOKEN", "MODEL_NOT_FOUND"),
        (a_model("nobody/nothing"), "hf_x", "no model nobody/nothing", "MODEL_NOT_FOUND"),
        (a_model(revision="fp16"), "", "no revision fp16", "REVISION_NOT_FOUND"),
        (a_model("pickles/only"), "", "only pickled weights (text_encoder/pytorch_model.bin)", "MODEL_UNFIT"),
        (a_model("words/only"), "", "it has no model_index.json", "MODEL_UNFIT"),
        (Model("pickles/only", "main", LORA), "", "only pickled weights", "MODEL_UNFIT"),
    ],
)
async def test_what_cannot_be_loaded_is_not_fetched(sd, cache, chosen, token, words, reason):
    sd.models["pickles/only"] = {path: b for path, b in sd.models[SD].items() if not path.endswith(".safetensors")}
    sd.models["words/only"] = {"README.md": b"words"}
    with pytest.raises(FetchFailed) as caught:
        await fetched(sd, cache, chosen, token=token)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.reason == reason
    assert not sd.sent


async def test_a_full_disk_is_noticed_before_anything_is_written(sd, cache, monkeypatch):
    total = sum(len(sd.models[SD][path]) for path in LOADED)
    usage = fetch.shutil.disk_usage(cache.folder.parents[1])
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage._replace(free=fetch.SPARE_BYTES + total - 1))
    with pytest.raises(FetchFailed, match="set HF_HOME to a folder on another disk") as caught:
        await fetched(sd, cache, a_model())
    assert caught.value.reason == "DISK_FULL"
    assert not sd.sent
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage._replace(free=fetch.SPARE_BYTES + total))
    await fetched(sd, cache, a_model())


async def test_paths_that_lead_out_of_the_cache_are_refused(sd, cache):
    sd.models[SD]["tokenizer/../../../../merges.txt"] = b"x"
    with pytest.raises(FetchFailed, match="does not answer like a Hugging Face hub"):
        await fetched(sd, cache, a_model())


async def test_nobody_at_the_hub_is_one_line():
    url = f"http://127.0.0.1:{free_port()}"
    async with open_hub(url, pauses=()) as hub:
        with pytest.raises(FetchFailed, match=f"^{url} cannot be reached: ") as caught:
            await hub.listing(SD, "main")
    assert caught.value.reason == "HUB_UNREACHABLE"


async def test_a_password_of_a_mirror_is_not_told(sd, cache):
    async with open_hub(sd.url.replace("//", "//user:swordfish@"), pauses=()) as hub:
        with pytest.raises(FetchFailed, match="has no model a/b") as caught:
            await fetch.prepare(hub, cache, a_model("a/b"))
    assert "swordfish" not in str(caught.value)
