"""The composer's gRPC API: messages in, messages out; what they mean is of the operations."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import grpc
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc
from typing_extensions import override

from postcards_composer.api.messages import event_message, postcard_message
from postcards_composer.api.operations import PostcardOperations
from postcards_composer.parts.replay_plan import plan_replay
from postcards_composer.postcards.create_request import CreateRequest
from postcards_composer.postcards.ids import is_postcard_id
from postcards_composer.postcards.manifest import Manifest
from postcards_composer.postcards.manifest_json import ManifestError, load
from postcards_composer.store.listing import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page
from postcards_composer.store.threads import ThreadedStore
from postcards_serving.errors import InvalidField
from postcards_serving.rpc.messages import decode
from postcards_serving.telemetry.logging import fields

T = TypeVar("T")
Context = grpc.aio.ServicerContext[Any, Any]

MAX_TOKEN_LENGTH = 128
MAX_MANIFEST_BYTES = 1024 * 1024

_MAX_PAGE_BYTES = 3 * 1024 * 1024
"""Of one page of a list: clients take messages of at most 4 MiB unless they say otherwise."""

_log = logging.getLogger(__name__)


class PostcardServicer(composer_pb2_grpc.PostcardServiceServicer):
    """The methods of postcards.composer.v1.PostcardService; composer.proto says what each promises."""

    def __init__(self, operations: PostcardOperations) -> None:
        """Serves what `operations` does."""
        self._operations = operations
        self._store = operations.archive.store
        self._unfinished: set[asyncio.Task[Any]] = set()

    @override
    async def CreatePostcard(
        self, request: composer_pb2.CreatePostcardRequest, context: Context
    ) -> composer_pb2.CreatePostcardResponse:
        del context
        manifest = await self._to_the_end(self._operations.create(decode(request, CreateRequest)))
        return composer_pb2.CreatePostcardResponse(postcard=self._message(manifest))

    @override
    async def WatchPostcard(
        self, request: composer_pb2.WatchPostcardRequest, context: Context
    ) -> AsyncIterator[composer_pb2.WatchPostcardResponse]:
        del context
        events = self._operations.watch(_checked_id(request.id), request.after_sequence)
        async with contextlib.aclosing(events):
            async for event in events:
                yield event_message(event, self._store)

    @override
    async def GetPostcard(
        self, request: composer_pb2.GetPostcardRequest, context: Context
    ) -> composer_pb2.GetPostcardResponse:
        del context
        return composer_pb2.GetPostcardResponse(
            postcard=self._message(await self._operations.get(_checked_id(request.id)))
        )

    @override
    async def ListPostcards(
        self, request: composer_pb2.ListPostcardsRequest, context: Context
    ) -> composer_pb2.ListPostcardsResponse:
        del context
        if request.page_size > MAX_PAGE_SIZE:
            raise InvalidField("page_size", f"must be 1 to {MAX_PAGE_SIZE}, not {request.page_size}")
        if len(request.page_token) > MAX_TOKEN_LENGTH:
            raise InvalidField("page_token", f"must have at most {MAX_TOKEN_LENGTH} characters")
        page = await self._operations.list_page(request.page_size or DEFAULT_PAGE_SIZE, request.page_token)
        # A page of postcards takes long enough to build to hold up every other call.
        return await asyncio.to_thread(self._page_message, page)

    @override
    async def CancelPostcard(
        self, request: composer_pb2.CancelPostcardRequest, context: Context
    ) -> composer_pb2.CancelPostcardResponse:
        del context
        manifest = await self._to_the_end(self._operations.cancel(_checked_id(request.id)))
        return composer_pb2.CancelPostcardResponse(postcard=self._message(manifest))

    @override
    async def RepairPostcard(
        self, request: composer_pb2.RepairPostcardRequest, context: Context
    ) -> composer_pb2.RepairPostcardResponse:
        del context
        manifest = await self._to_the_end(self._operations.repair(_checked_id(request.id)))
        return composer_pb2.RepairPostcardResponse(postcard=self._message(manifest))

    @override
    async def DeletePostcard(
        self, request: composer_pb2.DeletePostcardRequest, context: Context
    ) -> composer_pb2.DeletePostcardResponse:
        del context
        await self._to_the_end(self._operations.delete(_checked_id(request.id)))
        return composer_pb2.DeletePostcardResponse()

    @override
    async def PlanReplay(
        self, request: composer_pb2.PlanReplayRequest, context: Context
    ) -> composer_pb2.PlanReplayResponse:
        del context
        if bool(request.id) == bool(request.manifest):
            raise InvalidField("manifest", "must be given, or else id")
        if request.id:
            manifest = await self._operations.get(_checked_id(request.id))
            return await asyncio.to_thread(_replay_message, manifest, self._store)
        if len(request.manifest) > MAX_MANIFEST_BYTES:
            raise InvalidField("manifest", f"must have at most {MAX_MANIFEST_BYTES} bytes")
        return await asyncio.to_thread(lambda: _replay_message(_manifest_of(request.manifest), None))

    def _message(self, manifest: Manifest) -> composer_pb2.Postcard:
        return postcard_message(manifest, self._store)

    def _page_message(self, page: Page) -> composer_pb2.ListPostcardsResponse:
        """A page that fits into one message: it ends early, and goes on with the next, where its postcards are large.

        A postcard that cannot be shown, since it was written with other limits, never hides the others.
        """
        response = composer_pb2.ListPostcardsResponse()
        size = 0
        for index, manifest in enumerate(page.postcards):
            try:
                message = self._message(manifest)
            except ValueError as problem:
                _log.error("left out of a list: %s", problem, extra=fields(postcard=manifest.id))
                continue
            size += message.ByteSize()
            if size > _MAX_PAGE_BYTES and response.postcards:
                response.next_page_token = page.tokens[index - 1]
                return response
            response.postcards.append(message)
        if page.more:
            response.next_page_token = page.tokens[-1]
        return response

    async def _to_the_end(self, doing: Coroutine[Any, Any, T]) -> T:
        """Does what was begun even if the caller leaves meanwhile: half a change helps nobody."""
        task = asyncio.create_task(doing)
        self._unfinished.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._unfinished.discard(task)
        if not task.cancelled():
            # Marks it as seen: a caller that has left does not ask for it any more.
            task.exception()


def _manifest_of(data: bytes) -> Manifest:
    """The manifest that a caller has sent."""
    try:
        manifest = load(data)
    except ManifestError as problem:
        raise InvalidField("manifest", f"cannot be read: {problem}") from None
    if not is_postcard_id(manifest.id):
        raise InvalidField("manifest", "cannot be read: manifest.id is not 26 characters of a-z and 2-7")
    return manifest


def _replay_message(manifest: Manifest, store: ThreadedStore | None) -> composer_pb2.PlanReplayResponse:
    try:
        plan = plan_replay(manifest)
        return composer_pb2.PlanReplayResponse(
            postcard=postcard_message(manifest, store), image=plan.image, language=plan.language, audio=plan.audio
        )
    except ValueError as problem:
        raise InvalidField("manifest", f"cannot be replayed: {problem}") from None


def _checked_id(postcard_id: str) -> str:
    if not postcard_id:
        raise InvalidField("id", "is required: 26 characters of a-z and 2-7")
    if not is_postcard_id(postcard_id):
        raise InvalidField("id", "must be 26 characters of a-z and 2-7")
    return postcard_id
