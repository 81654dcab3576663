"""Has one part made by its service, waiting for it and asking again where that helps."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from postcards.audio.v1 import audio_pb2
from postcards.image.v1 import image_pb2
from postcards.language.v1 import language_pb2
from postcards.media.v1 import media_pb2

from postcards_client.channels import open_channel
from postcards_client.errors import error_from_status
from postcards_client.parts.calls import (
    GENERATE_AUDIO,
    GENERATE_IMAGE,
    GENERATE_PHRASES,
    Generated,
    Listen,
    generate_audio,
    generate_image,
    generate_phrases,
)
from postcards_client.parts.phrase_file import PHRASE_FILE, phrase_file
from postcards_client.retries import RetryPolicy
from postcards_client.tracing import Metadata, calling

PartRequest = image_pb2.GenerateImageRequest | language_pb2.GeneratePhrasesRequest | audio_pb2.GenerateAudioRequest
"""What a part service is asked."""


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
    name, method = _service(request)
    attempt = 1
    # The channel is for this one part: a picture may take minutes, and the next part is made elsewhere.
    async with open_channel(address) as channel:
        while True:
            try:
                with calling(method) as outgoing:
                    remaining = max(0.001, end - time.monotonic())
                    return await _made(channel, request, whose, listen, remaining, outgoing.metadata)
            except grpc.aio.AioRpcError as error:
                failure = error_from_status(error, address, server=f"{name} service")
                failure.attempts = attempt
                delay = policy.delay(attempt, failure)
                if delay is None or time.monotonic() + delay >= end:
                    raise failure from error
            await asyncio.sleep(delay)
            attempt += 1


def _service(request: PartRequest) -> tuple[str, str]:
    """Which service makes it, and by which method."""
    match request:
        case image_pb2.GenerateImageRequest():
            return "image", GENERATE_IMAGE
        case audio_pb2.GenerateAudioRequest():
            return "audio", GENERATE_AUDIO
        case _:
            return "language", GENERATE_PHRASES


async def _made(
    channel: grpc.aio.Channel,
    request: PartRequest,
    whose: Whose,
    listen: Listen,
    timeout: float,
    metadata: Metadata | None,
) -> MadePart:
    """Makes the part once, without another try."""
    match request:
        case image_pb2.GenerateImageRequest():
            image = await generate_image(channel, request, listen=listen, timeout=timeout, metadata=metadata)
            withheld = image.result.safety == image_pb2.SAFETY_VERDICT_WITHHELD
            return MadePart(image.result.provenance, _by_name(image), withheld)
        case audio_pb2.GenerateAudioRequest():
            audio = await generate_audio(channel, request, listen=listen, timeout=timeout, metadata=metadata)
            return MadePart(audio.result.provenance, _by_name(audio))
        case _:
            said = await generate_phrases(channel, request, listen=listen, timeout=timeout, metadata=metadata)
            file = phrase_file(whose.id, whose.species_name, said.phrases[-1])
            return MadePart(said.result.provenance, {PHRASE_FILE: file})


def _by_name(generated: Generated[image_pb2.ImageResult] | Generated[audio_pb2.AudioResult]) -> dict[str, bytes]:
    return {file.name: file.data for file in generated.files}
