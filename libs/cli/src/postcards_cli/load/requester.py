"""Makes the requests of a run: whole postcards from a composer, or parts from their services."""

import asyncio
import math
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, Self

import grpc
from google.protobuf import duration_pb2
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.language.v1 import language_pb2, language_pb2_grpc

from postcards_cli.json_views import part_name, state_name
from postcards_cli.load.arrivals import Job
from postcards_cli.load.cleanup import Cleanup
from postcards_cli.load.measurements import Answer, Ending
from postcards_cli.load.plan import Plan
from postcards_client.channels import open_channel
from postcards_client.errors import Overloaded, PostcardsError, Unavailable, error_from_status
from postcards_client.events import FINISHED
from postcards_client.retries import RetryPolicy

QUEUED = "queued"
"""The stage of work that has not begun: no sign that it advances."""

_OPTIONS: tuple[tuple[str, str | int], ...] = (
    # What is measured is one try: a layer that tries again in silence would hide failures.
    ("grpc.enable_retries", 0),
    # Every address behind a name takes its turn.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.use_local_subchannel_pool", 1),
)

_Sign = Callable[[], None]


class Requester:
    """Makes requests over one channel for each target. Use it as an asynchronous context manager."""

    def __init__(self, plan: Plan, addresses: Mapping[str, str], *, run: str, cleanup: Cleanup) -> None:
        """Connects on first use.

        Args:
            plan: what is asked.
            addresses: host:port, or a gRPC URI, of every target in the plan's mix.
            run: a name for the run, of a-z and 0-9; the names of its requests begin with it.
            cleanup: gets the postcards that were made.
        """
        self._plan = plan
        self._run = run
        self._channels = {name: open_channel(addresses[name], options=_OPTIONS) for name in plan.mix}
        self._addresses = addresses
        self._cleanup = cleanup
        self._targets: dict[str, _Target] = {name: self._target(name) for name in plan.mix}
        self._policy = RetryPolicy(attempts=1_000_000)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def ask(self, job: Job) -> Answer:
        """Makes one request, within the deadline of the plan; with the plan's `retry` as often as that takes."""
        end = _now() + self._plan.deadline
        attempt, refusals = 1, 0
        progress_at: float | None = None

        def sign() -> None:
            nonlocal progress_at
            progress_at = _now() if progress_at is None else progress_at

        request_id = f"{self._run}-{job.index}"
        finished = False
        try:
            while True:
                try:
                    answer = await self._targets[job.target](job, request_id, end, sign)
                    finished = True
                    return replace(answer, progress_at=progress_at, refusals=refusals)
                except grpc.aio.AioRpcError as error:
                    failure = error_from_status(error, self._addresses[job.target], server=job.target)
                delay = self._delay(attempt, failure)
                if delay is None or _now() + delay >= end:
                    return replace(_refusal(failure), progress_at=progress_at, refusals=refusals)
                refusals += isinstance(failure, Overloaded)
                attempt += 1
                await asyncio.sleep(delay)
        finally:
            self._cleanup.left(request_id, finished=finished)

    def _delay(self, attempt: int, failure: PostcardsError) -> float | None:
        """Seconds until the next attempt; None when there is none."""
        return self._policy.delay(attempt, failure) if self._plan.retry else None

    def _target(self, name: str) -> "_Target":
        channel = self._channels[name]
        match name:
            case "composer":
                return _Composer(self._plan, composer_pb2_grpc.PostcardServiceStub(channel), self._cleanup)
            case "image":
                return _part(image_pb2_grpc.ImageServiceStub(channel).GenerateImage, self._image)
            case "audio":
                return _part(audio_pb2_grpc.AudioServiceStub(channel).GenerateAudio, self._audio)
            case _:
                return _part(language_pb2_grpc.LanguageServiceStub(channel).GeneratePhrases, self._language)

    def _image(self, job: Job, request_id: str) -> image_pb2.GenerateImageRequest:
        settings = self._plan.settings
        return image_pb2.GenerateImageRequest(
            request_id=request_id,
            seed=job.seed,
            width=_whole(settings, "width"),
            height=_whole(settings, "height"),
            steps=_whole(settings, "image_steps"),
        )

    def _audio(self, job: Job, request_id: str) -> audio_pb2.GenerateAudioRequest:
        return audio_pb2.GenerateAudioRequest(
            request_id=request_id, seed=job.seed, seconds=self._plan.settings.get("seconds")
        )

    def _language(self, job: Job, request_id: str) -> language_pb2.GeneratePhrasesRequest:
        return language_pb2.GeneratePhrasesRequest(request_id=request_id, seed=job.seed, theme=job.theme)


class _Target(Protocol):
    """Asks a target once: (what, name of the request, when its time is over, who is told of progress)."""

    def __call__(self, job: Job, request_id: str, end: float, sign: _Sign, /) -> Awaitable[Answer]: ...


def _part(method: Any, request: Callable[[Job, str], Any]) -> _Target:  # noqa: ANN401 - three unrelated generated types
    """A part service, by its one method and what it is asked."""

    async def ask(job: Job, request_id: str, end: float, sign: _Sign, /) -> Answer:
        events: AsyncIterable[Any] = method(request(job, request_id), timeout=_left(end))
        size, complete = 0, False
        async for event in events:
            match event.WhichOneof("event"):
                case "progress":
                    if event.progress.stage != QUEUED:
                        sign()
                case "chunk":
                    size += len(event.chunk.data)
                case "phrase":
                    sign()
                    size += event.phrase.ByteSize()
                case "result":
                    complete = True
                case _:
                    pass
        return Answer(Ending.OK, size_bytes=size) if complete else Answer(Ending.FAILED, "NO_RESULT")

    return ask


class _Composer:
    """Has postcards made, and watches each to its end."""

    def __init__(self, plan: Plan, stub: "composer_pb2_grpc.PostcardServiceAsyncStub", cleanup: Cleanup) -> None:
        self._plan = plan
        self._stub = stub
        self._cleanup = cleanup

    async def __call__(self, job: Job, request_id: str, end: float, sign: _Sign, /) -> Answer:
        # As long as no answer has come, nobody knows whether there is a postcard.
        self._cleanup.asked(request_id)
        postcard = await self._create(self._request(job, request_id), end)
        self._cleanup.made(request_id, postcard.id)
        if postcard.state not in FINISHED:
            postcard = await self._watch(postcard, end, sign)
        return _answer(postcard)

    async def _create(self, request: composer_pb2.CreatePostcardRequest, end: float) -> composer_pb2.Postcard:
        try:
            return (await self._stub.CreatePostcard(request, timeout=_left(end))).postcard
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT):
                self._cleanup.refused(request.request_id)
            raise

    async def _watch(self, postcard: composer_pb2.Postcard, end: float, sign: _Sign) -> composer_pb2.Postcard:
        """Follows a postcard as long as the stream lasts; as it was last seen."""
        request = composer_pb2.WatchPostcardRequest(id=postcard.id)
        async for event in self._stub.WatchPostcard(request, timeout=_left(end)):
            match event.WhichOneof("event"):
                case "postcard":
                    postcard = event.postcard
                case "progress":
                    if event.progress.progress.stage != QUEUED:
                        sign()
                case _:
                    pass
        return postcard

    def _request(self, job: Job, request_id: str) -> composer_pb2.CreatePostcardRequest:
        settings = self._plan.settings
        image = composer_pb2.ImageSettings(
            width=_whole(settings, "width"), height=_whole(settings, "height"), steps=_whole(settings, "image_steps")
        )
        audio = composer_pb2.AudioSettings(seconds=settings.get("seconds"))
        return composer_pb2.CreatePostcardRequest(
            request_id=request_id,
            seed=job.seed,
            theme=job.theme,
            image=image,
            audio=audio,
            timeout=duration_pb2.Duration(seconds=min(3600, max(1, math.ceil(self._plan.deadline)))),
        )


def _answer(postcard: composer_pb2.Postcard) -> Answer:
    """What a finished postcard says of the request for it."""
    size = sum(file.size_bytes for file in postcard.files)
    if postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE:
        return Answer(Ending.OK, size_bytes=size)
    if postcard.state not in FINISHED:
        return Answer(Ending.FAILED, "WATCH_ENDED")
    errors = [(part_name(part.kind), part.error.code) for part in postcard.parts if part.HasField("error")]
    if postcard.HasField("card_error"):
        errors.append(("card", postcard.card_error.code))
    late = any(code == "DEADLINE_EXCEEDED" for _, code in errors)
    code = " ".join([state_name(postcard.state), *(f"{part}:{code}" for part, code in errors)])
    return Answer(Ending.DEADLINE if late else Ending.FAILED, code, size_bytes=size)


def _refusal(failure: PostcardsError) -> Answer:
    """What a failed call says of the request."""
    ending = {"RESOURCE_EXHAUSTED": Ending.REFUSED, "DEADLINE_EXCEEDED": Ending.DEADLINE}.get(
        failure.code, Ending.FAILED
    )
    named = failure.reason and not isinstance(failure, Unavailable)
    code = f"{failure.code} {failure.reason}" if named else failure.code
    return Answer(ending, code, retry_after=failure.retry_after)


def _whole(settings: Mapping[str, float], name: str) -> int:
    """A setting as a whole number; 0, which stands for the default, where it is not set."""
    return int(settings.get(name, 0))


def _left(end: float) -> float:
    return max(0.001, end - _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
