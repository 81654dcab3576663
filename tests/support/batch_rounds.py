"""A batch whose rounds the test takes one by one on its own thread, and what steps in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from manual_clock import ManualClock
from postcards_serving.batching.rows import Row, RowUpdate
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop


@dataclass(frozen=True)
class Drop:
    """A state: some numbers on their way through a number of steps."""

    name: str
    steps: int = 2
    group: str = "a"
    step: int = 0
    fault: BaseException | None = None
    fails_at: int = 0
    value: np.ndarray = field(default_factory=lambda: np.zeros(4), compare=False)


class Mixer:
    """Multiplies each row by a matrix, as one product for all of them."""

    def __init__(self) -> None:
        self.matrix = np.random.default_rng(7).normal(size=(4, 4)) / 2
        self.steps: list[list[str]] = []
        self.capacity = 1_000
        self.on_step = lambda: None

    def group(self, state: Drop) -> str:
        return state.group

    def finished(self, state: Drop) -> bool:
        return state.step >= state.steps

    def step(self, states: Sequence[Drop]) -> list[Drop]:
        self.on_step()
        assert len({state.group for state in states}) == 1
        assert not any(self.finished(state) for state in states)
        if len(states) > self.capacity:
            raise MemoryError
        for state in states:
            if state.fault is not None and state.step == state.fails_at:
                raise state.fault
        self.steps.append([state.name for state in states])
        mixed = np.tanh(np.stack([state.value for state in states]) @ self.matrix + 1)
        return [replace(state, step=state.step + 1, value=value) for state, value in zip(states, mixed, strict=True)]


def stirring(mixer, *, max_rows: int = 8, max_waiting: int = 8, clock=None, engine: str = "rounds") -> StepLoop:
    def ring(rows: Sequence[Row]) -> None:
        for row in rows:
            row.ring()

    return StepLoop(mixer, Schedule(max_rows, max_waiting), ring=ring, engine=engine, clock=clock or ManualClock())


def news_of(row: Row) -> RowUpdate:
    news = row.take(0)
    assert news is not None
    return news


def finish(loop: StepLoop) -> int:
    rounds = 0
    while loop.busy:
        loop.round()
        rounds += 1
    return rounds
