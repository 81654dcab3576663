"""From the settings to the engine that they name."""

from postcards_audio.engine import AudioEngine
from postcards_audio.settings import AudioSettings
from postcards_serving.batching.capacity import USUAL_ROWS
from postcards_serving.fallback.engine import batch_rows_of
from postcards_serving.fallback.load import load_named


def load_engine(settings: AudioSettings) -> AudioEngine:
    """The engine that the settings name, with another one behind it if they name one."""
    return load_named(
        lambda name: _engine(name, settings),
        settings.audio_engine,
        settings.audio_fallback,
        retry_seconds=settings.load_retry_seconds,
    )


def _engine(name: str, settings: AudioSettings) -> AudioEngine:
    """An engine by its name. Imports its libraries only now."""
    match name:
        case "stable-audio":
            from postcards_audio.engines.stable_audio import StableAudioEngine, load_model

            model = load_model(
                settings.audio_model,
                revision=settings.audio_revision,
                device=settings.audio_device,
                dtype=settings.audio_dtype,
                compilation=settings.audio_compile,
                threads=settings.audio_threads,
            )
            return StableAudioEngine(model, batch_rows=settings.audio_batch_rows)
        case _:
            from postcards_audio.engines.vocal_tract import VocalTractEngine

            return VocalTractEngine()


def places(engine: AudioEngine, settings: AudioSettings) -> int:
    """Requests that are worked on at once: of an engine that denoises as many as share a step, if nobody says."""
    denoises = {settings.audio_engine, settings.audio_fallback} - {"", "vocal-tract"}
    usual = settings.audio_batch_rows or USUAL_ROWS
    return settings.places(batch_rows_of(engine, usual) if denoises else settings.max_in_flight)
