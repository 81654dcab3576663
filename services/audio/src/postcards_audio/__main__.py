"""Starts an audio server: `python -m postcards_audio`."""

import sys

import grpc.aio
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc

from postcards_audio.engine import AudioEngine
from postcards_audio.servicer import AudioServicer
from postcards_audio.settings import AudioSettings
from postcards_serving.admission import Admission
from postcards_serving.batch_room import USUAL_ROWS
from postcards_serving.execution import Executor
from postcards_serving.fallback import batch_rows_of, follow_main
from postcards_serving.fallback_loading import load_named
from postcards_serving.runtime import Service, serve


def load(settings: AudioSettings) -> Service:
    """Builds the engine that the settings name, and its servicer."""
    engine = load_engine(settings)
    executor = Executor(
        _places(engine, settings), Admission(settings.max_queue), engine=engine.name, stages=engine.stages
    )
    follow_main(engine, lambda: executor.resize(_places(engine, settings)))
    servicer = AudioServicer(engine, executor)
    return Service(
        register=lambda server: audio_pb2_grpc.add_AudioServiceServicer_to_server(servicer, server),
        warm_up=sound_briefly,
        executor=executor,
        close=engine.close,
    )


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


def _places(engine: AudioEngine, settings: AudioSettings) -> int:
    """Requests that are worked on at once: of an engine that denoises as many as share a step, if nobody says."""
    denoises = {settings.audio_engine, settings.audio_fallback} - {"", "vocal-tract"}
    usual = settings.audio_batch_rows or USUAL_ROWS
    return settings.places(batch_rows_of(engine, usual) if denoises else settings.max_in_flight)


async def sound_briefly(channel: grpc.aio.Channel) -> None:
    """The first request: the shortest call of species 0, in few steps."""
    request = audio_pb2.GenerateAudioRequest(seconds=0.5, steps=2)
    async for _ in audio_pb2_grpc.AudioServiceStub(channel).GenerateAudio(request):
        pass


if __name__ == "__main__":
    sys.exit(serve("audio", AudioSettings, [audio_pb2.DESCRIPTOR.services_by_name["AudioService"]], load))
