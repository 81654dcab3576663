"""What an audio server serves: its engines behind their servicer."""

from postcards.audio.v1 import audio_pb2, audio_pb2_grpc

from postcards_audio.engine import AudioRequest, AudioResult
from postcards_audio.engine_choice import load_engines
from postcards_audio.servicer import AudioServicer
from postcards_audio.settings import AudioSettings
from postcards_serving.engine.served import ServedEngines
from postcards_serving.server.part_service import part_service
from postcards_serving.server.service import Service


def load(settings: AudioSettings) -> Service:
    """Builds the engines that the settings name, and their servicer."""
    return service_of(load_engines(settings), settings)


def service_of(engines: ServedEngines[AudioRequest, AudioResult], settings: AudioSettings) -> Service:
    """Any engines, behind their servicer."""
    # The first request: the shortest call of species 0, in few steps.
    first = audio_pb2.GenerateAudioRequest(seconds=0.5, steps=2)
    return part_service(
        engines,
        settings,
        lambda executor, server: audio_pb2_grpc.add_AudioServiceServicer_to_server(
            AudioServicer(engines, executor), server
        ),
        lambda channel: audio_pb2_grpc.AudioServiceStub(channel).GenerateAudio(first),
    )
