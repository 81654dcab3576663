"""Starts an image server: `python -m postcards_image`."""

import sys

import grpc.aio
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_image.engine import ImageEngine
from postcards_image.servicer import ImageServicer
from postcards_image.settings import ImageSettings
from postcards_serving.admission import Admission
from postcards_serving.execution import Executor
from postcards_serving.runtime import Service, serve


def load(settings: ImageSettings) -> Service:
    """Builds the engine that the settings name, and its servicer."""
    engine = load_engine(settings)
    executor = Executor(_places(settings), Admission(settings.max_queue), engine=engine.name, stages=engine.stages)
    servicer = ImageServicer(engine, executor)
    return Service(
        register=lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server),
        warm_up=draw_thumbnail,
        executor=executor,
        close=engine.close,
    )


def load_engine(settings: ImageSettings) -> ImageEngine:
    """The engine that the settings name. Imports its libraries only now."""
    match settings.image_engine:
        case "creature":
            from postcards_image.engines.creature import CreatureEngine

            return CreatureEngine()
        case "ddpm":
            from postcards_image.engines.ddpm import DdpmEngine, load_network

            network = load_network(settings.image_model, settings.image_runtime, settings.image_threads)
            return DdpmEngine(network, batch_rows=settings.image_batch_rows)


def _places(settings: ImageSettings) -> int:
    """Requests that are worked on at once: of an engine that denoises as many as share a step, if nobody says."""
    if settings.image_engine == "creature" or "max_in_flight" in settings.model_fields_set:
        return settings.max_in_flight
    return settings.image_batch_rows


async def draw_thumbnail(channel: grpc.aio.Channel) -> None:
    """The first request: the smallest picture of species 0, in few steps."""
    request = image_pb2.GenerateImageRequest(width=64, height=64, steps=2)
    async for _ in image_pb2_grpc.ImageServiceStub(channel).GenerateImage(request):
        pass


if __name__ == "__main__":
    sys.exit(serve("image", ImageSettings, [image_pb2.DESCRIPTOR.services_by_name["ImageService"]], load))
