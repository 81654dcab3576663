"""Starts an audio server: `python -m postcards_audio`."""

import sys

import grpc.aio
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc

from postcards_audio.engine_choice import load_engine, places
from postcards_audio.servicer import AudioServicer
from postcards_audio.settings import AudioSettings
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.fallback.engine import follow_main
from postcards_serving.server.process import Service, serve


def load(settings: AudioSettings) -> Service:
    """Builds the engine that the settings name, and its servicer."""
    engine = load_engine(settings)
    executor = Executor(
        places(engine, settings), Admission(settings.max_queue), engine=engine.name, stages=engine.stages
    )
    follow_main(engine, lambda: executor.resize(places(engine, settings)))
    servicer = AudioServicer(engine, executor)
    return Service(
        register=lambda server: audio_pb2_grpc.add_AudioServiceServicer_to_server(servicer, server),
        warm_up=sound_briefly,
        executor=executor,
        close=engine.close,
    )


async def sound_briefly(channel: grpc.aio.Channel) -> None:
    """The first request: the shortest call of species 0, in few steps."""
    request = audio_pb2.GenerateAudioRequest(seconds=0.5, steps=2)
    async for _ in audio_pb2_grpc.AudioServiceStub(channel).GenerateAudio(request):
        pass


if __name__ == "__main__":
    sys.exit(serve("audio", AudioSettings, [audio_pb2.DESCRIPTOR.services_by_name["AudioService"]], load))
