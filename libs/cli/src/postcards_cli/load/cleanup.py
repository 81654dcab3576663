"""Deletes the postcards that a run has made, and no others."""

import asyncio

import grpc
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc

from postcards_cli.load.measurements import Cleared
from postcards_client.channels import open_channel

WORKERS = 4
"""Postcards that are deleted at once."""

CALL_SECONDS = 10.0
"""How long one deletion may take."""


class Cleanup:
    """Deletes postcards while the run goes on, a few at a time, so that a long run does not fill the store."""

    def __init__(self, address: str, *, delete: bool) -> None:
        """Without `delete`, finished postcards stay; the making of others, which nobody waits for, is cancelled."""
        self._address = address
        self._delete = delete
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._asked: dict[str, str] = {}
        self._made = 0
        self._deleted = 0
        self._unknown = 0
        self._workers: list[asyncio.Task[None]] = []
        self._channel: grpc.aio.Channel | None = None

    def asked(self, request_id: str) -> None:
        """A postcard is asked for; again, perhaps."""
        self._asked.setdefault(request_id, "")

    def refused(self, request_id: str) -> None:
        """This time there will be none."""
        if not self._asked.get(request_id):
            self._asked.pop(request_id, None)

    def made(self, request_id: str, postcard_id: str) -> None:
        """The request was accepted as `postcard_id`; an id that is told again is counted once."""
        self._made += self._asked.get(request_id) != postcard_id
        self._asked[request_id] = postcard_id

    def left(self, request_id: str, *, finished: bool) -> None:
        """Nobody waits for it any more, whether it is finished or not."""
        postcard_id = self._asked.pop(request_id, None)
        if postcard_id is None:
            return
        if not postcard_id:
            self._unknown += 1
        elif self._delete or not finished:
            self._queue.put_nowait(postcard_id)
            self._start()

    def _start(self) -> None:
        if not self._workers:
            self._channel = open_channel(self._address)
            stub = composer_pb2_grpc.PostcardServiceStub(self._channel)
            self._workers = [asyncio.create_task(self._work(stub)) for _ in range(WORKERS)]

    @property
    def result(self) -> Cleared:
        """What has become of the postcards so far."""
        return Cleared(self._made, self._deleted, self._unknown)

    async def finish(self, patience: float) -> None:
        """Waits at most `patience` seconds until the last postcard is gone, and lets go of the connection."""
        try:
            async with asyncio.timeout(patience):
                await self._queue.join()
        except TimeoutError:
            pass
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            if self._channel is not None:
                await self._channel.close()

    async def _work(self, stub: "composer_pb2_grpc.PostcardServiceAsyncStub") -> None:
        while True:
            postcard_id = await self._queue.get()
            try:
                await self._clear(stub, postcard_id)
            except grpc.aio.AioRpcError as error:
                self._deleted += self._delete and error.code() is grpc.StatusCode.NOT_FOUND
            finally:
                self._queue.task_done()

    async def _clear(self, stub: "composer_pb2_grpc.PostcardServiceAsyncStub", postcard_id: str) -> None:
        if self._delete:
            await stub.DeletePostcard(composer_pb2.DeletePostcardRequest(id=postcard_id), timeout=CALL_SECONDS)
            self._deleted += 1
        else:
            await stub.CancelPostcard(composer_pb2.CancelPostcardRequest(id=postcard_id), timeout=CALL_SECONDS)
