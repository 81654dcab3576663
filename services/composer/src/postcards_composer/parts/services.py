"""The part services as the composer uses them: what it asks, and what of the answer a postcard keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import grpc
from postcards.image.v1 import image_pb2
from postcards.media.v1 import media_pb2
from typing_extensions import override

from postcards_client.errors import DataLost
from postcards_client.parts.blobs import ReceivedFile
from postcards_client.parts.calls import (
    GENERATE_AUDIO,
    GENERATE_IMAGE,
    GENERATE_PHRASES,
    Listen,
    generate_audio,
    generate_image,
    generate_phrases,
)
from postcards_client.parts.phrase_file import PHRASE_FILE, phrase_file
from postcards_composer.parts.requests import audio_request, image_request, language_request
from postcards_composer.postcards.manifest import Manifest, PartKind, SafetyVerdict, WordTiming
from postcards_serving.engine.work import Blob, Preview, Progress, Provenance
from postcards_serving.rpc.messages import decode
from postcards_serving.telemetry import tracing
from postcards_species.speech.phrase import Phrase

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
            DataLost: what came is not what was announced, or not all that a postcard needs.
            InvalidField: what came breaks a limit.
        """
        ...


class ImageService(PartService):
    """Has pictures made: `image.png`, and the untouched `raw.png` of a model."""

    kind = PartKind.IMAGE
    method = GENERATE_IMAGE

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Calls the service over `channel`."""
        self._channel = channel

    @override
    async def make(self, manifest: Manifest, timeout: float, report: Report) -> Outcome:
        made = await generate_image(
            self._channel,
            image_request(manifest),
            listen=_listener(report),
            timeout=timeout,
            metadata=tracing.outgoing(),
        )
        return Outcome(
            decode(made.result.provenance, Provenance),
            _blobs(made.files, ("image.png",), welcome=("raw.png",)),
            alt_text=made.result.alt_text,
            safety=_VERDICTS.get(made.result.safety),
        )


class AudioService(PartService):
    """Has calls made: FLAC and MP3, and when each word sounds."""

    kind = PartKind.AUDIO
    method = GENERATE_AUDIO

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Calls the service over `channel`."""
        self._channel = channel

    @override
    async def make(self, manifest: Manifest, timeout: float, report: Report) -> Outcome:
        made = await generate_audio(
            self._channel,
            audio_request(manifest),
            listen=_listener(report),
            timeout=timeout,
            metadata=tracing.outgoing(),
        )
        return Outcome(
            decode(made.result.provenance, Provenance),
            _blobs(made.files, ("call.flac", "call.mp3")),
            seconds=made.result.seconds,
            timings=tuple(WordTiming(t.word_index, t.start_seconds, t.end_seconds) for t in made.result.timings),
        )


class LanguageService(PartService):
    """Has phrases made; the file that is kept of one is written here."""

    kind = PartKind.LANGUAGE
    method = GENERATE_PHRASES

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Calls the service over `channel`."""
        self._channel = channel

    @override
    async def make(self, manifest: Manifest, timeout: float, report: Report) -> Outcome:
        made = await generate_phrases(
            self._channel,
            language_request(manifest),
            listen=_listener(report),
            timeout=timeout,
            metadata=tracing.outgoing(),
        )
        said = made.phrases[-1]
        phrase = decode(said, Phrase, path="phrase")
        file = Blob(PHRASE_FILE, "application/json", phrase_file(manifest.id, manifest.species.name, said))
        return Outcome(decode(made.result.provenance, Provenance), (file,), phrase=phrase)


def _listener(report: Report) -> Listen:
    def listen(event: media_pb2.Progress | media_pb2.Preview) -> None:
        report(decode(event, Preview if isinstance(event, media_pb2.Preview) else Progress))

    return listen


def _blobs(
    files: tuple[ReceivedFile, ...], demanded: tuple[str, ...], *, welcome: tuple[str, ...] = ()
) -> tuple[Blob, ...]:
    """The demanded files, and the welcome ones that came; others that an engine added are not the postcard's."""
    found = {file.name: file for file in files}
    if missing := [name for name in demanded if name not in found]:
        raise DataLost(f"the result lacks {', '.join(missing)}")
    wanted = (found[name] for name in (*demanded, *welcome) if name in found)
    return tuple(Blob(file.name, file.content_type, file.data) for file in wanted)
