"""Calls to a real server whose rows share steps: company, a client that hangs up, a deadline, a full house."""

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

from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Progress, Work
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import eventually, running_server

WIDTH = 48
MATRIX = np.random.default_rng(3).normal(size=(WIDTH, WIDTH)).astype(np.float32) / WIDTH**0.5


@dataclass(frozen=True)
class Sketch:
    """A state: numbers of a seed on their way through a number of steps."""

    seed: int
    steps: int
    value: np.ndarray
    step: int = 0


def begin(seed: int, steps: int) -> Sketch:
    return Sketch(seed, steps, np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32))


class Sketcher:
    """Steps that wait at a gate; seed 13 fails at its third step."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.company: list[set[int]] = []

    def group(self, state: Sketch) -> int:
        return len(state.value)

    def finished(self, state: Sketch) -> bool:
        return state.step >= state.steps

    def step(self, states: Sequence[Sketch]) -> list[Sketch]:
        # Closed, the gate still lets a step pass now and then: calls join while it is.
        self.gate.wait(0.02)
        if any(state.seed == 13 and state.step == 2 for state in states):
            raise ValueError("the password is swordfish")
        self.company.append({state.seed for state in states})
        return advanced(states)


def advanced(states: Sequence[Sketch]) -> list[Sketch]:
    drift = np.tanh(np.stack([state.value for state in states]) @ MATRIX)
    return [
        replace(state, step=state.step + 1, value=state.value + change / state.steps)
        for state, change in zip(states, drift, strict=True)
    ]


def alone(seed: int, steps: int) -> np.ndarray:
    states = [begin(seed, steps)]
    for _ in range(steps):
        states = advanced(states)
    return states[0].value


class Studio(image_pb2_grpc.ImageServiceServicer):
    """An image service whose engine draws all calls together."""

    def __init__(self, places: int = 8, max_rows: int = 8, max_waiting: int = 8) -> None:
        self.sketcher = Sketcher()
        self.batch = InFlightBatch(self.sketcher, max_rows=max_rows, max_waiting=max_waiting, engine="studio")
        self.executor = Executor(places, engine="studio", stages=("denoise",))

    def draw(self, seed: int, steps: int, work: Work) -> bytes:
        first = self.batch.between_steps(lambda: begin(seed, steps), work)
        for state in self.batch.follow(first, work):
            work.report(Progress("denoise", state.step, state.steps))
            last = state.value
        return last.tobytes()

    async def GenerateImage(self, request, context):  # noqa: N802
        running = self.executor.run(
            lambda work: self.draw(request.seed, request.steps, work), timeout=context.time_remaining()
        )
        async with contextlib.aclosing(running) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield image_pb2.GenerateImageResponse(chunk=media_pb2.Chunk(data=event.result))
                else:
                    yield image_pb2.GenerateImageResponse(progress=encode(event, media_pb2.Progress))


@contextlib.asynccontextmanager
async def serving(studio: Studio):
    async with running_server(
        lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(studio, server)
    ) as channel:
        stub = image_pb2_grpc.ImageServiceStub(channel)
        yield lambda seed, steps, **options: stub.GenerateImage(
            image_pb2.GenerateImageRequest(seed=seed, steps=steps), **options
        )
        studio.sketcher.gate.set()
        await studio.executor.drain(30)
    await asyncio.to_thread(studio.batch.close)


async def drawn(call) -> np.ndarray:
    *progress, last = [response async for response in call]
    steps = [response.progress.step for response in progress if response.progress.stage == "denoise"]
    assert steps == sorted(steps)
    return np.frombuffer(last.chunk.data, np.float32)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"engine": "studio", **labels}) or 0.0


async def test_calls_share_steps_and_come_out_as_they_would_alone_whoever_leaves():
    studio = Studio()
    async with serving(studio) as generate:
        staying = {1: 600, 2: 750, 3: 900}
        tasks = {seed: asyncio.ensure_future(drawn(generate(seed, steps))) for seed, steps in staying.items()}
        hanging_up, late, failing = generate(7, 5000), generate(8, 5000, timeout=1.5), generate(13, 5)
        ends = [asyncio.ensure_future(drawn(call)) for call in (hanging_up, late, failing)]
        await eventually(lambda: any({1, 2, 3, 7} <= company for company in studio.sketcher.company))
        hanging_up.cancel()
        await asyncio.wait(ends)
        assert ends[0].cancelled()
        assert ends[1].exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert ends[2].exception().code() is grpc.StatusCode.INTERNAL
        assert "swordfish" not in str(ends[2].exception().details())
        studio.sketcher.gate.set()
        for seed, steps in staying.items():
            assert np.abs(await tasks[seed] - alone(seed, steps)).max() <= 1e-4
        assert np.abs(alone(1, 600) - alone(2, 600)).max() > 0.1
        await eventually(lambda: sample("postcards_batch_rows_in_flight") == 0)
        assert not any({7, 8, 13} & company for company in studio.sketcher.company[-2:])


async def test_more_calls_than_rows_wait_for_their_turn_and_are_all_served():
    studio = Studio(places=6, max_rows=2)
    async with serving(studio) as generate:
        tasks = [asyncio.ensure_future(drawn(generate(seed, 3 + seed))) for seed in range(6)]
        await eventually(lambda: sample("postcards_batch_rows_waiting") >= 1)
        studio.sketcher.gate.set()
        for seed, values in enumerate(await asyncio.gather(*tasks)):
            assert np.abs(values - alone(seed, 3 + seed)).max() <= 1e-4
        assert max(len(company) for company in studio.sketcher.company) == 2


async def test_a_call_that_finds_the_batch_full_is_told_when_to_come_back():
    studio = Studio(places=4, max_rows=1, max_waiting=1)
    async with serving(studio) as generate:
        tasks = [asyncio.ensure_future(drawn(generate(seed, 500))) for seed in (1, 2)]
        await eventually(lambda: sample("postcards_batch_rows_in_flight") + sample("postcards_batch_rows_waiting") == 2)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await drawn(generate(3, 1))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert from_rpc_error(caught.value).retry_after > 0
        studio.sketcher.gate.set()
        assert len(await asyncio.gather(*tasks)) == 2
