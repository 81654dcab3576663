"""From the settings to the engine that they name."""

from postcards_image.engine import ImageEngine, ImageRequest, ImageResult
from postcards_image.settings import ImageSettings
from postcards_serving.batching.capacity import USUAL_ROWS
from postcards_serving.engine.served import ServedEngines
from postcards_serving.fallback.load import load_named


def load_engines(settings: ImageSettings) -> ServedEngines[ImageRequest, ImageResult]:
    """The engine that the settings name, with another one behind it if they name one."""
    return load_named(
        lambda name: _engine(name, settings),
        settings.image_engine,
        settings.image_fallback,
        retry_seconds=settings.load_retry_seconds,
        expected_at_once=settings.image_batch_rows or USUAL_ROWS,
    )


def _engine(name: str, settings: ImageSettings) -> ImageEngine:
    """An engine by its name. Imports its libraries only now.

    The settings of a model are those of the main engine's: one that stands behind it has its own default.
    """
    ours = name == settings.image_engine
    model, revision = (settings.image_model, settings.image_revision) if ours else ("", "")
    match name:
        case "ddpm":
            from postcards_image.engines.ddpm import DdpmEngine, load_network

            network = load_network(model, settings.image_runtime, settings.image_threads, revision)
            return DdpmEngine(network, batch_rows=settings.image_batch_rows)
        case "stable-diffusion":
            from postcards_image.engines import stable_diffusion

            return stable_diffusion.load_engine(
                stable_diffusion.Choices(
                    model=model,
                    revision=revision,
                    lora=settings.image_lora,
                    device=settings.image_device,
                    dtype=settings.image_dtype,
                    compile=settings.image_compile,
                    threads=settings.image_threads,
                    batch_rows=settings.image_batch_rows,
                )
            )
        case _:
            from postcards_image.engines.creature import CreatureEngine

            return CreatureEngine()
