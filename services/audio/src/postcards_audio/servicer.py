"""The audio service on the wire: protobuf in, engine, protobuf out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc.aio
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc

from postcards_audio.engine import AudioRequest, AudioResult
from postcards_audio.requests import read_request
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import ServedEngines
from postcards_serving.rpc.part_calls import file_responses, part_events

Response = audio_pb2.GenerateAudioResponse


class AudioServicer(audio_pb2_grpc.AudioServiceServicer):
    """Answers `AudioService` with one engine, or with two of which one stands behind the other."""

    def __init__(self, engines: ServedEngines[AudioRequest, AudioResult], executor: Executor) -> None:
        """Runs `engines` on `executor`."""
        self._engines = engines
        self._executor = executor

    async def GenerateAudio(  # noqa: N802
        self,
        request: audio_pb2.GenerateAudioRequest,
        context: "grpc.aio.ServicerContext[audio_pb2.GenerateAudioRequest, Response]",
    ) -> AsyncGenerator[Response]:
        """See the proto. A call that is dropped stops its engine before the next stage."""
        running = part_events(self._engines, self._executor, request, read_request, context.time_remaining())
        async with aclosing(running) as events:
            async for event in events:
                for response in file_responses(event, Response):
                    yield response
