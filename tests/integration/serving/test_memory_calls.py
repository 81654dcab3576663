"""Running out of memory behind a real server: one call fails and says so, the others and the next are served."""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import grpc
import grpc.aio
import numpy as np
import pytest
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.media.v1 import media_pb2
from prometheus_client import REGISTRY

from out_of_memory import OutOfMemoryError
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Progress, Work
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import eventually, running_server

BUDGET = 4 * 64 * 64
UNDRAWABLE, UNPRINTABLE, UNREADABLE = 13, 17, 19
"""Seeds whose pictures find no memory: in a step, in a chore, on the thread of the call."""


@dataclass(frozen=True)
class Canvas:
    """A state: a picture of some size on its way through its steps."""

    seed: int
    side: int
    steps: int
    step: int = 0


class Painter:
    """Refuses memory to one picture, and to steps of more than so many pixels."""

    def __init__(self, capacity: int, fault: Exception) -> None:
        self.capacity = capacity
        self.fault = fault
        self.reclaimed = 0
        self.widths: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def group(self, state: Canvas) -> int:
        return state.side

    def cost(self, state: Canvas) -> float:
        return state.side**2

    def finished(self, state: Canvas) -> bool:
        return state.step >= state.steps

    def reclaim(self) -> None:
        self.reclaimed += 1

    def step(self, states: Sequence[Canvas]) -> list[Canvas]:
        # Closed, the gate still lets a step pass now and then: calls join while it is.
        self.gate.wait(0.02)
        if any(state.seed == UNDRAWABLE for state in states) or sum(map(self.cost, states)) > self.capacity:
            raise self.fault
        self.widths.append(len(states))
        return [replace(state, step=state.step + 1) for state in states]


class Gallery(image_pb2_grpc.ImageServiceServicer):
    """An image service whose engine has little memory."""

    def __init__(self, fault: Exception, engine: str, capacity: int = BUDGET) -> None:
        self.painter = Painter(capacity, fault)
        self.engine = engine
        self.batch = InFlightBatch(self.painter, max_rows=8, max_waiting=8, budget=BUDGET, engine=engine)
        self.executor = Executor(8, engine=engine)

    def paint(self, request: image_pb2.GenerateImageRequest, work: Work) -> bytes:
        if request.seed == UNREADABLE:
            raise self.painter.fault
        for state in self.batch.follow(Canvas(request.seed, request.width, request.steps), work):
            work.report(Progress("denoise", state.step, state.steps))
        return self.batch.between_steps(lambda: self.print(request.seed), work)

    def print(self, seed: int) -> bytes:
        if seed == UNPRINTABLE:
            raise self.painter.fault
        return np.uint64(seed).tobytes()

    async def GenerateImage(self, request, context):  # noqa: N802
        running = self.executor.run(lambda work: self.paint(request, work), timeout=context.time_remaining())
        async with contextlib.aclosing(running) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield image_pb2.GenerateImageResponse(chunk=media_pb2.Chunk(data=event.result))
                else:
                    yield image_pb2.GenerateImageResponse(progress=encode(event, media_pb2.Progress))

    def sample(self, name: str) -> float:
        value = REGISTRY.get_sample_value(name, {"engine": self.engine})
        assert value is not None
        return value


@contextlib.asynccontextmanager
async def serving(gallery: Gallery):
    async with running_server(
        lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(gallery, server)
    ) as channel:
        stub = image_pb2_grpc.ImageServiceStub(channel)

        async def painted(seed: int, *, side: int = 64, steps: int = 4) -> bytes:
            request = image_pb2.GenerateImageRequest(seed=seed, width=side, height=side, steps=steps)
            return [response async for response in stub.GenerateImage(request)][-1].chunk.data

        yield painted
        await gallery.executor.drain(30)
    await asyncio.to_thread(gallery.batch.close)


FAULTS = [MemoryError("swordfish"), OutOfMemoryError("CUDA out of memory. swordfish")]


@pytest.mark.parametrize("fault", FAULTS, ids=["host", "device"])
@pytest.mark.parametrize("seed", [UNDRAWABLE, UNPRINTABLE, UNREADABLE])
async def test_one_call_fails_and_the_service_lives_on(fault, seed):
    gallery = Gallery(fault, f"gallery-{seed}-{type(fault).__name__}")
    async with serving(gallery) as painted:
        others = [asyncio.ensure_future(painted(number, steps=200)) for number in range(1, 4)]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await painted(seed)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        told = from_rpc_error(caught.value)
        assert (told.reason, told.retry_after) == ("OUT_OF_MEMORY", None)
        assert "swordfish" not in caught.value.details()
        for number, data in enumerate(await asyncio.gather(*others), 1):
            assert data == np.uint64(number).tobytes()
        assert await painted(23) == np.uint64(23).tobytes()
        assert gallery.painter.reclaimed >= (seed != UNREADABLE)


async def test_a_picture_beyond_all_memory_is_refused_with_the_numbers_and_never_begun():
    gallery = Gallery(MemoryError(), "gallery-large")
    async with serving(gallery) as painted:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await painted(1, side=256)
        told = from_rpc_error(caught.value)
        assert (told.code.value, told.reason) == ("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY")
        assert told.metadata == {"cost": str(256 * 256), "budget": str(BUDGET)}
        assert gallery.painter.widths == []
        assert gallery.sample("postcards_batch_out_of_memory_total") == 0
        assert gallery.sample("postcards_batch_budget") == BUDGET


async def test_less_memory_than_was_thought_narrows_the_batch_and_fails_nobody():
    gallery = Gallery(OutOfMemoryError("CUDA out of memory"), "gallery-small", capacity=2 * 64 * 64)
    gallery.painter.gate.clear()
    async with serving(gallery) as painted:
        calls = [asyncio.ensure_future(painted(number, steps=300)) for number in range(30, 36)]
        await eventually(lambda: gallery.sample("postcards_batch_out_of_memory_total") >= 1)
        assert gallery.sample("postcards_batch_budget") < BUDGET
        gallery.painter.gate.set()
        done = await asyncio.gather(*calls)
    assert done == [np.uint64(number).tobytes() for number in range(30, 36)]
    assert max(gallery.painter.widths) == 2
    assert gallery.sample("postcards_batch_out_of_memory_total") == gallery.painter.reclaimed
