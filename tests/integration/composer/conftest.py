# ruff: noqa: N802  (the names of the RPCs)
"""Composers on real channels, with part services that do as they are told."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import pytest
import soundfile
from PIL import Image
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.language.v1 import language_pb2, language_pb2_grpc
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2
from prometheus_client import CollectorRegistry

from postcards_composer.api.servicer import PostcardServicer
from postcards_composer.composer import Composer
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.settings import ComposerSettings
from postcards_composer.store import ObjectStore
from postcards_composer.store.folder import FolderStore
from postcards_serving.engine.work import Blob
from postcards_serving.rpc.media import blob_header, chunks
from postcards_serving.testing import listening_server, running_server

Step = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """A step that neither waits nor fails."""


@dataclass
class Gate:
    """A step that waits for the test."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


@dataclass
class FakeParts:
    """Part services that answer at once, or run the steps that a test has laid down for their next calls."""

    image_steps: list[Step] = field(default_factory=list)
    audio_steps: list[Step] = field(default_factory=list)
    language_steps: list[Step] = field(default_factory=list)
    image_requests: list[image_pb2.GenerateImageRequest] = field(default_factory=list)
    audio_requests: list[audio_pb2.GenerateAudioRequest] = field(default_factory=list)
    language_requests: list[language_pb2.GeneratePhrasesRequest] = field(default_factory=list)
    image_refusals: list[Exception] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    png: bytes = b""
    flac: bytes = b""
    mp3: bytes = b""
    extra_files: dict[str, bytes] = field(default_factory=dict)
    damage: int = 0
    progress_count: int = 3
    language_text: str = "Grrok tak"
    safety: int = image_pb2.SAFETY_VERDICT_UNSPECIFIED

    def __post_init__(self) -> None:
        buffer = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").save(buffer, "PNG")
        self.png = buffer.getvalue()
        noise = np.random.default_rng(1).normal(0, 0.1, (22050, 2))
        self.flac, self.mp3 = sound(noise, "FLAC"), sound(noise, "MP3")

    def hold(self, *names: str) -> Gate:
        """Lets the next call for each of these parts wait at the gate that it returns."""
        gate = Gate()
        for name in names:
            getattr(self, f"{name}_steps").append(gate)
        return gate

    async def GenerateImage(
        self, request: image_pb2.GenerateImageRequest, context: object
    ) -> AsyncIterator[image_pb2.GenerateImageResponse]:
        del context
        self.image_requests.append(request)
        if self.image_refusals:
            raise self.image_refusals.pop(0)
        for number in range(self.progress_count):
            progress = media_pb2.Progress(
                stage="skin", step=number, steps=self.progress_count, fraction=number / self.progress_count
            )
            yield image_pb2.GenerateImageResponse(progress=progress)
        preview = media_pb2.Preview(stage="skin", content_type="image/webp", data=b"webp")
        yield image_pb2.GenerateImageResponse(preview=preview)
        await self._step("image", self.image_steps)
        files = {"image.png": self.png, **self.extra_files}
        blobs = [Blob(name, "image/png", data) for name, data in files.items()]
        result = image_pb2.ImageResult(
            blobs=[blob_header(blob, media_pb2.BlobHeader) for blob in blobs],
            width=256,
            height=256,
            alt_text="A grey animal.",
            provenance=provenance("fake-image"),
            safety=self.safety,
        )
        if self.damage:
            self.damage -= 1
            result.blobs[0].sha256 = hashlib.sha256(b"other").hexdigest()
        yield image_pb2.GenerateImageResponse(result=result)
        for chunk in (chunk for blob in blobs for chunk in chunks(blob, media_pb2.Chunk, 1000)):
            yield image_pb2.GenerateImageResponse(chunk=chunk)

    async def GenerateAudio(
        self, request: audio_pb2.GenerateAudioRequest, context: object
    ) -> AsyncIterator[audio_pb2.GenerateAudioResponse]:
        del context
        self.audio_requests.append(request)
        yield audio_pb2.GenerateAudioResponse(progress=media_pb2.Progress(stage="voice", steps=1))
        await self._step("audio", self.audio_steps)
        blobs = [
            Blob("call.flac", "audio/flac", self.flac),
            Blob("call.mp3", "audio/mpeg", self.mp3),
        ]
        result = audio_pb2.AudioResult(
            blobs=[blob_header(blob, media_pb2.BlobHeader) for blob in blobs],
            seconds=8.5,
            sample_rate_hz=44100,
            channels=2,
            loudness_lufs=-20,
            timings=[audio_pb2.WordTiming(word_index=0, start_seconds=0.5, end_seconds=1.25)],
            provenance=provenance("fake-audio"),
        )
        yield audio_pb2.GenerateAudioResponse(result=result)
        for blob in blobs:
            for chunk in chunks(blob, media_pb2.Chunk):
                yield audio_pb2.GenerateAudioResponse(chunk=chunk)

    async def GeneratePhrases(
        self, request: language_pb2.GeneratePhrasesRequest, context: object
    ) -> AsyncIterator[language_pb2.GeneratePhrasesResponse]:
        del context
        self.language_requests.append(request)
        yield language_pb2.GeneratePhrasesResponse(progress=media_pb2.Progress(stage="words", steps=1, text="Grr"))
        await self._step("language", self.language_steps)
        phrase = phrase_pb2.Phrase(
            animal_text=self.language_text,
            english_gloss="The water is near.",
            intent=phrase_pb2.INTENT_TELLING,
            mood=phrase_pb2.MOOD_CALM,
            words=[
                phrase_pb2.Word(
                    text="grrok",
                    gloss="water",
                    syllables=[phrase_pb2.Syllable(phonemes=["g", "o"], text="grrok", stressed=True)],
                )
            ],
        )
        yield language_pb2.GeneratePhrasesResponse(phrase=phrase)
        digest = hashlib.sha256(phrase.SerializeToString(deterministic=True)).hexdigest()
        result = language_pb2.PhrasesResult(count=1, sha256=digest, provenance=provenance("fake-language"))
        yield language_pb2.GeneratePhrasesResponse(result=result)

    async def _step(self, part: str, steps: list[Step]) -> None:
        try:
            await (steps.pop(0) if steps else at_once)()
        except asyncio.CancelledError:
            self.cancelled.append(part)
            raise


def sound(samples: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 44100, format=kind)
    return buffer.getvalue()


def provenance(engine: str) -> media_pb2.Provenance:
    return media_pb2.Provenance(
        engine=engine,
        engine_version="1",
        device="cpu",
        settings={"width": "256"},
        libraries={"numpy": "2"},
        notes=["n"],
    )


@pytest.fixture(autouse=True)
def quick_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards that cost nothing: how they look is tested elsewhere. `test_making` renders real ones."""
    monkeypatch.setattr("postcards_composer.card.assembly.render_card_html", lambda content, _: content.name.encode())
    monkeypatch.setattr("postcards_composer.card.assembly.render_card_png", lambda content, _: content.id.encode())


@pytest.fixture
def parts() -> FakeParts:
    return FakeParts()


@asynccontextmanager
async def serving(parts: FakeParts) -> AsyncIterator[str]:
    """Address of one server with all three fake services."""
    async with listening_server(
        partial(image_pb2_grpc.add_ImageServiceServicer_to_server, parts),
        partial(audio_pb2_grpc.add_AudioServiceServicer_to_server, parts),
        partial(language_pb2_grpc.add_LanguageServiceServicer_to_server, parts),
    ) as address:
        yield address


@pytest.fixture
async def parts_address(parts: FakeParts) -> AsyncIterator[str]:
    async with serving(parts) as address:
        yield address


@dataclass
class Replica:
    """A composer, a client of it, and its numbers."""

    composer: Composer
    stub: composer_pb2_grpc.PostcardServiceStub
    registry: CollectorRegistry

    def count(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, name
        return value

    async def create(self, **request: object) -> composer_pb2.Postcard:
        response = await self.stub.CreatePostcard(composer_pb2.CreatePostcardRequest(**request))
        return response.postcard

    async def get(self, postcard_id: str) -> composer_pb2.Postcard:
        return (await self.stub.GetPostcard(composer_pb2.GetPostcardRequest(id=postcard_id))).postcard

    async def events(self, postcard_id: str, after: int = 0) -> list[composer_pb2.WatchPostcardResponse]:
        request = composer_pb2.WatchPostcardRequest(id=postcard_id, after_sequence=after)
        return [event async for event in self.stub.WatchPostcard(request, timeout=30)]

    async def finished(self, postcard_id: str) -> composer_pb2.Postcard:
        events = await self.events(postcard_id)
        assert events[-1].WhichOneof("event") == "postcard"
        return events[-1].postcard

    async def made(self, **request: object) -> composer_pb2.Postcard:
        return await self.finished((await self.create(**request)).id)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "störe of postcards"


@pytest.fixture
async def open_replica(parts_address: str, folder: Path) -> AsyncIterator[Callable[..., Awaitable[Replica]]]:
    """Opens composers over the same folder and the same part services; settings may be given."""
    async with AsyncExitStack() as stack:

        async def open_one(store: ObjectStore | None = None, **changed: object) -> Replica:
            values: dict[str, object] = {
                "image_address": parts_address,
                "audio_address": parts_address,
                "language_address": parts_address,
                "lease_seconds": 3.0,
                "recovery_interval_seconds": 0.05,
                "watch_interval_seconds": 0.05,
                "part_patience_seconds": 5.0,
                "finish_seconds": 0.0,
            }
            settings = ComposerSettings(**(values | changed))
            registry = CollectorRegistry()
            composer = Composer(settings, store or FolderStore(folder), ComposerMetrics(registry))
            await composer.begin()
            stack.push_async_callback(composer.close)
            stack.push_async_callback(composer.drain)
            servicer = PostcardServicer(composer.operations)
            channel = await stack.enter_async_context(
                running_server(partial(composer_pb2_grpc.add_PostcardServiceServicer_to_server, servicer))
            )
            return Replica(composer, composer_pb2_grpc.PostcardServiceStub(channel), registry)

        yield open_one


@pytest.fixture
async def replica(open_replica: Callable[..., Awaitable[Replica]]) -> Replica:
    return await open_replica()


@pytest.fixture
def serve_parts() -> Callable[[FakeParts], object]:
    return serving


def reason_of(problem: grpc.aio.AioRpcError) -> str:
    from postcards_serving.rpc.statuses import from_rpc_error

    return from_rpc_error(problem).reason


@pytest.fixture
def refused() -> Callable[..., object]:
    """`async with refused(code, reason):` expects that refusal."""

    @asynccontextmanager
    async def expect(code: grpc.StatusCode, reason: str) -> AsyncIterator[pytest.ExceptionInfo[grpc.aio.AioRpcError]]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            yield caught
        assert (caught.value.code(), reason_of(caught.value)) == (code, reason)

    return expect
