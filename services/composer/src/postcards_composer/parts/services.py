"""The part services as the composer uses them: one call each; events are passed on, files are checked."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import grpc
from google.protobuf.message import Message
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.language.v1 import language_pb2_grpc

from postcards_composer.parts.requests import audio_request, image_request, language_request
from postcards_composer.postcards.manifest import Manifest, PartKind, SafetyVerdict, WordTiming
from postcards_serving.engine.work import Blob, Preview, Progress, Provenance
from postcards_serving.errors import DataLoss
from postcards_serving.rpc.media import BlobReceiver
from postcards_serving.rpc.messages import decode
from postcards_serving.telemetry import tracing
from postcards_species.speech.phrase import Phrase

ResponseT = TypeVar("ResponseT", bound=Message)

_VERDICTS = {
    image_pb2.SAFETY_VERDICT_PASSED: SafetyVerdict.PASSED,
    image_pb2.SAFETY_VERDICT_WITHHELD: SafetyVerdict.WITHHELD,
}

Report = Callable[[Progress | Preview], None]
"""Takes what a part reports while it is made; must not block."""


@dataclass(frozen=True)
class Outcome:
    """A part as it came from its service, whole and checked."""

    provenance: Provenance
    """How it was made."""
    blobs: tuple[Blob, ...] = ()
    """Its files."""
    alt_text: str = ""
    """Image: one sentence that describes the picture."""
    safety: SafetyVerdict | None = None
    """Image: what the safety checker of the model said; None: nobody looked."""
    phrase: Phrase | None = None
    """Language: the phrase."""
    seconds: float = 0.0
    """Audio: length of the call."""
    timings: tuple[WordTiming, ...] = ()
    """Audio: when each word sounds."""


class PartService(Protocol):
    """A service that makes one kind of part."""

    kind: PartKind
    method: str
    """The method that is called, e.g. "postcards.image.v1.ImageService/GenerateImage"."""

    async def make(self, manifest: Manifest, timeout: float, report: Report) -> Outcome:
        """Has the part of a postcard made, in `timeout` seconds at most.

        Raises:
            grpc.aio.AioRpcError: the service failed, or cannot be reached.
            ServiceError: what came is not what was announced.
        """
        ...


class ImageService:
    """The image service."""

    kind = PartKind.IMAGE
    method = "postcards.image.v1.ImageService/GenerateImage"

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Calls the service over `channel`."""
        self._stub = image_pb2_grpc.ImageServiceStub(channel)

    async def make(self, manifest: Manifest, timeout: float, report: Report) -> Outcome:
        """See `PartService.make`."""
        result: image_pb2.ImageResult | None = None
        files: BlobReceiver | None = None
        call = self._stub.GenerateImage(image_request(manifest), timeout=timeout, metadata=tracing.outgoing())
        async for event in call:
            match event.WhichOneof("event"):
                case "progress":
                    report(decode(event.progress, Progress))
                case "preview":
                    report(decode(event.preview, Preview))
                case "result":
                    result = event.result
                    files = BlobReceiver(event.result.blobs)
                case _:
                    _receiver(files).add(event.chunk)
        if result is None:
            raise DataLoss("the image service ended without a result")
        return Outcome(
            decode(result.provenance, Provenance),
            _files(files, ("image.png",), welcome=("raw.png",)),
            alt_text=result.alt_text,
            safety=_VERDICTS.get(result.safety),
        )


class AudioService:
    """The audio service."""

    kind = PartKind.AUDIO
    method = "postcards.audio.v1.AudioService/GenerateAudio"

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Calls the service over `channel`."""
        self._stub = audio_pb2_grpc.AudioServiceStub(channel)

    async def make(self, manifest: Manifest, timeout: float, report: Report) -> Outcome:
        """See `PartService.make`."""
        result: audio_pb2.AudioResult | None = None
        files: BlobReceiver | None = None
        call = self._stub.GenerateAudio(audio_request(manifest), timeout=timeout, metadata=tracing.outgoing())
        async for event in call:
            match event.WhichOneof("event"):
                case "progress":
                    report(decode(event.progress, Progress))
                case "result":
                    result = event.result
                    files = BlobReceiver(event.result.blobs)
                case _:
                    _receiver(files).add(event.chunk)
        if result is None:
            raise DataLoss("the audio service ended without a result")
        return Outcome(
            decode(result.provenance, Provenance),
            _files(files, ("call.flac", "call.mp3")),
            seconds=result.seconds,
            timings=tuple(WordTiming(t.word_index, t.start_seconds, t.end_seconds) for t in result.timings),
        )


class LanguageService:
    """The language service."""

    kind = PartKind.LANGUAGE
    method = "postcards.language.v1.LanguageService/GeneratePhrases"

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Calls the service over `channel`."""
        self._stub = language_pb2_grpc.LanguageServiceStub(channel)

    async def make(self, manifest: Manifest, timeout: float, report: Report) -> Outcome:
        """See `PartService.make`."""
        phrase: Phrase | None = None
        provenance: Provenance | None = None
        hashed = hashlib.sha256()
        call = self._stub.GeneratePhrases(language_request(manifest), timeout=timeout, metadata=tracing.outgoing())
        async for event in call:
            match event.WhichOneof("event"):
                case "progress":
                    report(decode(event.progress, Progress))
                case "phrase":
                    phrase = decode(event.phrase, Phrase, path="phrase")
                    hashed.update(event.phrase.SerializeToString(deterministic=True))
                case _:
                    provenance = decode(event.result.provenance, Provenance)
                    if event.result.sha256 != hashed.hexdigest():
                        raise DataLoss("the phrase arrived damaged: its SHA-256 differs from the one announced")
        if phrase is None or provenance is None:
            raise DataLoss("the language service ended without a phrase and a result")
        return Outcome(provenance, phrase=phrase)


def _receiver(files: BlobReceiver | None) -> BlobReceiver:
    if files is None:
        raise DataLoss("bytes of a file came before the result that announces it")
    return files


def _files(files: BlobReceiver | None, demanded: tuple[str, ...], *, welcome: tuple[str, ...] = ()) -> tuple[Blob, ...]:
    """The demanded files, and the welcome ones that came; others that an engine added are not the postcard's."""
    blobs = {blob.name: blob for blob in _receiver(files).finish()}
    if missing := [name for name in demanded if name not in blobs]:
        raise DataLoss(f"the result lacks {', '.join(missing)}")
    return tuple(blobs[name] for name in (*demanded, *welcome) if name in blobs)
