"""The audio service on the wire: protobuf in, engine, protobuf out."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import grpc.aio
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc
from postcards.media.v1 import media_pb2

from postcards_audio.engine import AudioEngine, AudioRequest, AudioResult, reject_unknown_phonemes
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Event, Progress
from postcards_serving.fallback.engine import engine_named, names_of
from postcards_serving.rpc.media import chunks
from postcards_serving.rpc.messages import decode, encode
from postcards_serving.rpc.request_head import check_head

Response = audio_pb2.GenerateAudioResponse


class AudioServicer(audio_pb2_grpc.AudioServiceServicer):
    """Answers `AudioService` with one engine."""

    def __init__(self, engine: AudioEngine, executor: Executor) -> None:
        """Runs `engine` on `executor`."""
        self._engine = engine
        self._executor = executor

    async def GenerateAudio(  # noqa: N802
        self,
        request: audio_pb2.GenerateAudioRequest,
        context: "grpc.aio.ServicerContext[audio_pb2.GenerateAudioRequest, Response]",
    ) -> AsyncGenerator[Response]:
        """See the proto. A call that is dropped stops its engine before the next stage."""
        engine = engine_named(self._engine, check_head(request, *names_of(self._engine)).engine)
        wanted = decode(request, AudioRequest)
        if wanted.phrase is not None:
            reject_unknown_phonemes(wanted.phrase)
        running = self._executor.run(lambda work: engine.generate(wanted, work), timeout=context.time_remaining())
        async with aclosing(running) as events:
            async for event in events:
                for response in _responses(event):
                    yield response


def _responses(event: Event | Finished[AudioResult]) -> Iterator[Response]:
    match event:
        case Progress():
            yield Response(progress=encode(event, media_pb2.Progress))
        case Finished(result=result):
            yield Response(result=encode(result, audio_pb2.AudioResult))
            for blob in result.blobs:
                for chunk in chunks(blob, media_pb2.Chunk):
                    yield Response(chunk=chunk)
        case _:
            raise TypeError(f"an audio engine reports progress, not {type(event).__name__}")
