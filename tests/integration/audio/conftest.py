"""An audio service with its real engine, on a real channel."""

import pytest
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc

from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_audio.servicer import AudioServicer
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import alone
from postcards_serving.testing import running_server

SERVICE = audio_pb2.DESCRIPTOR.services_by_name["AudioService"]


class ListeningEngine(VocalTractEngine):
    """The real engine; remembers how far each call came."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.ended: list[str] = []

    def generate(self, request, work):
        report = work.report
        work.report = lambda event: (self.reached.append(event.stage), report(event))
        try:
            result = super().generate(request, work)
        except Exception as stop:
            self.ended.append(type(stop).__name__)
            raise
        self.ended.append("done")
        return result


@pytest.fixture
async def audio():
    """A stub of a running audio service, with `engine` on it."""
    engine = ListeningEngine()
    executor = Executor(1, Admission(2), engine=engine.name, stages=engine.stages)
    servicer = AudioServicer(alone(engine), executor)
    async with running_server(
        lambda server: audio_pb2_grpc.add_AudioServiceServicer_to_server(servicer, server), services=[SERVICE]
    ) as channel:
        stub = audio_pb2_grpc.AudioServiceStub(channel)
        stub.engine = engine
        yield stub
