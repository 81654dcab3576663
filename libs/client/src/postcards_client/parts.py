"""The part services as a client uses them: one call each; progress is passed on, what comes is checked."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.language.v1 import language_pb2, language_pb2_grpc
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2

from postcards_client.channels import open_channel
from postcards_client.errors import DataLost, error_from_status
from postcards_client.retries import RetryPolicy
from postcards_client.tracing import Metadata, calling

Listen = Callable[[media_pb2.Progress | media_pb2.Preview], None]
"""Takes what a part reports while it is made; must not block."""

PartRequest = image_pb2.GenerateImageRequest | language_pb2.GeneratePhrasesRequest | audio_pb2.GenerateAudioRequest
"""What a part service is asked."""

MAX_FILE_BYTES = 256 * 1024 * 1024
"""No file of a part is taken that is longer."""


@dataclass(frozen=True)
class MadePart:
    """A part as it came from its service, whole and checked."""

    provenance: media_pb2.Provenance
    """How it was made."""
    files: Mapping[str, bytes]
    """Its files by name, as a composer would keep them."""
    withheld: bool = False
    """Whether the safety checker of the model withheld the picture: its file is the drawing in its place."""


@dataclass(frozen=True)
class Whose:
    """The postcard that a part is for: a phrase's file names it."""

    id: str
    """Its id."""
    species_name: str
    """Name of its species."""


async def make_part(
    request: PartRequest,
    whose: Whose,
    address: str,
    *,
    listen: Listen,
    timeout: float,
    retries: RetryPolicy | None = None,
) -> MadePart:
    """Has a part made by the service at `address` (host:port), in `timeout` seconds, waiting and retries included.

    Raises:
        InvalidRequest: the service refuses the request, for one because it runs another engine.
        Unavailable, Overloaded, DeadlineExceeded, ServerFailed: it cannot be made now.
        DataLost: what came is not what was announced.
    """
    policy = retries or RetryPolicy()
    end = time.monotonic() + timeout
    name, method, make = _maker(request, whose)
    attempt = 1
    # The channel is for this one part: a picture may take minutes, and the next part is made elsewhere.
    async with open_channel(address) as channel:
        while True:
            try:
                with calling(method) as outgoing:
                    return await make(channel, max(0.001, end - time.monotonic()), listen, outgoing.metadata)
            except grpc.aio.AioRpcError as error:
                failure = error_from_status(error, address, server=f"{name} service")
                failure.attempts = attempt
                delay = policy.delay(attempt, failure)
                if delay is None or time.monotonic() + delay >= end:
                    raise failure from error
            await asyncio.sleep(delay)
            attempt += 1


_Make = Callable[[grpc.aio.Channel, float, Listen, Metadata | None], Awaitable[MadePart]]


def _maker(request: PartRequest, whose: Whose) -> tuple[str, str, _Make]:
    """Which service makes it, by which method, and how it is asked."""
    match request:
        case image_pb2.GenerateImageRequest():
            method = "postcards.image.v1.ImageService/GenerateImage"
            return (
                "image",
                method,
                lambda channel, timeout, listen, metadata: _with_files(
                    image_pb2_grpc.ImageServiceStub(channel).GenerateImage(request, timeout=timeout, metadata=metadata),
                    listen,
                ),
            )
        case audio_pb2.GenerateAudioRequest():
            method = "postcards.audio.v1.AudioService/GenerateAudio"
            return (
                "audio",
                method,
                lambda channel, timeout, listen, metadata: _with_files(
                    audio_pb2_grpc.AudioServiceStub(channel).GenerateAudio(request, timeout=timeout, metadata=metadata),
                    listen,
                ),
            )
        case _:
            method = "postcards.language.v1.LanguageService/GeneratePhrases"
            return (
                "language",
                method,
                lambda channel, timeout, listen, metadata: _with_phrase(
                    language_pb2_grpc.LanguageServiceStub(channel).GeneratePhrases(
                        request, timeout=timeout, metadata=metadata
                    ),
                    whose,
                    listen,
                ),
            )


async def _with_files(events: AsyncIterable[Any], listen: Listen) -> MadePart:
    """A picture or a call: its result, then its files in slices."""
    result: image_pb2.ImageResult | audio_pb2.AudioResult | None = None
    files: dict[str, bytearray] = {}
    async for event in events:
        match event.WhichOneof("event"):
            case "progress":
                listen(event.progress)
            case "preview":
                listen(event.preview)
            case "result":
                result = event.result
                files = {header.name: bytearray() for header in event.result.blobs}
            case "chunk":
                _add(files, event.chunk)
            case _:
                pass
    if result is None:
        raise DataLost("the service ended without a result")
    for header in result.blobs:
        if hashlib.sha256(files[header.name]).hexdigest() != header.sha256:
            raise DataLost(f"{header.name} arrived damaged: its SHA-256 is not the one announced")
    withheld = isinstance(result, image_pb2.ImageResult) and result.safety == image_pb2.SAFETY_VERDICT_WITHHELD
    return MadePart(result.provenance, {name: bytes(data) for name, data in files.items()}, withheld)


def _add(files: dict[str, bytearray], chunk: media_pb2.Chunk) -> None:
    if chunk.name not in files or chunk.offset != len(files[chunk.name]):
        raise DataLost(f"bytes of {chunk.name!r} came that were not announced, or not in order")
    files[chunk.name] += chunk.data
    if len(files[chunk.name]) > MAX_FILE_BYTES:
        raise DataLost(f"{chunk.name!r} is longer than {MAX_FILE_BYTES} bytes")


async def _with_phrase(
    events: AsyncIterable[language_pb2.GeneratePhrasesResponse], whose: Whose, listen: Listen
) -> MadePart:
    phrases: list[phrase_pb2.Phrase] = []
    provenance: media_pb2.Provenance | None = None
    async for event in events:
        match event.WhichOneof("event"):
            case "progress":
                listen(event.progress)
            case "phrase":
                phrases.append(event.phrase)
            case "result":
                provenance = event.result.provenance
                sent = b"".join(phrase.SerializeToString(deterministic=True) for phrase in phrases)
                if hashlib.sha256(sent).hexdigest() != event.result.sha256:
                    raise DataLost("the phrase arrived damaged: its SHA-256 is not the one announced")
            case _:
                pass
    if provenance is None or not phrases:
        raise DataLost("the service ended without a phrase and a result")
    return MadePart(provenance, {"phrase.json": phrase_file(whose, phrases[-1])})


def phrase_file(whose: Whose, phrase: phrase_pb2.Phrase) -> bytes:
    """A phrase as composers keep it: the bytes of phrase.json."""
    value = {"postcard": whose.id, "species": whose.species_name, "phrase": _phrase_value(phrase)}
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def _phrase_value(phrase: phrase_pb2.Phrase) -> dict[str, Any]:
    return {
        "animal_text": phrase.animal_text,
        "english_gloss": phrase.english_gloss,
        "intent": phrase_pb2.Intent.Name(phrase.intent).removeprefix("INTENT_").lower(),
        "mood": phrase_pb2.Mood.Name(phrase.mood).removeprefix("MOOD_").lower(),
        "words": [
            {
                "text": word.text,
                "gloss": word.gloss,
                "syllables": [
                    {
                        "phonemes": list(syllable.phonemes),
                        "text": syllable.text,
                        "stressed": syllable.stressed,
                        "tone": syllable.tone,
                    }
                    for syllable in word.syllables
                ],
            }
            for word in phrase.words
        ],
    }
