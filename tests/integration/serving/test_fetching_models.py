"""Models that are fetched from a hub on loopback while a service starts: once, without pickles, and in plain words."""

import errno
import fcntl
import hashlib
import logging
import sys

import pytest

from fake_hub import COMMIT, blob_of
from postcards_serving.models import fetch
from postcards_serving.models.find import ModelUnusable, cached, find_model

MODEL = "someone/animals"
FILES = {
    "model_index.json": b'{"_class_name": "StableDiffusionPipeline"}',
    "unet/config.json": b"{}",
    "unet/diffusion_pytorch_model.safetensors": b"weights of the unet",
    "unet/diffusion_pytorch_model.bin": b"\x80\x04pickle",
    "vae/diffusion_pytorch_model.safetensors": b"weights of the vae",
    "README.md": b"hello",
}
PATTERNS = ("*.json", "unet/*", "vae/*.safetensors")


def find(**more):
    return find_model(MODEL, patterns=PATTERNS, **more)


def refusal(**more) -> str:
    with pytest.raises(ModelUnusable) as fault:
        find(**more)
    assert "\n" not in fault.value.message
    assert "a long story" not in fault.value.message
    return fault.value.message


@pytest.fixture
def full_hub(hub):
    hub.models[MODEL] = dict(FILES)
    return hub


def test_a_model_is_fetched_once_without_pickles_and_then_served_without_the_hub(full_hub, hub_home, monkeypatch):
    found = find()
    wanted = {path for path in FILES if path.endswith((".json", ".safetensors"))}
    assert set(full_hub.sent) == wanted
    assert found.folder.is_relative_to(hub_home)
    assert (found.name, found.revision) == (MODEL, COMMIT)
    assert found.files == {path: hashlib.sha256(FILES[path]).hexdigest() for path in wanted}
    full_hub.asked.clear()
    assert find() == find(revision=COMMIT) == cached(MODEL, PATTERNS) == found
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert find() == found
    assert full_hub.asked == []


def test_a_model_of_which_a_part_was_fetched_is_completed(full_hub):
    find_model(MODEL, patterns=("*.json",))
    assert cached(MODEL, PATTERNS) is None
    full_hub.sent.clear()
    assert "vae/diffusion_pytorch_model.safetensors" in find().files
    assert set(full_hub.sent) == {path for path in FILES if path.endswith(".safetensors")}


def test_a_download_that_was_broken_off_goes_on(full_hub):
    full_hub.faults.busy["vae/diffusion_pytorch_model.safetensors"] = 99
    assert "it answers with status 503" in refusal()
    assert cached(MODEL, PATTERNS) is None
    full_hub.faults.busy.clear()
    assert set(find().files) == {path for path in FILES if path.endswith((".json", ".safetensors"))}


@pytest.mark.usefixtures("full_hub")
def test_without_the_hub_what_is_there_is_served_if_it_holds_what_is_required(monkeypatch):
    find_model(MODEL, patterns=("*.json", "unet/*"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "unet/config.json" in find(required=("unet/*.safetensors",)).files
    said = refusal(required=("vae/*.safetensors",))
    assert "is in the cache only in part (vae/*.safetensors is missing)" in said
    assert "HF_HUB_OFFLINE is set" in said
    assert "vae/diffusion_pytorch_model.safetensors is missing" in refusal()


def test_what_came_of_a_file_is_not_fetched_again(full_hub):
    path, data = "vae/diffusion_pytorch_model.safetensors", b"weights" * 100_000
    full_hub.models[MODEL][path] = data
    full_hub.faults.cut[path] = [len(data) // 2, 0, 0, 0]
    refusal()
    full_hub.faults.cut.clear()
    full_hub.sent.clear()
    assert path in find().files
    assert full_hub.sent[path] < len(data)


@pytest.mark.usefixtures("full_hub")
def test_a_model_that_another_process_is_fetching_is_waited_for(hub_home, monkeypatch):
    path = "vae/diffusion_pytorch_model.safetensors"
    blobs = hub_home / "hub" / f"models--{MODEL.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    other = (blobs / f"{blob_of(FILES[path])[1]}.postcards.incomplete").open("ab")
    fcntl.flock(other, fcntl.LOCK_EX)
    looked = []

    async def ended(_: float) -> None:
        looked.append(1)
        other.close()

    monkeypatch.setattr(fetch.asyncio, "sleep", ended)
    assert path in find().files
    assert looked == [1]


def test_a_gated_model_says_where_its_licence_is(full_hub):
    full_hub.errors[MODEL] = (403, "GatedRepo")
    said = refusal()
    assert f"{MODEL} is gated: accept its licence at {full_hub.url}/{MODEL}, then set HF_TOKEN" in said


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (404, "RepoNotFound", f"has no model {MODEL}; a private one needs HF_TOKEN"),
        (401, "", f"has no model {MODEL}; a private one needs HF_TOKEN"),
        (403, "", f"the hub does not let {MODEL} be read with this HF_TOKEN"),
        (500, "", "it answers with status 500; run `postcards fetch-models` once where the hub can be reached"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(full_hub, status, code, words):
    full_hub.errors[MODEL] = (status, code)
    assert words in refusal()


@pytest.mark.usefixtures("full_hub")
def test_a_revision_that_is_not_there_is_named():
    assert refusal(revision="v9").endswith(f"{MODEL} has no revision v9")


@pytest.mark.usefixtures("hub")
def test_a_hub_that_cannot_be_reached_says_so(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    said = refusal()
    assert f"{MODEL} could not be fetched: http://127.0.0.1:9 cannot be reached" in said
    assert "run `postcards fetch-models` once where the hub can be reached" in said


def test_weights_that_are_all_pickled_are_refused_by_name(full_hub):
    full_hub.models[MODEL] = {path: data for path, data in FILES.items() if not path.endswith(".safetensors")}
    said = refusal(required=("unet/*.safetensors",))
    assert "has pickled weights only (unet/diffusion_pytorch_model.bin)" in said
    assert "never unpickled" in said
    assert "name a revision that has unet/*.safetensors" in said
    assert "unet/diffusion_pytorch_model.bin" not in full_hub.sent


def test_what_the_hub_is_known_not_to_have_is_not_asked_for_again(full_hub):
    find()
    full_hub.asked.clear()
    assert "it has no unet/*.fp16.safetensors" in refusal(required=("unet/*.fp16.safetensors",))
    assert full_hub.asked == []


def test_a_model_of_another_kind_says_what_it_lacks(full_hub):
    full_hub.models[MODEL] = {"config.json": b"{}"}
    assert "it has no unet/*.safetensors" in refusal(required=("unet/*.safetensors",))


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "make room"), (errno.EROFS, "cannot be written")])
@pytest.mark.usefixtures("full_hub")
def test_a_disk_that_takes_nothing_says_so(hub_home, monkeypatch, code, words):
    import postcards_weights.fetch

    def fail(*_: object, **__: object) -> None:
        raise OSError(code, "a long story\nin two lines")

    monkeypatch.setattr(postcards_weights.fetch, "_write", fail)
    said = refusal()
    assert words in said
    assert str(hub_home) in said


@pytest.mark.usefixtures("full_hub")
def test_a_cache_that_cannot_be_written_says_so(hub_home):
    hub_home.write_text("a file where the folder should be")
    assert "could not be fetched" in refusal()


@pytest.mark.parametrize("given", ["variable", "file"])
def test_the_token_reaches_the_hub_and_nobody_else(full_hub, tmp_path, monkeypatch, caplog, given):
    if given == "variable":
        monkeypatch.setenv("HF_TOKEN", "hf_swordfish")
    else:
        (tmp_path / "token").write_text("hf_swordfish\n")
        monkeypatch.setenv("HF_TOKEN_FILE", str(tmp_path / "token"))
    with caplog.at_level(logging.DEBUG, logger="postcards_serving"):
        assert "hf_swordfish" not in repr(find())
        full_hub.errors["someone/else"] = (403, "GatedRepo")
        with pytest.raises(ModelUnusable) as fault:
            find_model("someone/else", patterns=PATTERNS)
    assert full_hub.tokens["hub"] == {"Bearer hf_swordfish"}
    assert "hf_swordfish" not in caplog.text + fault.value.message + str(fault.value.__context__)


@pytest.mark.usefixtures("full_hub")
def test_a_token_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN_FILE", str(tmp_path / "nowhere"))
    assert refusal() == f"HF_TOKEN_FILE: cannot read {tmp_path / 'nowhere'}: No such file or directory"


@pytest.mark.usefixtures("hub_home")
def test_without_what_fetches_it_says_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "postcards_weights.hub_api", raising=False)
    assert "needs httpx, which is not installed: run `make setup-models`" in refusal(install="run `make setup-models`")
