"""Times Stable Audio in the service beside the ways that people run it by hand: `python benchmarks/stable_audio.py`.

Without `--full` a tiny checkpoint on a processor: what is compared is the ways, not the model. With `--full` the sizes
of Stable Audio Open 1.0 with random weights (speed does not depend on their values), for a GPU. Everything ends with
mastered files, and every way computes the same sounds. Processor time is less disturbed by others than wall time.
"""

import argparse
import asyncio
import contextlib
import io
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.stable_audio import StableAudioEngine, load_model
from postcards_audio.engines.stable_audio.checkpoint.model import Guided, StableAudioModel
from postcards_audio.engines.stable_audio.checkpoint.pieces import pieces
from postcards_audio.engines.stable_audio.sampling import SIGMA_MAX, SIGMA_MIN, Row, RowStepper, begin_row, noise_levels
from postcards_audio.engines.vocal_tract.mastering.encoding import flac, mp3
from postcards_audio.engines.vocal_tract.mastering.master import finish
from postcards_audio.servicer import AudioServicer
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import alone
from postcards_serving.engine.work import Progress, Work
from postcards_serving.testing import running_server

RATE = 44_100
SERVICE = audio_pb2.DESCRIPTOR.services_by_name["AudioService"]
PROMPTS = ("deep growl", "a bird at dawn", "insect chittering, torn and breathy", "hollow hoots of a large animal")


@dataclass(frozen=True)
class Call:
    """One of the mixed requests."""

    seed: int
    prompt: str
    negative_prompt: str
    seconds: float
    steps: int
    guidance: float


def mixed_calls(count: int, steps: int, longest: float) -> list[Call]:
    """Calls that differ in everything; a quarter is short, a quarter long, a quarter has no guidance."""
    calls = []
    for seed in range(count):
        share = (0.25, 0.75, 1.0, 0.5)[seed % 4]
        negative = "wind" if seed % 3 == 1 else ""
        guidance = 1.0 if seed % 4 == 3 else 7.0
        seconds = longest * (0.3 + 0.7 * ((seed * 7) % count) / count)
        calls.append(Call(seed, PROMPTS[seed % 4], negative, round(seconds, 1), max(1, round(steps * share)), guidance))
    return calls


def by_hand(model: StableAudioModel, calls: Sequence[Call], steps: int) -> Any:  # noqa: ANN401
    """Sounds [rows, 2, n] of one call of the library: one seed for all, as many steps, the guidance of the first."""
    from stable_audio_tools.inference.generation import generate_diffusion_cond

    def told(texts: Iterator[str]) -> list[dict[str, Any]]:
        paired = zip(texts, calls, strict=True)
        return [{"prompt": text, "seconds_start": 0, "seconds_total": call.seconds} for text, call in paired]

    negative = told(call.negative_prompt for call in calls) if any(call.negative_prompt for call in calls) else None
    with quietly():
        return generate_diffusion_cond(
            model.network,
            steps=steps,
            cfg_scale=calls[0].guidance,
            conditioning=told(call.prompt for call in calls),
            negative_conditioning=negative,
            batch_size=len(calls),
            sample_size=model.description.frames * model.description.samples_per_frame,
            seed=calls[0].seed,
            device=model.device.name,
            sampler_type="dpmpp-3m-sde",
            sigma_min=SIGMA_MIN,
            sigma_max=SIGMA_MAX,
        )


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield


def write(sound: np.ndarray, seconds: float) -> None:
    """What every way ends with."""
    master = finish(sound[:, : round(seconds * RATE)].astype(np.float32))
    flac(master.samples, np.random.default_rng(0))
    mp3(master.samples)


def notebook_way(model: StableAudioModel, calls: Sequence[Call]) -> None:
    for call in calls:
        write(by_hand(model, [call], call.steps)[0].cpu().numpy(), call.seconds)


def static_batches(model: StableAudioModel, calls: Sequence[Call], rows: int) -> None:
    """Calls of like guidance and steps together; each batch takes the steps of its longest."""
    ordered = sorted(calls, key=lambda call: (call.guidance, call.steps))
    alike = [[call for call in ordered if call.guidance == guidance] for guidance in {c.guidance for c in ordered}]
    for group in alike:
        for first in range(0, len(group), rows):
            batch = group[first : first + rows]
            sounds = by_hand(model, batch, max(call.steps for call in batch))
            for sound, call in zip(sounds.cpu().numpy(), batch, strict=True):
                write(sound, call.seconds)


def first_row(model: StableAudioModel, call: Call) -> Row:
    wanted = model.condition(call.prompt, call.seconds)
    guided = Guided(wanted)
    if call.guidance != 1:
        guided = Guided(wanted, model.against(call.negative_prompt, call.seconds, wanted), call.guidance)
    return begin_row(model, guided, noise_levels(model, call.steps), call.seed)


def raw_loop(model: StableAudioModel, calls: Sequence[Call], rows: int) -> None:
    """The engine's step and pieces in a plain loop: no service, no threads, nobody to report to."""
    stepper, waiting = RowStepper(model), list(calls)
    aboard: list[tuple[Call, Row]] = []
    while waiting or aboard:
        while waiting and len(aboard) < rows:
            call = waiting.pop(0)
            aboard.append((call, first_row(model, call)))
        stepped = stepper.step([row for _, row in aboard])
        moved = [(call, row) for (call, _), row in zip(aboard, stepped, strict=True)]
        for call, row in moved:
            if row.finished:
                frames = -(-round(call.seconds * RATE) // model.description.samples_per_frame)
                parts = [model.decode(row.noisy, piece) for piece in pieces(frames, model.description.frames)]
                write(np.concatenate(parts, axis=1), call.seconds)
        aboard = [(call, row) for call, row in moved if not row.finished]


async def through_the_service(engine: StableAudioEngine, calls: Sequence[Call], rows: int) -> list[float]:
    """All calls at once over a real channel; the seconds that each took."""
    executor = Executor(rows, Admission(len(calls)), engine=engine.name, stages=engine.stages)
    servicer = AudioServicer(alone(engine), executor)

    async def ask(stub: audio_pb2_grpc.AudioServiceStub, call: Call) -> float:
        begun = time.perf_counter()
        async for _ in stub.GenerateAudio(request_of(call)):
            pass
        return time.perf_counter() - begun

    async with running_server(
        lambda server: audio_pb2_grpc.add_AudioServiceServicer_to_server(servicer, server), services=[SERVICE]
    ) as channel:
        stub = audio_pb2_grpc.AudioServiceStub(channel)
        return list(await asyncio.gather(*(ask(stub, call) for call in calls)))


def request_of(call: Call) -> audio_pb2.GenerateAudioRequest:
    return audio_pb2.GenerateAudioRequest(
        seed=call.seed,
        prompt=call.prompt,
        negative_prompt=call.negative_prompt,
        seconds=call.seconds,
        steps=call.steps,
        guidance_scale=call.guidance,
        init_strength=1.0,
    )


class Taken(NamedTuple):
    """Seconds of one way."""

    wall: float
    processor: float


def seconds_of(way: Callable[[], object], repeats: int) -> Taken:
    """Medians of `repeats` runs after one that is not counted."""
    way()
    times = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        way()
        times.append((time.perf_counter() - wall, time.process_time() - processor))
    return Taken(*(statistics.median(column) for column in zip(*times, strict=True)))


def overhead_of_a_step(model: StableAudioModel, engine: StableAudioEngine, steps: int) -> tuple[float, float]:
    """Seconds of a step of one row, bare and in the engine, each the least of what was seen: noise only adds."""
    call = Call(0, PROMPTS[0], "", 1.0, steps, 7.0)
    stepper, row, bare = RowStepper(model), first_row(model, call), []
    while not row.finished:
        begun = time.perf_counter()
        (row,) = stepper.step([row])
        bare.append(time.perf_counter() - begun)
    marks: list[float] = []

    def listen(event: object) -> None:
        if isinstance(event, Progress) and event.stage == "denoise":
            marks.append(time.perf_counter())

    request = AudioRequest(prompt=call.prompt, seconds=1.0, steps=steps, guidance_scale=7.0, init_strength=1.0)
    engine.generate(request, Work(listen))
    return statistics.median(bare), (marks[-1] - marks[0]) / steps


def compare_ways(model: StableAudioModel, options: argparse.Namespace) -> None:
    calls = mixed_calls(options.count, options.steps, model.description.longest_seconds)
    engine = StableAudioEngine(model, batch_rows=options.rows)
    ways: dict[str, Callable[[], object]] = {
        "one call of the library after another": lambda: notebook_way(model, calls),
        f"the library, static batches of {options.rows}": lambda: static_batches(model, calls, options.rows),
        f"the engine's step in a plain loop, {options.rows} rows": lambda: raw_loop(model, calls, options.rows),
        f"the service, {options.rows} rows": lambda: asyncio.run(through_the_service(engine, calls, options.rows)),
    }
    print(f"\n{len(calls)} mixed calls, {min(c.steps for c in calls)} to {max(c.steps for c in calls)} steps")
    print(f"{'way':<46}{'wall':>9}{'a call':>9}{'speed':>8}{'processor':>12}{'speed':>8}")
    times = {name: seconds_of(way, options.repeats) for name, way in ways.items()}
    slowest, *_, raw, served = times.values()
    for name, taken in times.items():
        print(
            f"{name:<46}{taken.wall:>8.2f}s{taken.wall / len(calls):>8.2f}s{slowest.wall / taken.wall:>7.2f}x"
            f"{taken.processor:>11.2f}s{slowest.processor / taken.processor:>7.2f}x"
        )
    print(
        f"the service reaches {raw.wall / served.wall:.2f} of the plain loop by the clock, "
        f"{raw.processor / served.processor:.2f} in processor time"
    )
    bare, inside = overhead_of_a_step(model, engine, options.steps)
    print(f"a step of one row: {bare * 1e3:.2f} ms bare, {inside * 1e3:.2f} ms in the engine")
    compare_latency(model, engine, options)
    engine.close()


def compare_latency(model: StableAudioModel, engine: StableAudioEngine, options: argparse.Namespace) -> None:
    """A short call that arrives right behind a long one."""
    long = Call(0, PROMPTS[0], "", model.description.longest_seconds, 5 * options.steps, 7.0)
    short = Call(1, PROMPTS[1], "", 1.0, max(1, options.steps // 4), 7.0)
    _, served = asyncio.run(through_the_service(engine, [long, short], options.rows))
    begun = time.perf_counter()
    notebook_way(model, [long, short])
    behind = time.perf_counter() - begun
    print(f"a call of {short.steps} steps behind one of {long.steps}: {served:.2f} s, one after another {behind:.2f} s")


def time_full_call(model: StableAudioModel, options: argparse.Namespace) -> None:
    """The longest sound in 150 steps with guidance, alone and in batches, beside the library."""
    seconds, steps = model.description.longest_seconds, 150
    print(f"\n{seconds:g} s in {steps} steps with guidance on {model.device.description}, {model.device.dtype}")
    print(f"{'rows':<6}{'library':>10}{'engine':>10}{'a call':>10}")
    for rows in (1, 2, 4, 8):
        calls = [Call(seed, PROMPTS[seed % 4], "", seconds, steps, 7.0) for seed in range(rows)]
        library = seconds_of(lambda calls=calls: static_batches(model, calls, len(calls)), options.repeats)
        engine = seconds_of(lambda calls=calls: raw_loop(model, calls, len(calls)), options.repeats)
        print(f"{rows:<6}{library.wall:>9.2f}s{engine.wall:>9.2f}s{engine.wall / rows:>9.2f}s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the sizes of Stable Audio Open 1.0: 5 GB, for a GPU")
    parser.add_argument("--model", default="", help="a folder or hub id in place of random weights")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--dtype", default="auto", help="auto, float32, float16 or bfloat16")
    parser.add_argument("--compile", action="store_true", help="let torch compile the network")
    parser.add_argument("--count", type=int, default=16, help="how many mixed calls")
    parser.add_argument("--rows", type=int, default=4, help="calls that share a step")
    parser.add_argument("--steps", type=int, default=32, help="of the longest of the mixed calls")
    parser.add_argument("--frames", type=int, default=128, help="length of the tiny model's sounds, 46 ms each")
    parser.add_argument("--repeats", type=int, default=3, help="how often each way is timed")
    parser.add_argument("--threads", type=int, default=0, help="cores; 0: all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, quietly():
        # What torch is not there for must be said by whoever needs it.
        if not options.model:
            from checkpoints.stable_audio import build_checkpoint

            build_checkpoint(Path(folder), frames=1024 if options.full else options.frames, full=options.full)
        model = load_model(
            options.model or folder,
            device=options.device,
            dtype=options.dtype,
            compilation="compile" if options.compile else "none",
            threads=options.threads,
        )
    described = model.description
    print(f"{described.longest_seconds:g} s of sound in {described.frames} frames, {model.device.description}")
    if options.full or options.model:
        time_full_call(model, options)
    compare_ways(model, options)


if __name__ == "__main__":
    main()
