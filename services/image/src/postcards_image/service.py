"""What an image server serves: its engines behind their servicer."""

from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_image.engine import ImageRequest, ImageResult
from postcards_image.engine_choice import load_engines
from postcards_image.servicer import ImageServicer
from postcards_image.settings import ImageSettings
from postcards_serving.engine.served import ServedEngines
from postcards_serving.server.part_service import part_service
from postcards_serving.server.service import Service


def load(settings: ImageSettings) -> Service:
    """Builds the engines that the settings name, and their servicer."""
    return service_of(load_engines(settings), settings)


def service_of(engines: ServedEngines[ImageRequest, ImageResult], settings: ImageSettings) -> Service:
    """Any engines, behind their servicer."""
    # The first request: the smallest picture of species 0, in few steps.
    first = image_pb2.GenerateImageRequest(width=64, height=64, steps=2)
    return part_service(
        engines,
        settings,
        lambda executor, server: image_pb2_grpc.add_ImageServiceServicer_to_server(
            ImageServicer(engines, executor), server
        ),
        lambda channel: image_pb2_grpc.ImageServiceStub(channel).GenerateImage(first),
    )
