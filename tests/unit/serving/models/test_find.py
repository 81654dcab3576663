"""Models that are on this machine: folders, the hub's cache as its client lays it out, and hashes that are kept."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from postcards_serving.models.find import ModelUnusable, cached, find_model, first_line, is_hub_id
from postcards_weights.cache import hub_cache, is_offline
from postcards_weights.files import files_below, matching
from postcards_weights.hashes import hashes_of, revision_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLDER = "89abcdef0123456789abcdef0123456789abcdef"
FILES = {
    "model_index.json": b"{}",
    "unet/model.safetensors": b"weights",
    "unet/config.json": b"{}",
    "notes.txt": b"hello",
}
PATTERNS = ("*.json", "unet/*.safetensors")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture(autouse=True)
def hub_home(tmp_path, monkeypatch):
    """A home of the hub's client without the client, and without a way to the hub."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    monkeypatch.setitem(sys.modules, "httpx", None)
    return tmp_path / "hub-home"


def lay_out(home: Path, model: str, files: dict[str, bytes], *, commit: str = COMMIT, ref: str = "main") -> Path:
    """A model in the cache: blobs named by their hashes, and links to them."""
    folder = home / "hub" / f"models--{model.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    if ref:
        (folder / "refs" / ref).write_text(commit)
    for name, data in files.items():
        large = name.endswith(".safetensors")
        blob = folder / "blobs" / (sha256(data) if large else hashlib.sha1(data).hexdigest())  # noqa: S324
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(data)
        link = folder / "snapshots" / commit / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return folder


def refusal(model: object, **more) -> str:
    with pytest.raises(ModelUnusable) as fault:
        find_model(str(model), patterns=PATTERNS, **more)
    assert "\n" not in fault.value.message
    return fault.value.message


def test_a_folder_is_used_as_it_is(tmp_path):
    folder = write(tmp_path / "animals", FILES)
    found = find_model(str(folder), patterns=PATTERNS, revision="ignored")
    assert (found.folder, found.name) == (folder, "animals")
    assert found.files == {name: sha256(data) for name, data in FILES.items() if name != "notes.txt"}
    assert found.revision == revision_of(found.files)
    assert "weights" not in repr(found)


def test_the_revision_of_a_folder_changes_with_every_file_and_name(tmp_path):
    def revision(**changed: bytes) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return find_model(str(write(folder, FILES | changed)), patterns=PATTERNS).revision

    same, edited, added = revision(), revision(**{"unet/config.json": b"[]"}), revision(**{"vae.json": b"{}"})
    assert same == revision(**{"notes.txt": b"not part of the model"})
    assert len({same, edited, added}) == 3
    assert same.startswith("sha256:")


def test_the_home_of_a_user_may_be_named_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "animals", FILES)
    assert find_model("~/animals", patterns=PATTERNS).folder == tmp_path / "animals"


def test_linked_folders_belong_to_a_model_and_loops_end(tmp_path):
    write(tmp_path / "elsewhere", {"model.safetensors": b"weights"})
    folder = write(tmp_path / "animals", {"model_index.json": b"{}"})
    (folder / "unet").symlink_to(tmp_path / "elsewhere")
    (folder / "self").symlink_to(folder)
    assert set(find_model(str(folder), patterns=PATTERNS).files) == {"model_index.json", "unet/model.safetensors"}
    assert files_below(folder) == ["model_index.json", "unet/model.safetensors"]


def test_pickles_never_take_part_whatever_the_patterns_say():
    paths = ["a.bin", "b.ckpt", "c.pt", "d.PTH", "e.pkl", "f.safetensors", "unet/g.bin", "unet/h.json"]
    assert matching(paths, ("*",)) == ["f.safetensors", "unet/h.json"]


def test_a_folder_of_pickles_is_refused_with_the_reason(tmp_path):
    folder = write(tmp_path / "old", {"model_index.json": b"{}", "unet/model.bin": b"\x80\x04"})
    said = refusal(folder, required=("unet/*.safetensors",))
    assert "has pickled weights only (unet/model.bin), which are refused: they are never unpickled" in said
    assert "convert them to safetensors" in said
    assert refusal(folder) == said


def test_the_advice_names_the_weights_that_are_pickled_not_whatever_is_missing(tmp_path):
    folder = write(tmp_path / "old", {"config.json": b"{}", "unet/model.bin": b"\x80\x04"})
    said = refusal(folder, required=("scheduler/*.json", "unet/*.safetensors"))
    assert "(unet/model.bin)" in said
    assert said.endswith("name a revision that has unet/*.safetensors")


@pytest.mark.parametrize(
    ("names", "pattern", "blamed"),
    [
        (["unet/model.bin", "unet/model.fp16.safetensors"], "unet/model.safetensors", "unet/model.bin"),
        (["unet/pytorch_model.bin"], "unet/model.safetensors", "unet/pytorch_model.bin"),
        (["unet/model.bin", "unet/model.safetensors"], "unet/*.fp16.safetensors", ""),
        (["unet/model.bin", "vae/model.safetensors"], "vae/*.fp16.safetensors", ""),
        (["model.ckpt"], "*.safetensors", "model.ckpt"),
        (["training.bin", "unet/model.safetensors"], "vae/*.safetensors", ""),
    ],
)
def test_pickles_are_blamed_where_they_lie_in_the_place_of_weights(tmp_path, names, pattern, blamed):
    folder = write(tmp_path / "some", dict.fromkeys(["config.json", *names], b"{}"))
    said = refusal(folder, required=(pattern,))
    assert (f"has pickled weights only ({blamed})" if blamed else f"it has no {pattern}") in said


@pytest.mark.parametrize(
    ("files", "required", "words"),
    [
        ({}, (), "it has no *.json and no unet/*.safetensors"),
        ({"a.json": b"{}"}, (), "it has no unet/*.safetensors"),
        ({"a.json": b"{}"}, ("unet/*.safetensors", "vae/*"), "it has no unet/*.safetensors and no vae/*"),
        ({"readme": b"hello"}, ("*.json",), "it has no *.json"),
    ],
)
def test_a_folder_of_another_kind_says_what_it_lacks(tmp_path, files, required, words):
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", files)
    assert words in refusal(tmp_path / "other", required=required)
    assert cached(str(tmp_path / "other"), PATTERNS, required=required) is None


@pytest.mark.parametrize("name", ["/nowhere/at/all", "./nowhere", "a/b/c", "../up", "a b", "x/y--z"])
def test_what_is_neither_folder_nor_id_is_said_to_be_neither(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(name) == f"there is no folder {name}, and it is no id on the Hugging Face hub"


def test_a_model_without_a_name_is_not_the_present_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path / "animals", FILES))
    assert refusal("") == "no model is named"
    assert cached("", PATTERNS) is None


@pytest.mark.parametrize("name", ["", "..", "a/..", "a" * 97, "a//b", "a/", "/a"])
def test_names_that_are_no_ids(name):
    assert not is_hub_id(name)


def test_a_file_is_no_model(tmp_path):
    write(tmp_path, {"model.safetensors": b"weights"})
    assert "is a file: name the folder" in refusal(tmp_path / "model.safetensors")


@pytest.mark.parametrize("model", ["stabilityai/stable-audio-open-1.0", "t5-base", "a/b", "0x/9.y_z"])
def test_ids_on_the_hub(model):
    assert is_hub_id(model)


def test_a_model_in_the_cache_needs_no_client(hub_home):
    lay_out(hub_home, "someone/animals", FILES)
    found = find_model("someone/animals", patterns=PATTERNS)
    assert found == cached("someone/animals", PATTERNS)
    assert (found.name, found.revision) == ("someone/animals", COMMIT)
    assert found.folder == hub_home / "hub" / "models--someone--animals" / "snapshots" / COMMIT
    assert found.files == {name: sha256(data) for name, data in FILES.items() if name != "notes.txt"}


def test_an_old_model_without_an_owner_is_found_too(hub_home):
    lay_out(hub_home, "t5-base", FILES)
    assert find_model("t5-base", patterns=PATTERNS).name == "t5-base"


def test_a_revision_is_a_commit_a_branch_or_a_tag(hub_home):
    lay_out(hub_home, "someone/animals", FILES)
    lay_out(hub_home, "someone/animals", FILES | {"model_index.json": b"[]"}, commit=OLDER, ref="v1")
    for revision, commit in (("", COMMIT), ("main", COMMIT), ("v1", OLDER), (OLDER, OLDER)):
        assert find_model("someone/animals", patterns=PATTERNS, revision=revision).revision == commit
    assert cached("someone/animals", PATTERNS, "v2") is None
    said = refusal("someone/animals", revision="v2")
    assert "HF_HUB_OFFLINE is set" in said
    assert "run `postcards fetch-models`" in said
    assert str(hub_home) in said


def test_what_is_not_in_the_cache_is_not_cached(hub_home):
    assert cached("someone/animals", PATTERNS) is None
    assert cached("no id at all", PATTERNS) is None
    lay_out(hub_home, "someone/animals", {"model_index.json": b"{}"})
    assert cached("someone/animals", PATTERNS) is None


def listing(folder: Path, *names: str) -> None:
    """As the client keeps it of the whole repository."""
    write(
        folder / "trees",
        {f"{COMMIT}.json": json.dumps({"format_version": 1, "files": dict.fromkeys(names)}).encode()},
    )


def test_the_listing_of_the_client_tells_whether_a_model_is_whole(hub_home):
    folder = lay_out(hub_home, "someone/animals", FILES)
    listing(folder, *FILES, "unet/second.safetensors", "unet/model.bin", "other.md")
    assert cached("someone/animals", PATTERNS) is None
    assert "unet/second.safetensors is missing" in refusal("someone/animals")
    assert find_model("someone/animals", patterns=PATTERNS, required=("unet/*.safetensors",)).revision == COMMIT
    listing(folder, *FILES, "unet/model.bin", "other.md")
    assert cached("someone/animals", PATTERNS) is not None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"files": 3}', "\xff"])
def test_a_listing_that_cannot_be_read_is_ignored(hub_home, text):
    folder = lay_out(hub_home, "someone/animals", FILES)
    without = cached("someone/animals", PATTERNS)
    write(folder / "trees", {f"{COMMIT}.json": text.encode("latin-1")})
    assert cached("someone/animals", PATTERNS) == without
    assert without is not None


def test_a_download_that_was_broken_off_is_not_whole(hub_home):
    folder = lay_out(hub_home, "someone/animals", FILES)
    write(folder / "blobs", {"abc.incomplete": b""})
    assert cached("someone/animals", PATTERNS) is None


def test_a_file_that_was_swept_out_of_the_cache_is_missed(hub_home):
    folder = lay_out(hub_home, "someone/animals", FILES)
    (folder / "blobs" / sha256(b"weights")).unlink()
    assert cached("someone/animals", PATTERNS) is None


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"HF_HOME": "/a"}, "/a/hub"),
        ({"HF_HOME": "/a", "HF_HUB_CACHE": "/b"}, "/b"),
        ({"HF_HOME": "", "XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HF_HOME": "$ANIMALS/hf", "ANIMALS": "/d"}, "/d/hf/hub"),
        ({"HF_HOME": "", "XDG_CACHE_HOME": "", "HOME": "/e"}, "/e/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_client_has_it(monkeypatch, variables, folder):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hub_cache(os.environ).folder == Path(folder)


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("true", True), ("0", False), ("", False), ("no", False)])
def test_offline_is_said_as_the_client_understands_it(monkeypatch, value, offline):
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert is_offline(os.environ) is offline


class Counting:
    """Counts the files that are hashed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        genuine = hashlib.file_digest

        def count(*args: object) -> object:
            self.count += 1
            return genuine(*args)

        monkeypatch.setattr(hashlib, "file_digest", count)


def test_hashes_are_computed_once_until_a_file_changes(tmp_path, hub_home, monkeypatch):
    counting = Counting(monkeypatch)
    folder = write(tmp_path / "animals", {"a.json": b"1", "b.json": b"2"})
    assert hashes_of(folder, ["a.json", "b.json"]) == {"a.json": sha256(b"1"), "b.json": sha256(b"2")}
    assert hashes_of(folder, ["a.json", "b.json"])["a.json"] == sha256(b"1")
    assert counting.count == 2
    (folder / "a.json").write_bytes(b"333")
    assert hashes_of(folder, ["a.json"]) == {"a.json": sha256(b"333")}
    stat = (folder / "a.json").stat()
    (folder / "a.json").write_bytes(b"444")
    os.utime(folder / "a.json", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert hashes_of(folder, ["a.json"]) == {"a.json": sha256(b"444")}
    assert counting.count == 4
    assert [path.name for path in hub_home.iterdir()] == ["postcards-hashes.json"]


def test_large_files_of_the_cache_are_named_by_their_hash_and_not_read(hub_home, monkeypatch):
    counting = Counting(monkeypatch)
    lay_out(hub_home, "someone/animals", FILES)
    assert find_model("someone/animals", patterns=("unet/*.safetensors",)).files == {
        "unet/model.safetensors": sha256(b"weights")
    }
    assert counting.count == 0


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"x": 3}', b"\xff\xfe"])
def test_a_memory_that_cannot_be_read_is_written_anew(tmp_path, damage):
    folder = write(tmp_path, {"a.json": b"1", "memory": damage})
    for _ in range(2):
        assert hashes_of(folder, ["a.json"], tmp_path / "memory") == {"a.json": sha256(b"1")}
    assert sha256(b"1") in (tmp_path / "memory").read_text()


def test_a_memory_that_is_wrong_about_the_kind_of_a_value_is_not_believed(tmp_path):
    folder = write(tmp_path, {"a.json": b"1"})
    hashes_of(folder, ["a.json"], tmp_path / "memory")
    told = json.loads((tmp_path / "memory").read_text())
    (tmp_path / "memory").write_text(json.dumps(dict.fromkeys(told, "not a hash")))
    assert hashes_of(folder, ["a.json"], tmp_path / "memory") == {"a.json": sha256(b"1")}


def test_a_memory_that_cannot_be_written_costs_time_alone(tmp_path):
    folder = write(tmp_path, {"a.json": b"1", "file": b""})
    assert hashes_of(folder, ["a.json"], tmp_path / "file" / "memory") == {"a.json": sha256(b"1")}
    assert not list(tmp_path.glob(".memory*"))


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (ValueError("  no such layer\nat line 3"), "no such layer"),
        (KeyError(), "KeyError"),
        (RuntimeError("x" * 1000), "x" * 300),
    ],
)
def test_the_first_line_of_a_fault(fault, line):
    assert first_line(fault) == line
