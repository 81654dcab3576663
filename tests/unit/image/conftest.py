"""A tiny Stable Diffusion, its engine, and looks into it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import torch

    from postcards_image.engines.stable_diffusion.engine import StableDiffusionEngine


@pytest.fixture(scope="session")
def sd_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion checkpoint whose safety checker lets everything pass, in whole and in half precision."""
    for library in ("torch", "diffusers", "transformers", "peft"):
        pytest.importorskip(library, reason="make setup-models brings it")
    from checkpoints.stable_diffusion import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("stable-diffusion") / "tiny", checker="lenient", half=True)


@pytest.fixture(scope="module")
def drawings() -> Iterator[None]:
    """Each drawing that an engine starts from is computed once."""
    from postcards_image.engines.stable_diffusion import engine

    draw, known = engine.draw_unfinished, {}

    def remembered(plan, scene, seed, width, height, work):
        work.check()
        if (seed, width, height) not in known:
            known[seed, width, height] = draw(plan, scene, seed, width, height, work)
        return known[seed, width, height]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "draw_unfinished", remembered)
        yield


@pytest.fixture(scope="module")
def sd_engine(sd_checkpoint: Path, drawings: None) -> Iterator["StableDiffusionEngine"]:
    """An engine around the tiny checkpoint."""
    del drawings
    from postcards_image.engines.stable_diffusion import Choices, load_engine

    engine = load_engine(Choices(str(sd_checkpoint), device="cpu", threads=1))
    yield engine
    engine.close()


@pytest.fixture
def exact_pixels(monkeypatch: pytest.MonkeyPatch) -> dict[int, np.ndarray]:
    """The pictures of this test before they are rounded to bytes, by the thread that asked."""
    from postcards_image.engines.stable_diffusion.checkpoint import autoencoder

    seen: dict[int, np.ndarray] = {}
    rounded = autoencoder.to_bytes

    def look(picture: "torch.Tensor") -> np.ndarray:
        seen[threading.get_ident()] = picture.numpy()
        return rounded(picture)

    monkeypatch.setattr(autoencoder, "to_bytes", look)
    return seen
