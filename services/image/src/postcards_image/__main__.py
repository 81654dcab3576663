"""Starts an image server: `python -m postcards_image`."""

import sys

import grpc.aio
from postcards.image.v1 import image_pb2, image_pb2_grpc

from postcards_image.engine import ImageEngine
from postcards_image.servicer import ImageServicer
from postcards_image.settings import ImageSettings
from postcards_serving.admission import Admission
from postcards_serving.batch_room import USUAL_ROWS
from postcards_serving.execution import Executor
from postcards_serving.fallback import batch_rows_of, follow_main
from postcards_serving.fallback_loading import load_named
from postcards_serving.runtime import Service, serve


def load(settings: ImageSettings) -> Service:
    """Builds the engine that the settings name, and its servicer."""
    engine = load_engine(settings)
    executor = Executor(
        _places(engine, settings), Admission(settings.max_queue), engine=engine.name, stages=engine.stages
    )
    follow_main(engine, lambda: executor.resize(_places(engine, settings)))
    servicer = ImageServicer(engine, executor)
    return Service(
        register=lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server),
        warm_up=draw_thumbnail,
        executor=executor,
        close=engine.close,
    )


def load_engine(settings: ImageSettings) -> ImageEngine:
    """The engine that the settings name, with another one behind it if they name one."""
    return load_named(
        lambda name: _engine(name, settings),
        settings.image_engine,
        settings.image_fallback,
        retry_seconds=settings.load_retry_seconds,
    )


def _engine(name: str, settings: ImageSettings) -> ImageEngine:
    """An engine by its name. Imports its libraries only now.

    The settings of a model are those of the main engine's: one that stands behind it has its own default.
    """
    ours = name == settings.image_engine
    model, revision = (settings.image_model, settings.image_revision) if ours else ("", "")
    match name:
        case "ddpm":
            from postcards_image.engines.ddpm import DdpmEngine, load_network

            network = load_network(model, settings.image_runtime, settings.image_threads, revision)
            return DdpmEngine(network, batch_rows=settings.image_batch_rows)
        case "stable-diffusion":
            from postcards_image.engines import stable_diffusion

            return stable_diffusion.load_engine(
                stable_diffusion.Choices(
                    model=model,
                    revision=revision,
                    lora=settings.image_lora,
                    device=settings.image_device,
                    dtype=settings.image_dtype,
                    compile=settings.image_compile,
                    threads=settings.image_threads,
                    batch_rows=settings.image_batch_rows,
                )
            )
        case _:
            from postcards_image.engines.creature import CreatureEngine

            return CreatureEngine()


def _places(engine: ImageEngine, settings: ImageSettings) -> int:
    """Requests that are worked on at once: of an engine that denoises as many as share a step, if nobody says."""
    denoises = {settings.image_engine, settings.image_fallback} - {"", "creature"}
    usual = settings.image_batch_rows or USUAL_ROWS
    return settings.places(batch_rows_of(engine, usual) if denoises else settings.max_in_flight)


async def draw_thumbnail(channel: grpc.aio.Channel) -> None:
    """The first request: the smallest picture of species 0, in few steps."""
    request = image_pb2.GenerateImageRequest(width=64, height=64, steps=2)
    async for _ in image_pb2_grpc.ImageServiceStub(channel).GenerateImage(request):
        pass


if __name__ == "__main__":
    sys.exit(serve("image", ImageSettings, [image_pb2.DESCRIPTOR.services_by_name["ImageService"]], load))
