"""A real server process around a batch that loses its device on demand: run by test_device_loss.py.

`seed` of a request says what its picture meets: 0 nothing, 1 an illegal access in a step, 2 one in a chore, 3 one on
the thread of the call, 4 an ordinary fault of a step. FALLBACK: another engine stands behind. LOAD: the device is lost
while loading; WARM_UP: in the first request.
"""

import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import grpc.aio
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.media.v1 import media_pb2

from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Progress, Provenance, Work
from postcards_serving.fallback.load import load_with_fallback
from postcards_serving.rpc.messages import encode
from postcards_serving.server.process import Service, serve
from postcards_serving.settings import ServiceSettings

GATE = Path(os.environ.get("GATE", "/nonexistent"))
STEP, CHORE, THREAD, ORDINARY = 1, 2, 3, 4
LAST = 99
STEPS = 1000


class AcceleratorError(RuntimeError):
    """Named as PyTorch's."""


def lost() -> AcceleratorError:
    said = "CUDA error: an illegal memory access was encountered\nSearch for `cudaErrorIllegalAddress'"
    return AcceleratorError(said)


@dataclass(frozen=True)
class Canvas:
    """A state."""

    seed: int
    step: int = 0
    steps: int = STEPS


@dataclass(frozen=True)
class Picture:
    """A result."""

    seed: int
    provenance: Provenance


class Painter:
    """Steps."""

    def group(self, state: Canvas) -> int:
        return 0 if state.seed in (0, STEP) else state.seed

    def finished(self, state: Canvas) -> bool:
        return state.step >= state.steps

    def step(self, states: Sequence[Canvas]) -> list[Canvas]:
        if any(state.seed == STEP for state in states):
            raise lost()
        if any(state.seed == ORDINARY for state in states):
            raise RuntimeError("CUDA error: invalid argument")
        return [replace(state, step=state.step + 1) for state in states]


class Engine:
    """The engine on the device."""

    version = "1"
    stages = ("draw",)

    def __init__(self, name: str = "painter") -> None:
        self.name = name
        self.batch = InFlightBatch(Painter(), max_rows=4, engine=name)

    def generate(self, request: image_pb2.GenerateImageRequest, work: Work) -> Picture:
        work.report(Progress("draw", 0, 1))
        if request.seed == THREAD:
            raise lost()
        self.batch.between_steps(lambda: self.read(request.seed), work)
        for _ in self.batch.follow(Canvas(request.seed, steps=request.steps or STEPS), work):
            pass
        return Picture(request.seed, Provenance(self.name, "1"))

    def read(self, seed: int) -> None:
        if seed == CHORE:
            raise lost()

    def close(self) -> None:
        self.batch.close()


class Careful(Engine):
    """The engine behind it, which needs no device, and works until the file named by the environment appears."""

    def generate(self, request: image_pb2.GenerateImageRequest, work: Work) -> Picture:
        del request
        while not GATE.exists():
            work.check()
            time.sleep(0.01)
        return Picture(LAST, Provenance(self.name, "1"))


class Servicer(image_pb2_grpc.ImageServiceServicer):
    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine = engine
        self._executor = executor

    async def GenerateImage(  # noqa: N802
        self, request: image_pb2.GenerateImageRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[image_pb2.GenerateImageResponse]:
        running = self._executor.run(
            lambda work: self._engine.generate(request, work), timeout=context.time_remaining()
        )
        async with aclosing(running) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield image_pb2.GenerateImageResponse(result=image_pb2.ImageResult(width=event.result.seed))
                else:
                    yield image_pb2.GenerateImageResponse(progress=encode(event, media_pb2.Progress))


def build() -> Engine:
    if "LOAD" in os.environ:
        raise lost()
    return Engine()


def load(settings: ServiceSettings) -> Service:
    engines = load_with_fallback(
        build,
        (lambda: Careful("careful")) if "FALLBACK" in os.environ else None,
        name="painter",
        fallback="careful" if "FALLBACK" in os.environ else "",
    )
    engine = engines.default
    executor = Executor(4, Admission(settings.max_queue), engine=engine.name, stages=engine.stages)
    servicer = Servicer(engine, executor)
    return Service(
        register=lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server),
        warm_up=warm_up,
        executor=executor,
        close=engine.close,
    )


async def warm_up(channel: grpc.aio.Channel) -> None:
    request = image_pb2.GenerateImageRequest(seed=CHORE if "WARM_UP" in os.environ else 0, steps=1)
    async for _ in image_pb2_grpc.ImageServiceStub(channel).GenerateImage(request):
        pass


if __name__ == "__main__":
    sys.exit(serve("probe", ServiceSettings, [image_pb2.DESCRIPTOR.services_by_name["ImageService"]], load))
