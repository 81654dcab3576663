"""A hub on loopback that the real client asks, and an empty home for what it fetches."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_hub import FakeHub


@pytest.fixture
def hub_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of the hub's client."""
    for name in (
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "HF_TOKEN",
        "HF_TOKEN_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    return tmp_path / "hub-home"


@pytest.fixture
def hub(hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that the client asks."""
    pytest.importorskip("huggingface_hub", reason="make setup-models brings it")
    assert not hub_home.exists()
    hub = FakeHub()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    # What the client keeps between requests of one process must not outlive the hub.
    tree_cache = pytest.importorskip("huggingface_hub._tree_cache")
    tree_cache._IN_MEMORY_TREE_CACHE.clear()
    yield hub
    hub.close()
