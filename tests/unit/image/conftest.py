"""Checkpoints that the tests of an engine share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sd_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion checkpoint whose safety checker lets everything pass, in whole and in half precision."""
    for library in ("torch", "diffusers", "transformers", "peft"):
        pytest.importorskip(library, reason="make setup-models brings it")
    from checkpoints.stable_diffusion import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("stable-diffusion") / "tiny", checker="lenient", half=True)
