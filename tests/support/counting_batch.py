"""A batch whose rows count, one step at a time when the test lets them, for callers on threads of their own."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from prometheus_client import REGISTRY

from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.engine.work import Work
from postcards_serving.testing import eventually

Count = tuple[str, int, int]
"""A state: its name, steps taken, steps wanted."""
PATIENCE = 30


class Counter:
    """Counts, one step at a time when it is told to; remembers who shared which step."""

    def __init__(self) -> None:
        self.steps: list[list[str]] = []
        self.entered = 0
        self.allowed = threading.Semaphore(0)
        self.free = threading.Event()
        self.faults: dict[str, BaseException] = {}
        self.threads: set[str] = set()

    def group(self, state: Count) -> int:
        del state
        return 0

    def finished(self, state: Count) -> bool:
        return state[1] >= state[2]

    def step(self, states: Sequence[Count]) -> list[Count]:
        self.entered += 1
        while not self.free.is_set() and not self.allowed.acquire(timeout=0.01):
            pass
        self.threads.add(threading.current_thread().name)
        for name, _, _ in states:
            if name in self.faults:
                raise self.faults[name]
        self.steps.append([name for name, _, _ in states])
        return [(name, taken + 1, wanted) for name, taken, wanted in states]


def follow(batch: InFlightBatch[Count], pool: ThreadPoolExecutor, state: Count, work: Work | None = None) -> Future:
    return pool.submit(lambda: list(batch.follow(state, work or Work())))


def samples(name: str) -> float:
    return REGISTRY.get_sample_value(f"postcards_batch_{name}", {"engine": "counter"}) or 0.0


def stuck_in_step(counter: Counter, count: int = 1):
    return eventually(lambda: counter.entered >= count)
