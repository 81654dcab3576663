"""Whatever comes, leaves and fails: every row ends once, as it would alone, and none waits without end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from postcards_serving.batching.rows import RowUpdate
from postcards_serving.batching.schedule import Schedule
from postcards_serving.batching.step_loop import StepLoop
from postcards_serving.engine.work import Work
from postcards_serving.errors import Cancelled, Overloaded

WIDTH = 32
MATRIX = np.random.default_rng(7).normal(size=(WIDTH, WIDTH)).astype(np.float32) / WIDTH**0.5


@dataclass(frozen=True)
class Drop:
    """A state: some numbers on their way through a number of steps."""

    name: str
    group: str
    value: np.ndarray
    steps: int
    fails_at: int | None = None
    step: int = 0


class Mixer:
    """Multiplies rows by a matrix, as one product for all of them; fails for bad rows and for too many."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.tried: set[str] = set()
        self.stepped: set[str] = set()

    def group(self, state: Drop) -> str:
        return state.group

    def finished(self, state: Drop) -> bool:
        return state.step >= state.steps

    def step(self, states: Sequence[Drop]) -> list[Drop]:
        self.tried = {state.name for state in states}
        assert len({state.group for state in states}) == 1
        assert not any(self.finished(state) for state in states)
        if len(states) > self.capacity:
            raise MemoryError
        if any(state.step == state.fails_at for state in states):
            raise ValueError
        self.stepped |= self.tried
        return mixed(states)


def mixed(states: Sequence[Drop]) -> list[Drop]:
    values = np.tanh(np.stack([state.value for state in states]) @ MATRIX + 1)
    return [replace(state, step=state.step + 1, value=value) for state, value in zip(states, values, strict=True)]


def alone(state: Drop) -> np.ndarray:
    while state.step < state.steps:
        (state,) = mixed([state])
    return state.value


@dataclass(frozen=True)
class Arrival:
    """A row of the property test, and what becomes of it."""

    at: int
    group: str
    steps: int
    fails_at: int | None
    leaves_at: int | None


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        at=st.integers(0, 12),
        group=st.sampled_from("abc"),
        steps=st.integers(1, 8),
        fails_at=st.none() | st.integers(0, 7),
        leaves_at=st.none() | st.integers(0, 16),
    ),
    max_size=24,
)


@given(ARRIVALS, st.integers(1, 8), st.integers(0, 6), st.integers(1, 8))
def test_whatever_comes_every_row_ends_once_and_as_it_would_alone(arrivals, max_rows, max_waiting, capacity):
    mixer = Mixer(capacity)
    loop = StepLoop(mixer, Schedule(max_rows, max_waiting), ring=lambda _: None, engine="properties", clock=lambda: 0.0)
    posted: dict[str, list[RowUpdate]] = {}
    present: dict[str, tuple[Arrival, Drop, Work]] = {}
    names: dict[int, str] = {}
    idle: dict[str, int] = {}
    # Each row before another may have to be found by halving first.
    most_idle = max_rows * (1 + math.log2(max_rows))
    moment = 0
    while loop.busy or moment <= 12:
        for index, arrival in enumerate(arrivals):
            name = str(index)
            if arrival.at == moment:
                value = np.random.default_rng(index).normal(size=WIDTH).astype(np.float32)
                drop = Drop(name, arrival.group, value, arrival.steps, arrival.fails_at)
                work = Work()
                try:
                    row = loop.enter(drop, work)
                except Overloaded:
                    continue
                posted[name] = []
                row.post = posted[name].append
                names[row.number] = name
                present[name] = (arrival, drop, work)
            if arrival.leaves_at == moment and name in present:
                present[name][2].cancel()
        loop.round()
        moment += 1
        for name in (names[seat.number] for seat in loop._schedule.aboard):
            idle[name] = 0 if name in mixer.tried else idle.get(name, 0) + 1
            assert idle[name] <= most_idle
    assert mixer.stepped <= set(posted)
    for name, (arrival, drop, work) in present.items():
        *before, last = posted[name]
        assert last.last
        assert not any(news.last or news.fault for news in before)
        assert [news.state.step for news in before] == list(range(1, len(before) + 1))
        if isinstance(last.fault, Cancelled):
            assert work.cancelled
        elif last.fault is not None:
            assert arrival.fails_at == last.state.step < arrival.steps
        else:
            assert last.state.step == arrival.steps
            assert arrival.fails_at is None or arrival.fails_at >= arrival.steps
            assert np.abs(last.state.value - alone(drop)).max() <= 1e-4
