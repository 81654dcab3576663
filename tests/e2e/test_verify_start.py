"""`postcards verify --start`: the services of one command, with the engines that made the postcard."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from free_ports import free_port_base
from postcards_composer.store.s3 import S3Settings, S3Store

COMMAND = str(Path(sys.executable).with_name("postcards"))
TINY = Path(__file__).parents[1] / "models" / "tiny.onnx"
COMMIT = "5" * 40
SMALL = ("--width", "128", "--height", "128", "--seconds", "1")


def postcards(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command with --start, with settings of the services and temporary files in `folder`/scratch."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("POSTCARDS_")}
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return subprocess.run(
        [COMMAND, *arguments, "--start", "--json", "--port-base", str(free_port_base())],
        cwd=folder,
        env=clean | {"TMPDIR": str(scratch)} | settings,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def cached_model(home: Path, commit: str) -> Path:
    """The cache of the hub's client with a small ddpm model, as its branch `main` stands at `commit`; that branch."""
    repository = home / "hub" / "models--someone--animals"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "model.onnx").write_bytes(TINY.read_bytes())
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    return repository / "refs" / "main"


def kept_objects(settings: S3Settings) -> dict[str, str]:
    """What a bucket holds: keys and entity tags."""
    store = S3Store(settings)
    return {key: store.stat(key).etag for key in store.list("")}


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
def test_the_engine_of_the_manifest_is_started_and_nothing_is_left_behind(tmp_path):
    model = {"POSTCARDS_IMAGE_MODEL": str(TINY), "POSTCARDS_IMAGE_THREADS": "1"}
    made = postcards(
        tmp_path, "create", "--seed", "7", "--exact", "--out", "kept", *SMALL, POSTCARDS_IMAGE_ENGINE="ddpm", **model
    )
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "kept" / "postcards" / json.loads(made.stdout)["id"]
    before = content(tmp_path / "kept")

    done = postcards(tmp_path, "verify", str(folder), **model)
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["verdict"] == "equal"
    assert content(tmp_path / "kept") == before
    assert list((tmp_path / "scratch").iterdir()) == []

    gone = postcards(
        tmp_path, "verify", str(folder), "--part", "image", POSTCARDS_IMAGE_MODEL=str(tmp_path / "gone.onnx")
    )
    assert gone.returncode == 6
    message = json.loads(gone.stdout)["error"]["message"]
    assert "gone.onnx" in message
    assert "it was made with 'tiny': POSTCARDS_IMAGE_MODEL says where that is" in message
    assert list((tmp_path / "scratch").glob("*/logs/image.log")), "its log is left to be read"


@pytest.mark.long
def test_by_id_the_manifest_in_an_object_store_names_the_engine_and_the_model(tmp_path, s3_settings):
    branch = cached_model(tmp_path / "home", COMMIT)
    store = {
        "POSTCARDS_STORE_URL": f"s3://{s3_settings.bucket}",
        "MINIO_ENDPOINT": s3_settings.endpoint,
        "MINIO_ACCESS_KEY": s3_settings.access_key,
        "MINIO_SECRET_KEY": s3_settings.secret_key,
        "MINIO_SECURE": "false",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_OFFLINE": "1",
        "POSTCARDS_IMAGE_THREADS": "1",
    }
    model = {"POSTCARDS_IMAGE_ENGINE": "ddpm", "POSTCARDS_IMAGE_MODEL": "someone/animals"}
    made = postcards(tmp_path, "create", "--seed", "7", "--exact", *SMALL, **store, **model)
    assert made.returncode == 0, made.stderr
    postcard_id = json.loads(made.stdout)["id"]
    provenance = json.loads(S3Store(s3_settings).get(f"postcards/{postcard_id}/manifest.json").data)["parts"]
    (image,) = (part["provenance"] for part in provenance if part["kind"] == "image")
    assert (image["model"], image["model_revision"]) == ("someone/animals", COMMIT)
    assert image["settings"]["model_name"] == '"tiny"'
    before = kept_objects(s3_settings)

    # The branch has moved on since: nobody asks for it.
    branch.write_text("6" * 40)
    done = postcards(tmp_path, "verify", postcard_id, "--part", "image", **store)
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["verdict"] == "equal"
    assert kept_objects(s3_settings) == before
    assert not (tmp_path / "out" / "postcards").exists()

    # What made the picture is gone: the other parts are looked at all the same.
    shutil.rmtree(tmp_path / "home")
    rest = postcards(tmp_path, "verify", postcard_id, **store)
    assert rest.returncode == 3, rest.stderr + rest.stdout
    parts = json.loads(rest.stdout)["parts"]
    assert {part: said["verdict"] for part, said in parts.items()} == {
        "image": "not made again",
        "language": "equal",
        "audio": "equal",
    }
    assert f"someone/animals at {COMMIT} could not be fetched" in parts["image"]["reason"]
    assert f"fetch-models --engine ddpm --model someone/animals --revision {COMMIT}" in parts["image"]["reason"]
    assert list((tmp_path / "scratch").glob("*/logs/image.log")), "its log is left to be read"


def test_an_id_that_is_not_in_the_folder_starts_nothing(tmp_path):
    done = postcards(tmp_path, "verify", "a" * 26)
    assert (done.returncode, done.stderr.count("starting")) == (5, 0)
    assert "there is no postcard" in json.loads(done.stdout)["error"]["message"]
    assert content(tmp_path) == {}


def test_a_model_on_the_hub_is_started_at_the_commit_of_the_manifest(tmp_path):
    for library in ("torch", "diffusers", "transformers"):
        pytest.importorskip(library, reason="make setup-models brings it")
    from checkpoints.stable_diffusion import build_checkpoint

    repository = tmp_path / "home" / "hub" / "models--someone--tiny"
    build_checkpoint(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    cache = {"HF_HOME": str(tmp_path / "home"), "POSTCARDS_IMAGE_THREADS": "1"}
    model = {"POSTCARDS_IMAGE_ENGINE": "stable-diffusion", "POSTCARDS_IMAGE_MODEL": "someone/tiny"}
    made = postcards(
        tmp_path,
        "create",
        *("--seed", "7", "--exact", "--image-steps", "2", "--out", "kept"),
        *("--width", "64", "--height", "64", "--seconds", "1"),
        **cache,
        **model,
    )
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "kept" / "postcards" / json.loads(made.stdout)["id"]
    # The branch has moved on since: nobody asks for it.
    (repository / "refs" / "main").write_text("6" * 40)
    done = postcards(tmp_path, "verify", str(folder), "--part", "image", **cache)
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["verdict"] == "equal"
