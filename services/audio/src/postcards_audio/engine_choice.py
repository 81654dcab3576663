"""From the settings to the engine that they name."""

from postcards_audio.engine import AudioEngine, AudioRequest, AudioResult
from postcards_audio.settings import AudioSettings
from postcards_serving.batching.capacity import USUAL_ROWS
from postcards_serving.engine.served import ServedEngines
from postcards_serving.fallback.load import load_named


def load_engines(settings: AudioSettings) -> ServedEngines[AudioRequest, AudioResult]:
    """The engine that the settings name, with another one behind it if they name one."""
    return load_named(
        lambda name: _engine(name, settings),
        settings.audio_engine,
        settings.audio_fallback,
        retry_seconds=settings.load_retry_seconds,
        expected_at_once=settings.audio_batch_rows or USUAL_ROWS,
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
