"""A service whose model comes late works on as many requests at once as that model's batch holds."""

import asyncio
import logging
import threading
from importlib import import_module

import pytest
from prometheus_client import REGISTRY

from postcards_audio.settings import AudioSettings
from postcards_image.settings import ImageSettings
from postcards_serving.batching.capacity import USUAL_ROWS
from postcards_serving.errors import ModelUnusable
from postcards_serving.testing import eventually

ROWS = 11
SERVICES = [
    pytest.param("postcards_image", ImageSettings, "stable-diffusion", "creature", id="image"),
    pytest.param("postcards_audio", AudioSettings, "stable-audio", "vocal-tract", id="audio"),
]


class Denoiser:
    """An engine of which as many requests share a step as its memory holds."""

    version, stages, requests_at_once = "1", ("denoise",), ROWS

    def __init__(self, name: str) -> None:
        self.name = name

    def close(self) -> None:
        """Holds nothing."""


def places() -> float | None:
    return REGISTRY.get_sample_value("postcards_in_flight_rows_limit")


@pytest.mark.parametrize(("package", "settings_type", "engine", "fallback"), SERVICES)
@pytest.mark.parametrize("named", [False, True])
async def test_places_grow_with_the_model_that_comes_late_unless_somebody_named_their_number(
    package, settings_type, engine, fallback, named, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    entry = import_module(f"{package}.__main__")
    there = threading.Event()

    def build(name: str, settings: object) -> Denoiser:
        del settings
        if name == engine and not there.is_set():
            raise ModelUnusable("nobody has fetched it yet")
        return Denoiser(name)

    monkeypatch.setattr(import_module(f"{package}.engine_choice"), "_engine", build)
    part = package.removeprefix("postcards_")
    choices = {f"{part}_engine": engine, f"{part}_fallback": fallback, "load_retry_seconds": 0.2}
    service = entry.load(settings_type(**choices, **({"max_in_flight": 3} if named else {})))
    try:
        assert places() == (3 if named else USUAL_ROWS)
        there.set()
        await eventually(lambda: "takes over" in caplog.text)
        assert places() == (3 if named else ROWS)
    finally:
        await asyncio.to_thread(service.close)
