"""The client for programs without an event loop: the same calls, each waiting for its answer."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from os import PathLike
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack

import grpc
from postcards.composer.v1 import composer_pb2

from postcards_client.client import (
    DEFAULT_ADDRESS,
    DEFAULT_DEADLINE,
    PostcardPage,
    PostcardsClient,
    PostcardSettings,
)
from postcards_client.downloads import download
from postcards_client.events import Event
from postcards_client.retries import RetryPolicy

_Result = TypeVar("_Result")


class BlockingPostcardsClient:
    """`PostcardsClient` for scripts and notebooks. Use it as a context manager, or call `close` at the end.

    Its calls run on an event loop in a thread of its own, so it can be used from any thread, and inside a running
    event loop too. Every method raises as its namesake there does.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        deadline: float = DEFAULT_DEADLINE,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._client = PostcardsClient(address, credentials=credentials, deadline=deadline, retries=retries)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="postcards-client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the client cannot be used again."""
        if self._loop.is_closed():
            return
        self._wait(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def create(self, **settings: Unpack[PostcardSettings]) -> composer_pb2.Postcard:
        """Has a postcard accepted for making and returns it, mostly in state CREATING."""
        return self._wait(self._client.create(**settings))

    def make(self, **settings: Unpack[PostcardSettings]) -> composer_pb2.Postcard:
        """Creates a postcard and waits until it is finished."""
        return self._wait(self._client.make(**settings))

    def wait(self, postcard_id: str) -> composer_pb2.Postcard:
        """Waits until a postcard is finished and returns it."""
        return self._wait(self._client.wait(postcard_id))

    def watch(self, postcard_id: str, *, after_sequence: int = 0) -> Generator[Event]:
        """Yields what happens to a postcard until it is finished."""
        events = self._client.watch(postcard_id, after_sequence=after_sequence)
        try:
            while (event := self._wait(_next(events))) is not None:
                yield event
        finally:
            self._wait(events.aclose())

    def get(self, postcard_id: str) -> composer_pb2.Postcard:
        """Returns a postcard as it is now, whatever its state."""
        return self._wait(self._client.get(postcard_id))

    def list(self, *, page_size: int = 0, page_token: str = "") -> PostcardPage:
        """Returns one page of the postcards, the newest first."""
        return self._wait(self._client.list(page_size=page_size, page_token=page_token))

    def cancel(self, postcard_id: str) -> composer_pb2.Postcard:
        """Stops the making of a postcard."""
        return self._wait(self._client.cancel(postcard_id))

    def repair(self, postcard_id: str) -> composer_pb2.Postcard:
        """Has the missing parts made and returns the postcard, mostly in state CREATING."""
        return self._wait(self._client.repair(postcard_id))

    def delete(self, postcard_id: str) -> None:
        """Deletes a postcard and its files."""
        self._wait(self._client.delete(postcard_id))

    def plan_replay(self, *, manifest: bytes = b"", postcard_id: str = "") -> composer_pb2.PlanReplayResponse:
        """Returns the requests that make the parts of a postcard again."""
        return self._wait(self._client.plan_replay(manifest=manifest, postcard_id=postcard_id))

    def download(self, postcard: composer_pb2.Postcard, folder: str | PathLike[str]) -> dict[str, Path]:
        """Copies every file of a postcard into `folder`/<id>/ and returns the paths by file name."""
        return self._wait(download(postcard, folder))

    def _wait(self, call: Coroutine[Any, Any, _Result]) -> _Result:
        """The result of a call that runs on the loop; an interruption here cancels it there."""
        if self._loop.is_closed():
            call.close()
            raise RuntimeError("the client is closed")
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


async def _next(events: AsyncGenerator[Event, None]) -> Event | None:
    return await anext(events, None)
