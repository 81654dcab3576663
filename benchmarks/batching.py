"""Compares rows that share steps in flight with one row at a time and with static batches.

`python benchmarks/batching.py`. Calls with different numbers of steps arrive at random (Poisson). Three ways to serve
them run the same step function on the same arrivals: one call after another; static batches, which begin together and
whose results come when the longest is done; and `InFlightBatch`. The artificial step is six products with matrices of
4 MB, which are read once for all rows; where the shipped model is, or with `--model`, real denoising steps follow.
Last, what the scheduler itself costs.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from postcards_serving.batching.in_flight import InFlightBatch, Stepper
from postcards_serving.engine.work import Work

StateT = TypeVar("StateT")
Floats = npt.NDArray[np.float32]

LEAST_STEPS = 4
SHARE = 0.7
"""Calls that arrive as a share of what can be served at most."""
BUDGET_MS = 0.5
"""Most milliseconds that the scheduler may take for a step of 64 rows."""


@dataclass(frozen=True)
class Load(Generic[StateT]):
    """What is to be stepped."""

    name: str
    stepper: Stepper[StateT]
    begin: Callable[[int, int], StateT]
    """From a seed and a number of steps."""
    value: Callable[[StateT], Floats]
    most_steps: int = 100
    """Of a call; the fewest are 4."""
    calls: int = 100
    light: bool = True
    """Whether to try calls that come so slowly that one at a time keeps up."""

    @property
    def mean_steps(self) -> float:
        """Of a call."""
        return (LEAST_STEPS + self.most_steps) / 2


@dataclass(frozen=True)
class Call:
    """A request that arrives."""

    seed: int
    steps: int
    arrival: float
    """Seconds after the first."""


@dataclass(frozen=True)
class Outcome:
    """How the calls of one run fared."""

    latencies: list[float]
    """Seconds from arrival to result."""
    values: list[Floats]
    seconds: float
    """From the first arrival to the last result."""

    @property
    def throughput(self) -> float:
        """Calls a second."""
        return len(self.latencies) / self.seconds

    @property
    def mean(self) -> float:
        """Seconds."""
        return statistics.mean(self.latencies)

    @property
    def p99(self) -> float:
        """Seconds within which 99% were served."""
        return float(np.quantile(self.latencies, 0.99))


@dataclass(frozen=True)
class Vector:
    """The state of a row of the artificial load."""

    x: Floats
    steps: int
    step: int = 0


class Products:
    """A step of six matrix products: weights that are read once serve all rows, as in a network."""

    WIDTH = 1024
    LAYERS = 6

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        size = (self.LAYERS, self.WIDTH, self.WIDTH)
        self._weights = (generator.normal(size=size) / self.WIDTH**0.5).astype(np.float32)

    def group(self, state: Vector) -> int:
        """One for all."""
        return state.x.size

    def finished(self, state: Vector) -> bool:
        """Whether it has taken its steps."""
        return state.step >= state.steps

    def step(self, states: Sequence[Vector]) -> list[Vector]:
        """All rows with each product."""
        drift = np.stack([state.x for state in states], axis=1)
        for weights in self._weights:
            drift = np.tanh(weights @ drift)
        return [
            replace(state, x=state.x + change / state.steps, step=state.step + 1)
            for state, change in zip(states, drift.T, strict=True)
        ]


def products() -> Load[Vector]:
    def begin(seed: int, steps: int) -> Vector:
        return Vector(np.random.default_rng(seed).normal(size=Products.WIDTH).astype(np.float32), steps)

    return Load("matrix products", Products(), begin, lambda state: state.x)


def model(path: Path) -> Load[Any]:
    """Denoising steps of a trained model, without a class and without guidance."""
    from postcards_image.engines.ddpm.denoiser import Denoiser
    from postcards_image.engines.ddpm.loading import load_network
    from postcards_image.engines.ddpm.sampling import (
        Question,
        Row,
        RowStepper,
        Sampler,
        begin_row,
        noise_levels,
        starting_noise,
    )

    network = load_network(str(path))
    denoiser = Denoiser(network)
    description = network.description
    classes = np.zeros(description.labels, np.float32)
    if description.labels:
        classes[description.any_class or 0] = 1
    question = Question(classes if description.labels else None)

    def begin(seed: int, steps: int) -> Row:
        sigmas = noise_levels(denoiser.schedule, Sampler.EULER, steps)
        noise = starting_noise(seed, denoiser.resolution)
        return begin_row(Sampler.EULER, sigmas, ((question,),) * steps, noise)

    return Load(
        description.name, RowStepper(denoiser), begin, lambda row: row.noisy, most_steps=30, calls=24, light=False
    )


def arrivals(load: Load[Any], rate: float, seed: int = 1) -> list[Call]:
    generator = np.random.default_rng(seed)
    moments = np.cumsum(generator.exponential(1 / rate, load.calls))
    steps = generator.integers(LEAST_STEPS, load.most_steps + 1, load.calls)
    return [
        Call(number, int(taken), float(moment - moments[0]))
        for number, (moment, taken) in enumerate(zip(moments, steps, strict=True))
    ]


def run_to_end(load: Load[StateT], states: list[StateT]) -> list[StateT]:
    """Steps a fixed company until each is finished; who is finished is not computed any more."""
    going = [index for index, state in enumerate(states) if not load.stepper.finished(state)]
    while going:
        for index, state in zip(going, load.stepper.step([states[index] for index in going]), strict=True):
            states[index] = state
        going = [index for index in going if not load.stepper.finished(states[index])]
    return states


def in_companies(load: Load[StateT], calls: Sequence[Call], most: int) -> Outcome:
    """Takes up to `most` of the calls that have arrived, serves them together, then takes the next."""
    begun = time.perf_counter()
    latencies: list[float] = []
    values: list[Floats] = []
    while len(latencies) < len(calls):
        waiting = calls[len(latencies) :]
        time.sleep(max(0.0, waiting[0].arrival - (time.perf_counter() - begun)))
        now = time.perf_counter() - begun
        company = [call for call in waiting[:most] if call.arrival <= now] or [waiting[0]]
        states = run_to_end(load, [load.begin(call.seed, call.steps) for call in company])
        ended = time.perf_counter() - begun
        latencies += [ended - call.arrival for call in company]
        values += [load.value(state) for state in states]
    return Outcome(latencies, values, time.perf_counter() - begun)


def one_at_a_time(load: Load[StateT], calls: Sequence[Call], most: int) -> Outcome:
    del most
    return in_companies(load, calls, 1)


def in_flight(load: Load[StateT], calls: Sequence[Call], most: int) -> Outcome:
    batch = InFlightBatch(load.stepper, max_rows=most, max_waiting=len(calls), engine="benchmark")
    begun = time.perf_counter()

    def serve(call: Call) -> tuple[float, Floats]:
        state = load.begin(call.seed, call.steps)
        for newest in batch.follow(state, Work()):
            state = newest
        return time.perf_counter() - begun - call.arrival, load.value(state)

    with ThreadPoolExecutor(len(calls)) as threads:
        pending = []
        for call in calls:
            time.sleep(max(0.0, call.arrival - (time.perf_counter() - begun)))
            pending.append(threads.submit(serve, call))
        served = [future.result() for future in pending]
    seconds = time.perf_counter() - begun
    batch.close()
    return Outcome([latency for latency, _ in served], [value for _, value in served], seconds)


def step_seconds(load: Load[StateT], rows: int) -> float:
    """Of a step of so many rows, the median of some."""
    states = [load.begin(seed, 100) for seed in range(rows)]
    load.stepper.step(states)

    def once() -> float:
        begun = time.perf_counter()
        load.stepper.step(states)
        return time.perf_counter() - begun

    return statistics.median(once() for _ in range(9))


WAYS: dict[str, Callable[[Load[Any], Sequence[Call], int], Outcome]] = {
    "one at a time": one_at_a_time,
    "static batches": in_companies,
    "in flight": in_flight,
}


def compare(load: Load[Any], most: int) -> None:
    alone, together = step_seconds(load, 1), step_seconds(load, most)
    print(f"\n{load.name}: a step of 1 row takes {alone * 1e3:.1f} ms, of {most} rows {together * 1e3:.1f} ms")
    rates = {f"{SHARE:.0%} of what {most} rows a step can": SHARE * most / together / load.mean_steps}
    if load.light:
        rates = {f"{SHARE:.0%} of what one at a time can": SHARE / alone / load.mean_steps, **rates}
    for title, rate in rates.items():
        calls = arrivals(load, rate)
        print(f"{load.calls} calls of {LEAST_STEPS} to {load.most_steps} steps, {rate:.1f} a second ({title})")
        print(f"  {'':<16}{'calls/s':>8}{'':>8}{'mean':>9}{'':>7}{'p99':>9}{'':>7}{'differs by':>12}")
        show({way: serve(load, calls, most) for way, serve in WAYS.items()})


def show(outcomes: dict[str, Outcome]) -> None:
    first = next(iter(outcomes.values()))
    for way, outcome in outcomes.items():
        differs = max(float(np.abs(a - b).max()) for a, b in zip(outcome.values, first.values, strict=True))
        print(
            f"  {way:<16}{outcome.throughput:>8.2f}{outcome.throughput / first.throughput:>7.2f}x"
            f"{outcome.mean:>8.2f}s{outcome.mean / first.mean:>6.2f}x"
            f"{outcome.p99:>8.2f}s{outcome.p99 / first.p99:>6.2f}x{differs:>12.0e}"
        )


class Metronome:
    """A step that leaves the processor to others, and notes the time between two steps of all rows."""

    def __init__(self, rows: int, seconds: float) -> None:
        self._rows = rows
        self._seconds = seconds
        self._ended: tuple[float, float] | None = None
        self.wall: list[float] = []
        self.processor: list[float] = []

    def group(self, state: int) -> int:
        """One for all."""
        del state
        return 0

    def finished(self, state: int) -> bool:
        """Whether no steps are left."""
        return state == 0

    def step(self, states: Sequence[int]) -> list[int]:
        """Counts down."""
        if self._ended is not None and len(states) == self._rows:
            self.wall.append(time.perf_counter() - self._ended[0])
            self.processor.append(time.thread_time() - self._ended[1])
        time.sleep(self._seconds)
        after = [state - 1 for state in states]
        self._ended = (time.perf_counter(), time.thread_time())
        return after


def weigh_scheduler(rows: int = 64, steps: int = 300) -> None:
    metronome = Metronome(rows, 0.01)
    batch = InFlightBatch(metronome, max_rows=rows, max_waiting=0, engine="benchmark")

    def follow() -> None:
        for _ in batch.follow(steps, Work(timeout=600)):
            pass

    callers = [threading.Thread(target=follow) for _ in range(rows)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    batch.close()
    print(f"\nscheduler, {rows} rows, {len(metronome.wall)} steps, budget {BUDGET_MS} ms a step")
    for name, times in (
        ("processor time of the engine thread", metronome.processor),
        ("time between steps", metronome.wall),
    ):
        milliseconds = np.array(times) * 1e3
        print(
            f"  {name:<38}mean {milliseconds.mean():.2f} ms, median {np.median(milliseconds):.2f} ms, "
            f"p99 {np.quantile(milliseconds, 0.99):.2f} ms"
        )


def loads(path: Path | None) -> Iterator[Load[Any]]:
    from postcards_image.engines.ddpm.loading import SHIPPED

    yield products()
    if path is not None or SHIPPED.exists():
        yield model(path or SHIPPED)
    else:
        print("(no trained model here; --model names one)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16, help="most rows of a step")
    parser.add_argument("--model", type=Path, help="an ONNX file or a model's folder")
    options = parser.parse_args()
    for load in loads(options.model):
        compare(load, options.rows)
    weigh_scheduler()


if __name__ == "__main__":
    main()
