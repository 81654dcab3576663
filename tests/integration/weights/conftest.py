"""A hub with small models in the layouts of the real ones, and an empty cache."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_hub import COMMIT, FakeHub
from fetched_weights import SD
from postcards_weights.cache import Cache

TOKEN = "hf_" + "t" * 34


def safetensors(seed: int, size: int) -> bytes:
    """A small file in the format, written by hand."""
    data = (hashlib.sha256(str(seed).encode()).digest() * (size // 32 + 1))[:size]
    header = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + data


def stable_diffusion() -> dict[str, bytes]:
    """All that the hub holds of Stable Diffusion 1.5, much smaller."""
    files = {
        name: json.dumps({"name": name}).encode()
        for name in (
            "model_index.json",
            "scheduler/scheduler_config.json",
            "tokenizer/vocab.json",
            "tokenizer/merges.txt",
            "tokenizer/tokenizer_config.json",
            "tokenizer/special_tokens_map.json",
            "text_encoder/config.json",
            "unet/config.json",
            "vae/config.json",
            "safety_checker/config.json",
            "feature_extractor/preprocessor_config.json",
            "README.md",
            ".gitattributes",
            "v1-inference.yaml",
        )
    }
    stems = {
        "text_encoder": "model",
        "safety_checker": "model",
        "unet": "diffusion_pytorch_model",
        "vae": "diffusion_pytorch_model",
    }
    for number, (folder, stem) in enumerate(stems.items()):
        files[f"{folder}/{stem}.safetensors"] = safetensors(number, 3000 + number)
        files[f"{folder}/{stem}.fp16.safetensors"] = safetensors(number + 10, 2000)
        files[f"{folder}/{'pytorch_model' if stem == 'model' else stem}.bin"] = b"pickle" * 500
    files["unet/diffusion_pytorch_model.non_ema.safetensors"] = safetensors(20, 2000)
    files["v1-5-pruned.safetensors"] = safetensors(21, 2000)
    files["v1-5-pruned-emaonly.ckpt"] = b"pickle" * 500
    return files


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    server = FakeHub()
    yield server
    server.close()


@pytest.fixture
def stable_diffusion_files() -> dict[str, bytes]:
    return stable_diffusion()


@pytest.fixture
def stable_audio_files() -> dict[str, bytes]:
    return {
        "model_config.json": b"{}",
        "model.safetensors": safetensors(30, 5000),
        "model.ckpt": b"pickle" * 900,
        "transformer/diffusion_pytorch_model.safetensors": safetensors(31, 2000),
    }


@pytest.fixture
def t5_files() -> dict[str, bytes]:
    return {
        "config.json": b"{}",
        "model.safetensors": safetensors(32, 4000),
        "pytorch_model.bin": b"pickle" * 700,
        "flax_model.msgpack": b"flax" * 700,
        "spiece.model": b"pieces" * 400,
        "tokenizer.json": b"{}",
        "generation_config.json": b"{}",
    }


@pytest.fixture
def commit() -> str:
    return COMMIT


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def sd(hub: FakeHub, stable_diffusion_files: dict[str, bytes]) -> FakeHub:
    """The hub with Stable Diffusion."""
    hub.models[SD] = stable_diffusion_files
    return hub


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty one."""
    return Cache(tmp_path / "home" / "hub")
