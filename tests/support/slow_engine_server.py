"""A real server process around an engine that the test steers by the request: run by server_process.py.

`seed` says what the engine does: 0 answers at once, 1 works until the file named by the environment appears, 2 hangs
without ever checking, 3 raises. FAIL_LOADING, SLOW_LOADING, MISSING_MODEL: what happens before that.
"""

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import grpc.aio
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.media.v1 import media_pb2

from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Progress, Work
from postcards_serving.errors import EngineFailed, FailedPrecondition
from postcards_serving.rpc.messages import encode
from postcards_serving.server.process import Service, serve
from postcards_serving.settings import ServiceSettings

GATE = Path(os.environ.get("GATE", "/nonexistent"))


def generate(seed: int, work: Work) -> int:
    work.report(Progress("draw", 0, 1))
    if seed == 1:
        while not GATE.exists():
            work.check()
            time.sleep(0.01)
    if seed == 2:
        time.sleep(3600)
    if seed == 3:
        raise RuntimeError("the password is swordfish")
    return seed


class Servicer(image_pb2_grpc.ImageServiceServicer):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def GenerateImage(  # noqa: N802
        self, request: image_pb2.GenerateImageRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[image_pb2.GenerateImageResponse]:
        running = self._executor.run(lambda work: generate(request.seed, work), timeout=context.time_remaining())
        async with aclosing(running) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield image_pb2.GenerateImageResponse(result=image_pb2.ImageResult(width=event.result))
                else:
                    yield image_pb2.GenerateImageResponse(progress=encode(event, media_pb2.Progress))


def load(settings: ServiceSettings) -> Service:
    if reason := os.environ.get("FAIL_LOADING"):
        raise EngineFailed(reason)
    if "CRASH_LOADING" in os.environ:
        raise ValueError("no such\nfile")
    if "EXIT_LOADING" in os.environ:
        sys.exit(3)
    if "MISSING_MODEL" in os.environ and not GATE.exists():
        raise FailedPrecondition(os.environ["MISSING_MODEL"], reason="MODEL_UNUSABLE")
    if "SLOW_LOADING" in os.environ:
        while not GATE.exists():
            time.sleep(0.01)
    executor = Executor(settings.max_in_flight, Admission(settings.max_queue), engine="fake", stages=("draw",))
    servicer = Servicer(executor)
    return Service(
        register=lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server),
        warm_up=warm_up,
        executor=executor,
        close=close,
    )


def close() -> None:
    print("engine closed", file=sys.stderr, flush=True)
    if "FAIL_CLOSING" in os.environ:
        raise RuntimeError("it sticks")


async def warm_up(channel: grpc.aio.Channel) -> None:
    seed = 3 if "FAIL_WARM_UP" in os.environ else 0
    async for _ in image_pb2_grpc.ImageServiceStub(channel).GenerateImage(image_pb2.GenerateImageRequest(seed=seed)):
        pass


if __name__ == "__main__":
    sys.exit(serve("probe", ServiceSettings, [image_pb2.DESCRIPTOR.services_by_name["ImageService"]], load))
