"""Models as people name them: files, folders and ids, good and bad."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.faults import ModelUnusable
from postcards_image.engines.ddpm.loading import load_network

TINY = Path(__file__).parents[3] / "models" / "tiny.onnx"


def test_an_onnx_file_says_what_it_is():
    network = load_network(str(TINY), threads=1)
    assert network.description == ModelDescription(
        "tiny",
        16,
        patch_size=2,
        data_scale=2.0,
        prediction_type="v_prediction",
        beta_schedule="squaredcos_cap_v2",
        classes=("okapi", "sea_horse", "panda"),
        labels=11,
        any_class=3,
    )
    assert (network.device.name, network.device.dtype) == ("cpu", "float32")
    assert (network.name, network.revision) == ("tiny", f"sha256:{network.files['tiny.onnx']}")
    assert set(network.libraries) == {"onnxruntime"}


def test_an_onnx_file_runs_the_same_alone_and_in_company():
    network = load_network(str(TINY), threads=1)
    rng = np.random.default_rng(0)
    noisy, steps = rng.standard_normal((5, 3, 16, 16), np.float32), rng.uniform(0, 999, 5).astype(np.float32)
    classes = rng.dirichlet(np.ones(11), 5).astype(np.float32)
    together = network.predict(noisy, steps, classes)
    apart = [network.predict(noisy[i : i + 1], steps[i : i + 1], classes[i : i + 1])[0] for i in range(5)]
    assert np.abs(together - np.stack(apart)).max() < 1e-4


def test_an_onnx_file_needs_no_torch():
    code = f"""
import sys
from postcards_image.engine import ImageRequest
from postcards_image.engines.ddpm import DdpmEngine, load_network
from postcards_serving.engine.work import Work
from postcards_species.species import derive_species
species = derive_species(1)
engine = DdpmEngine(load_network({str(TINY)!r}))
request = ImageRequest(species.body_plan, species.scene, width=64, height=64, steps=2, parents=species.parents)
assert engine.generate(request, Work()).blobs
engine.close()
print(*sorted({{"torch", "diffusers", "onnx", "safetensors", "transformers"}} & set(sys.modules)), sep=",")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_folder_with_an_onnx_file_is_run_without_torch(tmp_path):
    (tmp_path / "model.onnx").write_bytes(TINY.read_bytes())
    network = load_network(f"{tmp_path}/")
    assert set(network.libraries) == {"onnxruntime"}
    assert (network.name, network.description.name) == (tmp_path.name, "tiny")


@pytest.fixture
def pickled(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text(json.dumps({"_class_name": "UNet2DModel"}))
    (tmp_path / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04pickle")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "runtime", "words"),
    [
        ("nowhere/at/all.onnx", "auto", "there is no file or folder nowhere/at/all.onnx"),
        ("nowhere", "auto", "no id on the Hugging Face hub"),
        ("{folder}/empty", "auto", "neither model.onnx nor diffusion_pytorch_model.safetensors"),
        ("{folder}/empty", "onnx", "POSTCARDS_IMAGE_RUNTIME=torch"),
        ("{folder}/words.txt", "auto", "neither an ONNX file"),
        ("{folder}/words.onnx", "auto", "no ONNX file that can be run"),
        ("{folder}/short.onnx", "auto", "no ONNX file that can be run"),
        ("{folder}/whole.onnx", "torch", "POSTCARDS_IMAGE_RUNTIME=onnx"),
    ],
)
def test_what_is_no_model_is_one_sentence(tmp_path, name, runtime, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.txt").write_text("hello")
    (tmp_path / "words.onnx").write_text("hello")
    (tmp_path / "short.onnx").write_bytes(TINY.read_bytes()[:60_000])
    (tmp_path / "whole.onnx").write_bytes(TINY.read_bytes())
    with pytest.raises(ModelUnusable) as fault:
        load_network(name.format(folder=tmp_path), runtime)
    assert words in fault.value.message
    assert "\n" not in fault.value.message


def test_pickled_weights_are_refused(pickled):
    with pytest.raises(ModelUnusable, match="pickles can run code"):
        load_network(str(pickled))


def test_an_onnx_file_of_another_kind_is_refused(tmp_path):
    """The metadata are the tiny model's own with one letter changed, so that the file stays well-formed."""
    data = TINY.read_bytes()
    strange = tmp_path / "strange.onnx"
    strange.write_bytes(data.replace(b"postcards", b"postcarts"))
    with pytest.raises(ModelUnusable, match="does not say how it was trained"):
        load_network(str(strange))
    strange.write_bytes(data.replace(b"v_prediction", b"x_prediction"))
    with pytest.raises(ModelUnusable, match="prediction_type must be one of"):
        load_network(str(strange))
    strange.write_bytes(data.replace(b"class_weights", b"other_weights"))
    with pytest.raises(ModelUnusable, match="takes other_weights, sample, timestep"):
        load_network(str(strange))
    strange.write_bytes(data.replace(b'"resolution": 16', b'"resolution": 18'))
    with pytest.raises(ModelUnusable, match="does not run"):
        load_network(str(strange))


def test_without_torch_a_folder_says_what_brings_it(tmp_path, monkeypatch):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text(json.dumps({"sample_size": 8, "in_channels": 3, "out_channels": 3}))
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelUnusable, match=r"needs torch, .*make setup-train"):
        load_network(str(tmp_path))


@pytest.fixture
def hub_home(tmp_path, monkeypatch):
    """An empty home of the hub's client, and nobody to ask."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "hub-home"


def test_a_model_that_cannot_be_fetched_says_so(hub_home):
    with pytest.raises(ModelUnusable, match="someone/animals could not be fetched") as fault:
        load_network("someone/animals")
    assert str(hub_home) in fault.value.message


def test_a_model_on_the_hub_needs_neither_network_nor_client_once_it_is_in_the_cache(hub_home, monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = hub_home / "hub" / "models--someone--animals"
    snapshot = home / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    (snapshot / "model.onnx").write_bytes(TINY.read_bytes())
    network = load_network("someone/animals")
    assert (network.name, network.revision, network.description.name) == ("someone/animals", commit, "tiny")
    assert network.files == {"model.onnx": load_network(str(TINY)).files["tiny.onnx"]}
    with pytest.raises(ModelUnusable, match="someone/animals at v2 could not be fetched"):
        load_network("someone/animals", revision="v2")
