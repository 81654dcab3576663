"""What there is of a model on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_weights.cache import hub_cache, is_hub_id, is_offline
from postcards_weights.catalog import STABLE_AUDIO, Model
from postcards_weights.state import fault_of, state_in_cache, state_of_folder
from postcards_weights.token import hub_token

COMMIT = "abcdef0123" * 4
MODEL = Model("owner/name", COMMIT, (STABLE_AUDIO.needs,))


def weights(size: int = 100) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}, "__metadata__": {"a": "b"}})
    return len(header).to_bytes(8, "little") + header.encode() + bytes(size)


@pytest.fixture
def cache(tmp_path):
    return hub_cache({}, tmp_path)


@pytest.fixture
def snapshot(cache) -> Path:
    folder = cache.home("owner/name") / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "model_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights())
    return folder


def test_a_whole_model(cache, snapshot):
    state = state_in_cache(cache, MODEL)
    assert state.complete
    assert state.folder == snapshot
    assert state.bytes == 2 + len(weights())


def test_nothing_there(cache):
    state = state_in_cache(cache, MODEL)
    assert not state.complete
    assert state.folder is None
    assert len(state.missing) == 2


def test_a_branch_is_looked_up(cache, snapshot):
    branch = Model("owner/name", "main", (STABLE_AUDIO.needs,))
    assert state_in_cache(cache, branch).folder is None
    (cache.home("owner/name") / "refs").mkdir()
    (cache.home("owner/name") / "refs" / "main").write_text(f"{COMMIT}\n")
    assert state_in_cache(cache, branch).folder == snapshot


def test_links_that_lead_nowhere_are_no_files(cache, snapshot):
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").symlink_to("../../blobs/gone")
    assert [need.choices[0] for need in state_in_cache(cache, MODEL).missing] == ["model.safetensors"]


def test_what_the_hub_listed_and_is_not_there(cache, snapshot):
    trees = cache.home("owner/name") / "trees"
    trees.mkdir()
    (trees / f"{COMMIT}.json").write_text(json.dumps({"files": {"model.safetensors": {}, "README.md": {}}}))
    assert state_in_cache(cache, MODEL).complete
    (snapshot / "model.safetensors").unlink()
    assert state_in_cache(cache, MODEL).unfetched == ("model.safetensors",)


def test_only_pickled_weights(snapshot):
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.CKPT").write_bytes(b"x")
    assert state_of_folder(snapshot, STABLE_AUDIO.needs).pickled == ("model.CKPT",)


@pytest.mark.usefixtures("snapshot")
def test_a_download_that_broke_off(cache):
    (cache.home("owner/name") / "blobs").mkdir()
    (cache.home("owner/name") / "blobs" / "ab.postcards.incomplete").write_bytes(bytes(70))
    assert state_in_cache(cache, MODEL).unfinished_bytes == 70
    # A file that was renamed once it was whole, between being listed and being looked at.
    (cache.home("owner/name") / "blobs" / "cd.postcards.incomplete").symlink_to("cd")
    assert state_in_cache(cache, MODEL).unfinished_bytes == 70


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (weights()[:-1], f"has {len(weights()) - 1} of {len(weights())} bytes"),
        (weights() + b"x", f"has {len(weights()) + 1} of {len(weights())} bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "`git lfs pull`"),
        (b"", "is no safetensors file"),
        (b"\x80\x04pickle", "is no safetensors file"),
        ((2**40).to_bytes(8, "little") + b"{}", "is no safetensors file"),
        ((2).to_bytes(8, "little") + b"[]", "is no safetensors file"),
    ],
)
def test_damaged_weights(snapshot, content, words):
    (snapshot / "model.safetensors").write_bytes(content)
    state = state_of_folder(snapshot, STABLE_AUDIO.needs)
    assert not state.complete
    assert words in state.damaged[0]


@given(content=st.binary(max_size=200), tail=st.binary(max_size=50))
def test_no_file_is_too_odd_to_be_judged(tmp_path_factory, content, tail):
    path = tmp_path_factory.mktemp("odd") / "x.safetensors"
    for odd in (content, len(content).to_bytes(8, "little") + content + tail):
        path.write_bytes(odd)
        assert isinstance(fault_of(path), str)


def test_where_the_cache_is(tmp_path):
    assert hub_cache({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}).folder == Path("/a")
    assert hub_cache({"HF_HOME": "/b"}).folder == Path("/b/hub")
    assert hub_cache({"XDG_CACHE_HOME": "/c"}).folder == Path("/c/huggingface/hub")
    assert hub_cache({"HF_HOME": "/b"}, tmp_path).folder == tmp_path / "hub"


def test_it_is_where_the_hubs_own_client_looks(tmp_path):
    pytest.importorskip("huggingface_hub", reason="make setup-models brings it")
    code = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE, constants.HF_TOKEN_PATH)"
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))}
    for settings in ({}, {"HF_HOME": "/b"}, {"XDG_CACHE_HOME": "/c"}, {"HF_HUB_CACHE": "/d"}):
        environment = bare | settings | {"HOME": str(tmp_path)}
        told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(tmp_path))
            assert told.stdout.split()[0] == str(hub_cache(settings).folder)


@pytest.mark.parametrize(
    ("name", "good"), [("a/b", True), ("t5-base", True), ("../a", False), ("a/b/c", False), ("", False)]
)
def test_ids(name, good):
    assert is_hub_id(name) is good


def test_offline():
    assert is_offline({"HF_HUB_OFFLINE": "1"})
    assert is_offline({"TRANSFORMERS_OFFLINE": "true"})
    assert not is_offline({"HF_HUB_OFFLINE": "0"})


def test_the_token_and_where_it_is_from(tmp_path):
    file = tmp_path / "token"
    file.write_text(" hf_file \n")
    assert hub_token({"HF_TOKEN": " hf_env "}).value == "hf_env"
    assert hub_token({"HF_TOKEN_FILE": str(file)}).value == "hf_file"
    assert hub_token({"HF_HOME": str(tmp_path)}).value == "hf_file"
    assert hub_token({"HF_HOME": str(tmp_path / "none")}).value == ""
    assert "cannot read" in hub_token({"HF_TOKEN_FILE": str(tmp_path / "none")}).fault
    file.write_text("")
    assert "is empty" in hub_token({"HF_TOKEN_FILE": str(file)}).fault
    assert "hf_env" not in repr(hub_token({"HF_TOKEN": "hf_env"}))
