"""Compares the image service around Stable Diffusion with the pipelines of diffusers, on one checkpoint.

`python benchmarks/stable_diffusion.py`. Sixteen requests that differ in prompt, seed, steps, guidance and sampler are
drawn by (a) one call of a pipeline after another, as in a notebook; (b) pipelines with static batches: requests of one
sampler and guidance together, all for as many steps as the longest takes; the raw loop: the engine's own step function
over all sixteen rows, nothing else around it; the batch: sixteen threads whose rows share the in-flight batch; and the
service: sixteen calls over gRPC to a real server, from another process as in real life. All encode, decode and write
PNG. Then what the scheduler costs beside the steps, and how long
a short request takes that arrives behind a long one. Without `--model` the checkpoints are tiny ones with random
weights, whose pictures mean nothing but whose ratios do; `--full` has the architecture of Stable Diffusion 1.5, for a
GPU, and compares one size after another.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import asyncio
import functools
import itertools
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.species.v1 import body_pb2, species_pb2, world_pb2

from checkpoints.stable_diffusion import FULL, TINY, build_checkpoint
from postcards_image.engines.stable_diffusion import Choices
from postcards_image.engines.stable_diffusion import engine as engines
from postcards_image.engines.stable_diffusion.checkpoint import autoencoder
from postcards_image.engines.stable_diffusion.checkpoint.checkpoint import Checkpoint
from postcards_image.engines.stable_diffusion.checkpoint.loading import load_checkpoint
from postcards_image.engines.stable_diffusion.progress import PACE
from postcards_image.engines.stable_diffusion.rows import Row, RowStepper
from postcards_image.engines.stable_diffusion.samplers.batch import begin
from postcards_image.servicer import ImageServicer
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import alone
from postcards_serving.engine.work import Work
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.rpc.messages import encode
from postcards_serving.testing import eventually, listening_server
from postcards_species.species import derive_species

ROWS = 16
SCHEDULERS = {
    "pndm": "PNDMScheduler",
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "dpmpp-2m": "DPMSolverMultistepScheduler",
}
NOTEBOOK, STATIC, RAW = "(a) pipeline, one call after another", "(b) pipeline, static batches", "raw batched loop"
BATCH, SERVICE = "the batch, rows of sixteen threads", "the service, over gRPC"
TARGET = 0.97
"""Least share of the raw loop's throughput that the service should reach."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    seed: int
    steps: int
    guidance: float
    sampler: str

    @property
    def prompt(self) -> str:
        """Short, and not the same for two."""
        return f"animal {self.seed}, striped, in fog"


def mixed(count: int) -> list[Asked]:
    """Requests as a morning brings them."""
    chance = random.Random(1)  # noqa: S311 - no secret
    return [
        Asked(seed, chance.randint(10, 40), chance.choice((1.0, 7.5, 7.5)), chance.choice(tuple(SCHEDULERS)))
        for seed in range(count)
    ]


class Pipelines:
    """diffusers' own pipeline with one scheduler after another."""

    def __init__(self, folder: Path, device: str, dtype: torch.dtype, variant: str | None = None) -> None:
        self._diffusers = import_module("diffusers")
        self._pipeline = self._diffusers.StableDiffusionPipeline.from_pretrained(
            folder, use_safetensors=True, dtype=dtype, variant=variant, safety_checker=None
        ).to(device)
        self._pipeline.set_progress_bar_config(disable=True)

    def draw(self, asked: Sequence[Asked], size: int) -> None:
        """One call for requests of one sampler and guidance; as many steps as the longest takes."""
        first = asked[0]
        scheduler = getattr(self._diffusers, SCHEDULERS[first.sampler])
        self._pipeline.scheduler = scheduler.from_config(self._pipeline.scheduler.config)
        pictures = self._pipeline(
            [one.prompt for one in asked],
            num_inference_steps=max(one.steps for one in asked),
            guidance_scale=first.guidance,
            width=size,
            height=size,
            generator=[torch.Generator().manual_seed(one.seed) for one in asked],
            output_type="np",
        ).images
        for picture in pictures:
            engines._png((picture * 255).round().astype("uint8"))


def one_after_another(pipelines: Pipelines, asked: Sequence[Asked], size: int) -> None:
    for one in asked:
        pipelines.draw([one], size)


def in_static_batches(pipelines: Pipelines, asked: Sequence[Asked], size: int) -> None:
    kinds: dict[tuple[str, float], list[Asked]] = {}
    for one in asked:
        kinds.setdefault((one.sampler, one.guidance), []).append(one)
    for batch in kinds.values():
        pipelines.draw(batch, size)


def first_row(checkpoint: Checkpoint, one: Asked) -> Row:
    reader, factor = checkpoint.reader, checkpoint.autoencoder.factor
    texts = ("", one.prompt) if one.guidance > 1 else (one.prompt,)
    words = torch.cat([reader.encode(reader.pieces(text)[0]) for text in texts])
    shape = (checkpoint.network.channels, checkpoint.size // factor, checkpoint.size // factor)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(one.seed)).to(checkpoint.device.name)
    return Row(begin(checkpoint.schedule_of(one.sampler, one.steps), noise), words, one.guidance)


def raw_loop(checkpoint: Checkpoint, asked: Sequence[Asked]) -> None:
    """All rows in one batch, each until it is finished."""
    stepper = RowStepper(checkpoint.network, budget=float("inf"), reclaim=lambda: None)
    rows = [first_row(checkpoint, one) for one in asked]
    while rows:
        stepped = stepper.step(rows)
        for row in stepped:
            if row.sampling.finished:
                picture = checkpoint.autoencoder.decode(row.sampling.latent[None])
                engines._png(autoencoder.to_bytes(picture))
        rows = [row for row in stepped if not row.sampling.finished]


def through_the_batch(engine: engines.StableDiffusionEngine, asked: Sequence[Asked]) -> None:
    """All rows in the engine's own batch, each followed by a thread; no server around it."""
    checkpoint, batch = engine._checkpoint, engine._batch

    def make(one: Asked) -> None:
        row = first_row(checkpoint, one)
        for newest in batch.follow(row, Work(), pace=PACE):
            row = newest
        latent = row.sampling.latent[None]
        engines._png(autoencoder.to_bytes(batch.between_steps(lambda: checkpoint.autoencoder.decode(latent), Work())))

    with ThreadPoolExecutor(ROWS) as threads:
        list(threads.map(make, asked))


async def draw(stub: image_pb2_grpc.ImageServiceStub, one: Asked) -> float:
    """One call; seconds until its last byte."""
    request = request_for(one)
    begun = time.perf_counter()
    async for _ in stub.GenerateImage(request):
        pass
    return time.perf_counter() - begun


@functools.cache
def request_for(one: Asked) -> image_pb2.GenerateImageRequest:
    """The request as the composer sends it, the whole animal in it."""
    species = derive_species(one.seed)
    return image_pb2.GenerateImageRequest(
        body_plan=encode(species.body_plan, body_pb2.BodyPlan),
        scene=encode(species.scene, world_pb2.Scene),
        parents=[encode(parent, species_pb2.Parent) for parent in species.parents],
        seed=one.seed,
        prompt=one.prompt,
        steps=one.steps,
        guidance_scale=one.guidance,
        sampler=one.sampler,
        init_strength=1.0,
    )


def call(address: str, asked: Sequence[Asked]) -> float:
    """Seconds of all these calls at once, from the first to the last byte; for another process."""

    async def load() -> float:
        channel = open_channel(address, max_attempts=1)
        await channel.channel_ready()
        stub = image_pb2_grpc.ImageServiceStub(channel)
        for one in asked:
            request_for(one)
        begun = time.perf_counter()
        await asyncio.gather(*(draw(stub, one) for one in asked))
        seconds = time.perf_counter() - begun
        await channel.close()
        return seconds

    return asyncio.run(load())


class Outside:
    """Callers in processes of their own."""

    def __init__(self, processes: ProcessPoolExecutor, engine: engines.StableDiffusionEngine) -> None:
        self._processes = processes
        self._engine = engine

    def over_grpc(self, asked: Sequence[Asked]) -> float:
        """Seconds of all these calls at once."""
        return self._serve(lambda address: self._call(address, asked))

    def short_behind_long(self, long: Asked, short: Asked) -> tuple[float, float]:
        """Seconds of the short request, which arrives when the long one has begun to step, and of the long one."""

        async def load(address: str) -> tuple[float, float]:
            first = asyncio.ensure_future(self._call(address, [long]))
            await eventually(lambda: self._engine._batch._loop.busy, interval=0.001)
            return await self._call(address, [short]), await first

        return self._serve(load)

    def _call(self, address: str, asked: Sequence[Asked]) -> Awaitable[float]:
        return asyncio.get_running_loop().run_in_executor(self._processes, call, address, asked)

    def _serve(self, load: Callable[[str], Awaitable[Any]]) -> Any:  # noqa: ANN401
        async def live() -> Any:  # noqa: ANN401
            executor = Executor(ROWS, Admission(2 * ROWS), engine=self._engine.name, stages=self._engine.stages)
            servicer = ImageServicer(alone(self._engine), executor)
            async with listening_server(
                lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server)
            ) as address:
                return await load(address)

        return asyncio.run(live())


@contextmanager
def outside(engine: engines.StableDiffusionEngine) -> Iterator[Outside]:
    """Two processes to call from, warm."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        list(processes.map(derive_species, range(2)))
        yield Outside(processes, engine)


def scheduler_overhead(checkpoint: Checkpoint, asked: Sequence[Asked]) -> tuple[float, float]:
    """Median milliseconds of a step and, beside them, of everything from its end to the beginning of the next."""
    stepper = RowStepper(checkpoint.network, budget=float("inf"), reclaim=lambda: None)
    step, marks = stepper.step, list[tuple[float, float]]()

    def watched(rows: Sequence[Row]) -> Sequence[Row]:
        begun = time.perf_counter()
        stepped = step(rows)
        marks.append((begun, time.perf_counter()))
        return stepped

    stepper.step = watched  # type: ignore[method-assign]
    batch = InFlightBatch[Row](stepper, max_rows=ROWS, max_waiting=ROWS, engine="benchmark")
    rows = [first_row(checkpoint, one) for one in asked]
    threads = [threading.Thread(target=lambda row=row: list(batch.follow(row, Work()))) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch.close()
    inside = statistics.median(end - begun for begun, end in marks)
    beside = statistics.median(after[0] - before[1] for before, after in itertools.pairwise(marks))
    return 1e3 * inside, 1e3 * beside


def once(work: Callable[[], object], device: str) -> float:
    """Seconds of one run."""
    begun = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def timed(work: Callable[[], object], repeats: int, device: str) -> float:
    """Least seconds of several runs, after one that is not counted."""
    return min([once(work, device) for _ in range(repeats + 1)][1:])


def rounds(
    ways: dict[str, Callable[[], float]], repeats: int, forget: Callable[[], None], slow: Sequence[str]
) -> list[dict[str, float]]:
    """Seconds of each way, round by round: what slows a round down slows all ways. The first is not counted.

    Each round has an order of its own: what comes after the service, say, finds the processor as that has left it.

    Args:
        ways: by name; each gives its seconds.
        repeats: rounds that count.
        forget: called before each way, so that none finds what another has computed.
        slow: names of ways that take part in the first counted round alone.
    """

    def seconds(name: str) -> float:
        forget()
        return ways[name]()

    chance = random.Random(1)  # noqa: S311 - no secret
    often = [name for name in ways if name not in slow]
    seated = [often, list(ways), *[often] * (repeats - 1)]
    return [{name: seconds(name) for name in chance.sample(names, len(names))} for names in seated][1:]


def compare(folder: Path, repeats: int) -> None:
    """The table of the tiny checkpoint, or of one that is named."""
    checkpoint = load_checkpoint(Choices(str(folder), threads=1, compile="none"))
    engine = engines.StableDiffusionEngine(checkpoint, batch_rows=ROWS)
    pipelines = Pipelines(folder, checkpoint.device.name, getattr(torch, checkpoint.device.dtype))
    asked = mixed(ROWS)
    steps = sum(one.steps for one in asked)
    print(f"{ROWS} mixed requests ({steps} steps), {checkpoint.size} px, {checkpoint.device.description}")
    device, long, short = checkpoint.device.name, Asked(1, 100, 7.5, "pndm"), Asked(2, 8, 7.5, "dpmpp-2m")
    ways: dict[str, Callable[[], float]] = {
        NOTEBOOK: lambda: once(lambda: one_after_another(pipelines, asked, checkpoint.size), device),
        STATIC: lambda: once(lambda: in_static_batches(pipelines, asked, checkpoint.size), device),
        RAW: lambda: once(lambda: raw_loop(checkpoint, asked), device),
        BATCH: lambda: once(lambda: through_the_batch(engine, asked), device),
    }
    with outside(engine) as callers:
        ways[SERVICE] = lambda: callers.over_grpc(asked)
        runs = rounds(ways, repeats, checkpoint.reader._remembered.clear, (NOTEBOOK, STATIC))
        behind, whole = callers.short_behind_long(long, short)
    print(f"  medians of {repeats} rounds{'seconds':>21}{'pictures/s':>12}{'times (a)':>11}{'of raw':>8}")
    notebook = runs[0][NOTEBOOK] / runs[0][RAW]
    for name in ways:
        taken = statistics.median(run[name] for run in runs if name in run)
        share = statistics.median(run[RAW] / run[name] for run in runs if name in run)
        print(f"  {name:<40}{taken:>9.2f}{ROWS / taken:>12.2f}{notebook * share:>11.2f}{share:>8.2f}")
    reached = [run[RAW] / run[SERVICE] for run in runs]
    beside = statistics.median(run[SERVICE] - run[RAW] for run in runs) / ROWS
    print(
        f"  the service reaches {statistics.median(reached):.2f} of the raw loop "
        f"({min(reached):.2f} to {max(reached):.2f}; target {TARGET}): a call costs {1e3 * beside:.0f} ms besides"
    )
    inside, beside = scheduler_overhead(checkpoint, asked)
    print(f"  scheduler: {beside:.2f} ms beside a step of {inside:.1f} ms ({beside / (inside + beside):.1%})")
    alone = timed(lambda: pipelines.draw([short], checkpoint.size), repeats, device)
    queued = timed(lambda: one_after_another(pipelines, [long, short], checkpoint.size), 1, device)
    print(f"  8 steps that arrive behind 100: {behind:.2f} s with the service, {queued:.2f} s in a queue of pipelines")
    print(f"  ({alone:.2f} s for a pipeline that has nothing else to do; the long one took {whole:.2f} s)")
    engine.close()


def tiny_checkpoints(folder: Path, pixels: Sequence[int]) -> Iterator[Path]:
    """One made for each size: what a call costs besides its steps weighs less the more a step does."""
    for side in pixels:
        yield build_checkpoint(folder / str(side), shape=replace(TINY, sample_size=side // 8))


def compare_full(folder: Path, repeats: int, compile_unet: bool) -> None:
    """Full size on a GPU: 50 steps with guidance, batches of 1 and 16, beside plain diffusers in the same numbers."""
    compiling = "compile" if compile_unet else "none"
    checkpoint = load_checkpoint(Choices(str(folder), dtype="float16", compile=compiling))
    device = checkpoint.device.name
    side = checkpoint.size // checkpoint.autoencoder.factor
    checkpoint.network.rehearse(2 * ROWS, side, side, checkpoint.reader.length)
    pipelines = Pipelines(folder, device, torch.float16, "fp16")
    print(f"50 steps with guidance, {checkpoint.size} px, {checkpoint.device.description}, float16")
    print(
        f"  {'rows':>4}{'diffusers s':>13}{'ours s':>9}{'ours pictures/s':>17}{'ratio':>7}   compiled: {compile_unet}"
    )
    for rows in (1, 4, 16):
        asked = [Asked(seed, 50, 7.5, "pndm") for seed in range(rows)]
        theirs = timed(lambda asked=asked: pipelines.draw(asked, checkpoint.size), repeats, device)
        ours = timed(lambda asked=asked: raw_loop(checkpoint, asked), repeats, device)
        print(f"  {rows:>4}{theirs:>13.2f}{ours:>9.2f}{rows / ours:>17.2f}{theirs / ours:>7.2f}")
    print("  targets: 0.25 s for one picture, 5.5 pictures/s for 16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a checkpoint; default: a tiny one with random weights")
    parser.add_argument("--pixels", type=int, nargs="+", default=[64, 128, 256], help="sizes of the tiny checkpoints")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="the size of Stable Diffusion 1.5, on a GPU")
    parser.add_argument("--no-compile", action="store_true", help="with --full: run the UNet as it is")
    options = parser.parse_args()
    # diffusers and numpy 2 are not of one mind about copies.
    warnings.filterwarnings("ignore", message="__array__ implementation")
    if options.full and not torch.cuda.is_available():
        print("no CUDA device here: --full is left out")
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.full:
            model = options.model or build_checkpoint(Path(folder) / "full", half=True, shape=FULL)
            compare_full(model, options.repeats, not options.no_compile)
        else:
            for model in [options.model] if options.model else tiny_checkpoints(Path(folder), options.pixels):
                compare(model, options.repeats)


if __name__ == "__main__":
    main()
