"""The image service on the wire: protobuf in, engine, protobuf out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc.aio
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_image.engine import ImageRequest, ImageResult
from postcards_image.requests import read_request
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import ServedEngines
from postcards_serving.rpc.part_calls import file_responses, part_events

Response = image_pb2.GenerateImageResponse


class ImageServicer(image_pb2_grpc.ImageServiceServicer):
    """Answers `ImageService` with one engine, or with two of which one stands behind the other."""

    def __init__(self, engines: ServedEngines[ImageRequest, ImageResult], executor: Executor) -> None:
        """Runs `engines` on `executor`."""
        self._engines = engines
        self._executor = executor

    async def GenerateImage(  # noqa: N802
        self,
        request: image_pb2.GenerateImageRequest,
        context: "grpc.aio.ServicerContext[image_pb2.GenerateImageRequest, Response]",
    ) -> AsyncGenerator[Response]:
        """See the proto. A call that is dropped stops its engine before the next stage."""
        running = part_events(self._engines, self._executor, request, read_request, context.time_remaining())
        async with aclosing(running) as events:
            async for event in events:
                for response in file_responses(event, Response):
                    yield response
