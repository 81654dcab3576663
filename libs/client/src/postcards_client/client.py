"""The asynchronous client of the composer."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar, Unpack

import grpc
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc

from postcards_client.channels import open_channel
from postcards_client.errors import FailedPrecondition, NotFound, PostcardsError, Unavailable, error_from_status
from postcards_client.events import FINISHED, Changed, Event, event_from_message
from postcards_client.requests import request_of
from postcards_client.retries import RetryPolicy
from postcards_client.tracing import calling

if TYPE_CHECKING:
    from grpc.aio import UnaryUnaryMultiCallable
    from postcards.composer.v1.composer_pb2_grpc import PostcardServiceAsyncStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

DEFAULT_ADDRESS = "127.0.0.1:50050"
DEFAULT_DEADLINE = 30.0
_SERVICE = "postcards.composer.v1.PostcardService"

_CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    # The retry policy is the only layer that retries; a second one would multiply the attempts.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


class PostcardSettings(TypedDict, total=False):
    """What may be asked of a postcard; `PostcardsClient.create` explains each."""

    seed: int | None
    theme: str
    strangeness: float | None
    image: composer_pb2.ImageSettings | None
    audio: composer_pb2.AudioSettings | None
    language: composer_pb2.LanguageSettings | None
    timeout: float | None
    request_id: str | None


@dataclass(frozen=True)
class PostcardPage:
    """One page of a listing."""

    postcards: tuple[composer_pb2.Postcard, ...]
    """The newest first."""
    next_page_token: str
    """Names the next page; empty when this is the last."""


class PostcardsClient:
    """Talks to a composer. Use it as an asynchronous context manager, or call `close` at the end.

    Every method raises the errors of `postcards_client.errors`: `Unavailable` when no composer answers,
    `DeadlineExceeded` when the call took longer than `deadline`, and those that the method names.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        deadline: float = DEFAULT_DEADLINE,
        retries: RetryPolicy | None = None,
    ) -> None:
        """Connects to `address` (see `channels.open_channel`) on first use; with `credentials` over TLS.

        `deadline` is how long one call may take in seconds, its retries included. A watch has none.
        """
        self.address = address
        self._credentials = credentials
        self._deadline = deadline
        self._retries = retries or RetryPolicy()
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection; running calls and watches of this client end."""
        if self._channel is not None:
            channel, self._channel = self._channel, None
            await channel.close()

    async def create(
        self,
        *,
        seed: int | None = None,
        theme: str = "",
        strangeness: float | None = None,
        image: composer_pb2.ImageSettings | None = None,
        audio: composer_pb2.AudioSettings | None = None,
        language: composer_pb2.LanguageSettings | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> composer_pb2.Postcard:
        """Has a postcard accepted for making and returns it, mostly in state CREATING.

        `seed` (0 to 2**64 - 1) is random by default. `strangeness` is 0 to 1. `timeout` is how long the making may
        take, 1 to 3600 seconds. The same `request_id` answers with the same postcard; one is made up when there is
        none, so that a repeated attempt of this call never makes two.

        Raises:
            InvalidRequest: a field is out of its range; `violations` names it.
            AlreadyExists: the `request_id` was used for other content.
            Overloaded: too many postcards are being made, longer than the deadline.
        """
        request = request_of(
            composer_pb2.CreatePostcardRequest,
            request_id=request_id or uuid.uuid4().hex,
            seed=seed,
            theme=theme,
            strangeness=strangeness,
            image=image,
            audio=audio,
            language=language,
            timeout=timeout,
        )
        return (await self._call("CreatePostcard", self._stub.CreatePostcard, request)).postcard

    async def watch(self, postcard_id: str, *, after_sequence: int = 0) -> AsyncGenerator[Event, None]:
        """Yields what happens to a postcard until it is finished; the last event is a `Changed`.

        A broken connection is taken up again after the last event seen, so that none comes twice. Leaving the
        iteration cancels nothing.

        Raises:
            NotFound: there is no such postcard.
            Unavailable: the connection could not be taken up again within the policy's patience.
        """
        sequence = after_sequence
        newest: composer_pb2.Postcard | None = None
        failures = 0
        broken_since: float | None = None
        while True:
            request = request_of(composer_pb2.WatchPostcardRequest, id=postcard_id, after_sequence=sequence)
            failure: PostcardsError | None = None
            try:
                with calling(f"{_SERVICE}/WatchPostcard") as outgoing:
                    async for message in self._stub.WatchPostcard(request, metadata=outgoing.metadata):
                        failures, broken_since = 0, None
                        sequence = message.sequence
                        event = event_from_message(message)
                        if isinstance(event, Changed):
                            newest = event.postcard
                        if event is not None:
                            yield event
            except grpc.aio.AioRpcError as error:
                failure = error_from_status(error, self.address)
            if newest is not None and newest.state in FINISHED:
                return
            if failure is None:
                # The stream ended without an end of the postcard: it was cut, or everything had been seen before.
                newest = await self.get(postcard_id)
                if newest.state in FINISHED:
                    yield Changed(sequence, newest)
                    return
            elif not isinstance(failure, Unavailable) and failure.retry_after is None:
                raise failure
            failures += 1
            now = time.monotonic()
            broken_since = now if broken_since is None else broken_since
            delay = max(self._retries.backoff(failures), (failure and failure.retry_after) or 0.0)
            if failure is not None and now + delay - broken_since > self._retries.patience:
                raise failure
            await asyncio.sleep(delay)

    async def wait(self, postcard_id: str) -> composer_pb2.Postcard:
        """Waits until a postcard is finished and returns it, whatever its state then is. Raises as `watch` does."""
        newest: composer_pb2.Postcard | None = None
        async with aclosing(self.watch(postcard_id)) as events:
            async for event in events:
                if isinstance(event, Changed):
                    newest = event.postcard
        return newest if newest is not None else await self.get(postcard_id)

    async def make(self, **settings: Unpack[PostcardSettings]) -> composer_pb2.Postcard:
        """Creates a postcard and waits until it is finished: `create` and `wait` in one."""
        return await self.wait((await self.create(**settings)).id)

    async def get(self, postcard_id: str) -> composer_pb2.Postcard:
        """Returns a postcard. Raises `NotFound` when there is none, `InvalidRequest` when the id is none."""
        request = request_of(composer_pb2.GetPostcardRequest, id=postcard_id)
        return (await self._call("GetPostcard", self._stub.GetPostcard, request)).postcard

    async def list(self, *, page_size: int = 0, page_token: str = "") -> PostcardPage:
        """Returns one page of the postcards, the newest first. `page_size` is 1 to 100, or 0 for the server's own."""
        request = request_of(composer_pb2.ListPostcardsRequest, page_size=page_size, page_token=page_token)
        answer = await self._call("ListPostcards", self._stub.ListPostcards, request)
        return PostcardPage(tuple(answer.postcards), answer.next_page_token)

    async def cancel(self, postcard_id: str) -> composer_pb2.Postcard:
        """Stops the making of a postcard. Raises `NotFound`, or `FailedPrecondition` when it is not being made."""
        request = request_of(composer_pb2.CancelPostcardRequest, id=postcard_id)
        try:
            return (await self._call("CancelPostcard", self._stub.CancelPostcard, request)).postcard
        except FailedPrecondition as error:
            return await self._after_lost_answer(postcard_id, error, {composer_pb2.POSTCARD_STATE_CANCELLED})

    async def repair(self, postcard_id: str) -> composer_pb2.Postcard:
        """Has the missing parts made and returns the postcard, mostly in state CREATING.

        Raises `NotFound`, or `FailedPrecondition` when nothing is missing or it is being made.
        """
        request = request_of(composer_pb2.RepairPostcardRequest, id=postcard_id)
        try:
            return (await self._call("RepairPostcard", self._stub.RepairPostcard, request)).postcard
        except FailedPrecondition as error:
            begun = {composer_pb2.POSTCARD_STATE_CREATING, composer_pb2.POSTCARD_STATE_ACTIVE}
            return await self._after_lost_answer(postcard_id, error, begun)

    async def delete(self, postcard_id: str) -> None:
        """Deletes a postcard and its files, whatever its state. Raises `NotFound` when there is none."""
        try:
            await self._call(
                "DeletePostcard",
                self._stub.DeletePostcard,
                request_of(composer_pb2.DeletePostcardRequest, id=postcard_id),
            )
        except NotFound as error:
            # Gone at a repeated attempt: the answer of the first was lost.
            if error.attempts == 1:
                raise

    async def plan_replay(self, *, manifest: bytes = b"", postcard_id: str = "") -> composer_pb2.PlanReplayResponse:
        """Returns the requests that make the parts of a postcard again; give its manifest, or the id of a kept one.

        Raises:
            InvalidRequest: the manifest cannot be read.
            NotFound: there is no such postcard.
            FailedPrecondition: no part of it is done.
        """
        request = request_of(composer_pb2.PlanReplayRequest, manifest=manifest, id=postcard_id)
        return await self._call("PlanReplay", self._stub.PlanReplay, request)

    async def _after_lost_answer(
        self, postcard_id: str, error: FailedPrecondition, wanted: set[composer_pb2.PostcardState.ValueType]
    ) -> composer_pb2.Postcard:
        """The postcard, when an earlier attempt whose answer was lost brought it into a wanted state; else raises."""
        if error.attempts > 1:
            postcard = await self.get(postcard_id)
            if postcard.state in wanted:
                return postcard
        raise error

    @property
    def _stub(self) -> "PostcardServiceAsyncStub":
        if self._channel is None:
            self._channel = open_channel(self.address, credentials=self._credentials, options=_CHANNEL_OPTIONS)
        return composer_pb2_grpc.PostcardServiceStub(self._channel)

    async def _call(
        self, name: str, method: "UnaryUnaryMultiCallable[_Request, _Response]", request: _Request
    ) -> _Response:
        """Calls a unary method until it succeeds, retrying makes no sense, or the deadline is over."""
        end = time.monotonic() + self._deadline
        attempt = 1
        while True:
            try:
                with calling(f"{_SERVICE}/{name}") as outgoing:
                    patience = max(0.001, end - time.monotonic())
                    return await method(request, timeout=patience, metadata=outgoing.metadata)
            except grpc.aio.AioRpcError as error:
                failure = error_from_status(error, self.address)
                failure.attempts = attempt
                delay = self._retries.delay(attempt, failure)
                if delay is None or time.monotonic() + delay >= end:
                    raise failure from error
            await asyncio.sleep(delay)
            attempt += 1
