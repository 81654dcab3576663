"""Starts an image server: `python -m postcards_image`."""

import sys

import grpc.aio
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_image.engine_choice import load_engine, places
from postcards_image.servicer import ImageServicer
from postcards_image.settings import ImageSettings
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.fallback.engine import follow_main
from postcards_serving.server.process import Service, serve


def load(settings: ImageSettings) -> Service:
    """Builds the engine that the settings name, and its servicer."""
    engine = load_engine(settings)
    executor = Executor(
        places(engine, settings), Admission(settings.max_queue), engine=engine.name, stages=engine.stages
    )
    follow_main(engine, lambda: executor.resize(places(engine, settings)))
    servicer = ImageServicer(engine, executor)
    return Service(
        register=lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server),
        warm_up=draw_thumbnail,
        executor=executor,
        close=engine.close,
    )


async def draw_thumbnail(channel: grpc.aio.Channel) -> None:
    """The first request: the smallest picture of species 0, in few steps."""
    request = image_pb2.GenerateImageRequest(width=64, height=64, steps=2)
    async for _ in image_pb2_grpc.ImageServiceStub(channel).GenerateImage(request):
        pass


if __name__ == "__main__":
    sys.exit(serve("image", ImageSettings, [image_pb2.DESCRIPTOR.services_by_name["ImageService"]], load))
