"""A machine as the doctor might find it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from postcards_cli.doctor import device, models, resources
from postcards_cli.doctor.finding import Finding
from postcards_weights.cache import Cache
from postcards_weights.catalog import DEFAULTS

GIGABYTE = 1_000_000_000


def weights(size: int = 100) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}})
    return len(header).to_bytes(8, "little") + header.encode() + bytes(size)


@pytest.fixture
def machine(monkeypatch) -> Callable[..., None]:
    """Sets what torch and the system say of this machine."""

    def set_up(*, gpus=(), cuda="", mps=False, fault="", free=32 * GIGABYTE, total=64 * GIGABYTE, nvidia=0) -> None:
        torch = device.Torch("2.13.0", cuda, tuple(gpus), mps, fault)
        monkeypatch.setattr(device, "torch_here", lambda: torch)
        monkeypatch.setattr(device, "host_memory", lambda: device.Memory(free, total))
        monkeypatch.setattr(device, "nvidia_gpus", lambda: nvidia)

    set_up()
    for module in (models, resources):
        monkeypatch.setattr(module, "find_spec", lambda _: object())
    return set_up


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "hub")


@pytest.fixture
def stable_audio(cache) -> Path:
    """Stable Audio Open, whole, in the cache; with its text encoder."""
    default = DEFAULTS["stable-audio"]
    folder = cache.home(default.model_id) / "snapshots" / default.revision
    (folder / "text_encoder").mkdir(parents=True)
    (folder / "model_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights())
    (folder / "text_encoder" / "model.safetensors").write_bytes(weights())
    return folder


@pytest.fixture
def examined(cache) -> Callable[..., dict[str, Finding]]:
    """The findings about a part, by check."""

    def examine(part: str, **settings: str) -> dict[str, Finding]:
        environment = {name: value for name, value in settings.items() if value}
        engine = models.engine_in(part, environment, cache)
        return {finding.check: finding for finding in models.look(part, engine, environment, cache)}

    return examine
