"""The image service on the wire: protobuf in, engine, protobuf out."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import grpc.aio
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.media.v1 import media_pb2

from postcards_image.engine import ImageEngine, ImageResult
from postcards_image.requests import read_request
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Event, Preview, Progress
from postcards_serving.fallback.engine import engine_named, names_of
from postcards_serving.rpc.media import chunks
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.request_head import check_head

Response = image_pb2.GenerateImageResponse


class ImageServicer(image_pb2_grpc.ImageServiceServicer):
    """Answers `ImageService` with one engine."""

    def __init__(self, engine: ImageEngine, executor: Executor) -> None:
        """Runs `engine` on `executor`."""
        self._engine = engine
        self._executor = executor

    async def GenerateImage(  # noqa: N802
        self,
        request: image_pb2.GenerateImageRequest,
        context: "grpc.aio.ServicerContext[image_pb2.GenerateImageRequest, Response]",
    ) -> AsyncGenerator[Response]:
        """See the proto. A call that is dropped stops its engine before the next stage."""
        engine = engine_named(self._engine, check_head(request, *names_of(self._engine)).engine)
        wanted = read_request(request)
        running = self._executor.run(lambda work: engine.generate(wanted, work), timeout=context.time_remaining())
        async with aclosing(running) as events:
            async for event in events:
                for response in _responses(event):
                    yield response


def _responses(event: Event | Finished[ImageResult]) -> Iterator[Response]:
    match event:
        case Progress():
            yield Response(progress=encode(event, media_pb2.Progress))
        case Preview():
            yield Response(preview=encode(event, media_pb2.Preview))
        case Finished(result=result):
            yield Response(result=encode(result, image_pb2.ImageResult))
            for blob in result.blobs:
                for chunk in chunks(blob, media_pb2.Chunk):
                    yield Response(chunk=chunk)
        case _:
            raise TypeError(f"an image engine reports progress and previews, not {type(event).__name__}")
