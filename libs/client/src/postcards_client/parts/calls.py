"""One call of a part service: what is reported meanwhile is passed on, what comes is checked."""

import hashlib
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.language.v1 import language_pb2, language_pb2_grpc
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2

from postcards_client.errors import DataLost
from postcards_client.parts.blobs import BlobReceiver, ReceivedFile
from postcards_client.tracing import Metadata

GENERATE_IMAGE = "postcards.image.v1.ImageService/GenerateImage"
GENERATE_AUDIO = "postcards.audio.v1.AudioService/GenerateAudio"
GENERATE_PHRASES = "postcards.language.v1.LanguageService/GeneratePhrases"

Listen = Callable[[media_pb2.Progress | media_pb2.Preview], None]
"""Takes what a part reports while it is made; must not block."""

ResultT = TypeVar("ResultT", image_pb2.ImageResult, audio_pb2.AudioResult)


@dataclass(frozen=True)
class Generated(Generic[ResultT]):
    """A picture or a call as it came from its service, whole and checked."""

    result: ResultT
    """What is said of it."""
    files: tuple[ReceivedFile, ...]
    """Its files, in the order in which the result announces them."""


@dataclass(frozen=True)
class GeneratedPhrases:
    """Phrases as they came from their service, whole and checked."""

    result: language_pb2.PhrasesResult
    """What is said of them."""
    phrases: tuple[phrase_pb2.Phrase, ...]
    """At least one."""


async def generate_image(
    channel: grpc.aio.Channel,
    request: image_pb2.GenerateImageRequest,
    *,
    listen: Listen,
    timeout: float,
    metadata: Metadata | None = None,
) -> Generated[image_pb2.ImageResult]:
    """Has a picture made by the image service, in `timeout` seconds at most.

    Raises:
        grpc.aio.AioRpcError: the service failed, or cannot be reached.
        DataLost: what came is not what was announced.
    """
    call = image_pb2_grpc.ImageServiceStub(channel).GenerateImage(request, timeout=timeout, metadata=metadata)
    received = _Received[image_pb2.ImageResult]("image")
    async for event in call:
        match event.WhichOneof("event"):
            case "progress":
                listen(event.progress)
            case "preview":
                listen(event.preview)
            case "result":
                received.announce(event.result)
            case "chunk":
                received.add(event.chunk)
            case _:
                pass
    return received.finish()


async def generate_audio(
    channel: grpc.aio.Channel,
    request: audio_pb2.GenerateAudioRequest,
    *,
    listen: Listen,
    timeout: float,
    metadata: Metadata | None = None,
) -> Generated[audio_pb2.AudioResult]:
    """Has a call made by the audio service, in `timeout` seconds at most. Raises as `generate_image` does."""
    call = audio_pb2_grpc.AudioServiceStub(channel).GenerateAudio(request, timeout=timeout, metadata=metadata)
    received = _Received[audio_pb2.AudioResult]("audio")
    async for event in call:
        match event.WhichOneof("event"):
            case "progress":
                listen(event.progress)
            case "result":
                received.announce(event.result)
            case "chunk":
                received.add(event.chunk)
            case _:
                pass
    return received.finish()


async def generate_phrases(
    channel: grpc.aio.Channel,
    request: language_pb2.GeneratePhrasesRequest,
    *,
    listen: Listen,
    timeout: float,
    metadata: Metadata | None = None,
) -> GeneratedPhrases:
    """Has phrases made by the language service, in `timeout` seconds at most. Raises as `generate_image` does."""
    call = language_pb2_grpc.LanguageServiceStub(channel).GeneratePhrases(request, timeout=timeout, metadata=metadata)
    return await _phrases(call, listen)


async def _phrases(events: AsyncIterable[language_pb2.GeneratePhrasesResponse], listen: Listen) -> GeneratedPhrases:
    phrases: list[phrase_pb2.Phrase] = []
    result: language_pb2.PhrasesResult | None = None
    hashed = hashlib.sha256()
    async for event in events:
        match event.WhichOneof("event"):
            case "progress":
                listen(event.progress)
            case "phrase":
                if result is not None:
                    raise DataLost("a phrase came after the result")
                phrases.append(event.phrase)
                hashed.update(event.phrase.SerializeToString(deterministic=True))
            case "result":
                result = event.result
            case _:
                pass
    if result is None or not phrases:
        raise DataLost("the language service ended without a phrase and a result")
    if result.sha256 != hashed.hexdigest():
        raise DataLost("the phrase arrived damaged: its SHA-256 differs from the one announced")
    return GeneratedPhrases(result, tuple(phrases))


class _Received(Generic[ResultT]):
    """What has come of one call so far."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._result: ResultT | None = None
        self._files = BlobReceiver(())

    def announce(self, result: ResultT) -> None:
        if self._result is not None:
            raise DataLost(f"the {self._service} service sent a second result")
        self._result, self._files = result, BlobReceiver(result.blobs)

    def add(self, chunk: media_pb2.Chunk) -> None:
        if self._result is None:
            raise DataLost("bytes of a file came before the result that announces it")
        self._files.add(chunk)

    def finish(self) -> Generated[ResultT]:
        if self._result is None:
            raise DataLost(f"the {self._service} service ended without a result")
        return Generated(self._result, self._files.finish())
