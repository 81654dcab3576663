"""An object store for the event loop: every operation runs in a thread, and is measured."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from postcards_composer.metrics import ComposerMetrics
from postcards_composer.store.objects import (
    NotFound,
    ObjectStore,
    PreconditionFailed,
    StoredObject,
    StoreError,
)
from postcards_serving.telemetry import tracing

T = TypeVar("T")

_WORKERS = 16


class ThreadedStore:
    """The operations of an `ObjectStore` as coroutines. They raise what the store raises."""

    def __init__(self, store: ObjectStore, metrics: ComposerMetrics) -> None:
        """Works on `store` and tells `metrics` how long each operation took."""
        self._store = store
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="store")

    async def prepare(self) -> None:
        """Runs `ObjectStore.prepare` in a thread."""
        await self._run("prepare", "", self._store.prepare)

    async def put(
        self, key: str, data: bytes, content_type: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> str:
        """Runs `ObjectStore.put` in a thread. Returns the ETag."""
        return await self._run(
            "put", key, lambda: self._store.put(key, data, content_type, if_absent=if_absent, if_match=if_match)
        )

    async def get(self, key: str) -> StoredObject:
        """Runs `ObjectStore.get` in a thread."""
        return await self._run("get", key, lambda: self._store.get(key))

    async def read(self, key: str, parse: Callable[[StoredObject], T]) -> T:
        """What `parse` makes of an object, in the thread that has read it. Raises what either raises."""
        return await self._run("get", key, lambda: parse(self._store.get(key)))

    async def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[str]:
        """Runs `ObjectStore.list` in a thread. At most `limit` keys."""
        return await self._run("list", prefix, lambda: self._store.list(prefix, start_after=start_after, limit=limit))

    async def delete(self, key: str) -> None:
        """Runs `ObjectStore.delete` in a thread."""
        await self._run("delete", key, lambda: self._store.delete(key))

    async def show(self, names: Mapping[str, str]) -> None:
        """Runs `ObjectStore.show` in a thread; no metric counts it."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._store.show, names)

    def url(self, key: str) -> str:
        """The address of an object, computed without asking the store and so without a thread."""
        return self._store.url(key)

    def location(self, prefix: str) -> str:
        """The address of a prefix, computed without asking the store and so without a thread."""
        return self._store.location(prefix)

    def close(self) -> None:
        """Waits for the operations under way."""
        self._threads.shutdown()

    async def _run(self, operation: str, key: str, call: Callable[[], T]) -> T:
        begun = time.monotonic()
        attributes = {"postcards.store.operation": operation, "postcards.store.key": key}
        outcomes = (NotFound, PreconditionFailed)
        try:
            with tracing.inside(f"store {operation}", attributes, kind=tracing.Kind.CLIENT, expected=outcomes):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except (NotFound, PreconditionFailed):
            raise
        except StoreError:
            self._metrics.store_errors.labels(operation).inc()
            raise
        finally:
            self._metrics.store_seconds.labels(operation).observe(time.monotonic() - begun)
