"""What several of these tests share: two engines, batches, and a message with one field of every sort."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from batch_rounds import Mixer, stirring
from counting_batch import Count, Counter
from every_field import message_classes
from postcards_serving.batching.in_flight import InFlightBatch
from postcards_serving.fallback.engine import FallbackEngine
from songbirds import Bird


@pytest.fixture(scope="session")
def wire():
    """The message classes by name: `wire.Every`, `wire.Node`."""
    return SimpleNamespace(**message_classes())


@pytest.fixture
def model():
    """An engine that another one stands behind."""
    return Bird()


@pytest.fixture
def tract():
    """The engine behind it."""
    return Bird("tract", "1")


@pytest.fixture
def both(model, tract):
    return FallbackEngine(model, lambda: tract, fallback="tract")


@pytest.fixture
def mixer():
    """What steps in `loop`."""
    return Mixer()


@pytest.fixture
def loop(mixer):
    """A batch whose rounds the test takes."""
    return stirring(mixer)


@pytest.fixture
def counter() -> Counter:
    """What steps in `batch`."""
    return Counter()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads of callers."""
    with ThreadPoolExecutor(12) as threads:
        yield threads


@pytest.fixture
def batch(counter: Counter, pool: ThreadPoolExecutor) -> Iterator[InFlightBatch[Count]]:
    """A batch with an engine thread, two places aboard and two to wait."""
    del pool
    made = InFlightBatch(counter, max_rows=2, max_waiting=2, engine="counter")
    yield made
    counter.free.set()
    made.close()
