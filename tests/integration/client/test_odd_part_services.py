"""Part services that answer otherwise than they should, and what a client makes of it."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.language.v1 import language_pb2, language_pb2_grpc
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2

from postcards_client.errors import DataLost, DeadlineExceeded, InvalidRequest, Overloaded, Unavailable
from postcards_client.parts.making import MadePart, Whose, make_part
from postcards_client.retries import RetryPolicy

WHOSE = Whose("a" * 26, "Grraukh")
DATA = b"a picture" * 100
PHRASE = phrase_pb2.Phrase(
    animal_text="Grr ô.",
    english_gloss="Come.",
    intent=phrase_pb2.INTENT_COMMAND,
    mood=phrase_pb2.MOOD_CALM,
    words=[
        phrase_pb2.Word(
            text="grr", gloss="come", syllables=[phrase_pb2.Syllable(phonemes=["g", "r"], text="grr", tone=-1.5)]
        )
    ],
)
Image = image_pb2.GenerateImageResponse
Language = language_pb2.GeneratePhrasesResponse


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def header(data: bytes = DATA, name: str = "image.png") -> media_pb2.BlobHeader:
    return media_pb2.BlobHeader(name=name, content_type="image/png", size_bytes=len(data), sha256=sha256(data))


def result(*headers: media_pb2.BlobHeader) -> Image:
    return Image(result=image_pb2.ImageResult(blobs=headers, provenance=media_pb2.Provenance(engine="e")))


def piece(data: bytes, offset: int = 0, name: str = "image.png") -> Image:
    return Image(chunk=media_pb2.Chunk(name=name, offset=offset, data=data))


def busy(seconds: float | None) -> status_pb2.Status:
    status = status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED, message="the queue is full")
    if seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(round(seconds * 1e9))
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        status.details.append(detail)
    return status


class Scripted(image_pb2_grpc.ImageServiceServicer, language_pb2_grpc.LanguageServiceServicer):
    """Sends what a test has laid down for each call, or fails with it."""

    def __init__(self) -> None:
        self.scripts: list[Sequence[object]] = []
        self.address = ""
        self.calls = 0

    async def GenerateImage(self, request, context) -> AsyncIterator[object]:  # noqa: N802
        del request
        self.calls += 1
        for item in self.scripts.pop(0):
            if isinstance(item, status_pb2.Status):
                await context.abort_with_status(rpc_status.to_status(item))
            yield item

    async def GeneratePhrases(self, request, context) -> AsyncIterator[object]:  # noqa: N802
        async for item in self.GenerateImage(request, context):
            yield item


@pytest.fixture
async def service() -> AsyncIterator[Scripted]:
    server = grpc.aio.server()
    scripted = Scripted()
    image_pb2_grpc.add_ImageServiceServicer_to_server(scripted, server)
    language_pb2_grpc.add_LanguageServiceServicer_to_server(scripted, server)
    scripted.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield scripted
    await server.stop(None)


@pytest.fixture
def made(service) -> Callable:
    async def make(*scripts: Sequence[object], request=None, timeout: float = 20.0, heard=None) -> MadePart:
        service.scripts = list(scripts)
        return await make_part(
            request or image_pb2.GenerateImageRequest(),
            WHOSE,
            service.address,
            listen=[].append if heard is None else heard.append,
            timeout=timeout,
            retries=RetryPolicy(attempts=2, first_delay=0.001),
        )

    return make


async def test_files_come_in_slices_and_progress_is_passed_on(made):
    progress = media_pb2.Progress(stage="skin", step=1, steps=2)
    preview = media_pb2.Preview(stage="skin", content_type="image/webp", data=b"webp")
    heard: list[object] = []
    raw = b"raw"
    part = await made(
        [
            Image(progress=progress),
            Image(preview=preview),
            result(header(), header(raw, "raw.png")),
            piece(DATA[:100]),
            piece(DATA[100:], 100),
            piece(raw, name="raw.png"),
            Image(),
        ],
        heard=heard,
    )
    assert part.files == {"image.png": DATA, "raw.png": raw}
    assert part.provenance.engine == "e"
    assert heard == [progress, preview]


@pytest.mark.parametrize(
    "script",
    [
        [],
        [piece(DATA)],
        [result(header())],
        [result(header()), piece(DATA[:-1])],
        [result(header()), piece(DATA[100:], 100)],
        [result(header()), piece(DATA), piece(DATA)],
        [result(header()), piece(DATA, name="other.png")],
        [result(header(b"other")), piece(DATA)],
        [result(header(name="a.png"), header()), piece(DATA), piece(DATA, name="a.png")],
        [result(header()), piece(DATA[:100]), piece(b"", 100), piece(DATA[100:], 100)],
        [result(media_pb2.BlobHeader(name="image.png", size_bytes=2**40))],
        [result(header(), header())],
        [result(header()), piece(DATA), result(header())],
    ],
    ids=[
        "nothing",
        "no result",
        "no bytes",
        "too few",
        "a gap",
        "twice",
        "a stranger",
        "another hash",
        "another order",
        "an empty slice",
        "more than anybody takes",
        "a name twice",
        "a second result",
    ],
)
async def test_a_picture_that_does_not_come_as_announced_is_refused(made, script):
    with pytest.raises(DataLost):
        await made(script)


async def test_a_phrase_is_written_as_composers_write_it(made):
    digest = sha256(PHRASE.SerializeToString(deterministic=True))
    end = Language(result=language_pb2.PhrasesResult(count=1, sha256=digest))
    part = await made([Language(phrase=PHRASE), end], request=language_pb2.GeneratePhrasesRequest())
    value = json.loads(part.files["phrase.json"])
    assert (value["postcard"], value["species"]) == (WHOSE.id, WHOSE.species_name)
    assert value["phrase"]["intent"] == "command"
    assert value["phrase"]["words"][0]["syllables"][0]["tone"] == -1.5
    assert "ô" in part.files["phrase.json"].decode()


@pytest.mark.parametrize(
    "script",
    [
        [],
        [Language(phrase=PHRASE)],
        [Language(result=language_pb2.PhrasesResult(sha256=sha256(b"")))],
        [Language(phrase=PHRASE), Language(result=language_pb2.PhrasesResult(sha256=sha256(b"x")))],
        [
            Language(phrase=PHRASE),
            Language(result=language_pb2.PhrasesResult(sha256=sha256(PHRASE.SerializeToString(deterministic=True)))),
            Language(phrase=PHRASE),
        ],
    ],
)
async def test_a_phrase_that_does_not_come_whole_is_refused(made, script):
    with pytest.raises(DataLost):
        await made(script, request=language_pb2.GeneratePhrasesRequest())


async def test_a_busy_service_is_asked_again_when_it_says(made, service):
    part = await made([busy(0.01)], [busy(0.01)], [busy(0.01)], [result(header()), piece(DATA)])
    assert part.files["image.png"] == DATA
    assert service.calls == 4


async def test_a_busy_service_that_names_no_time_is_not_waited_for(made):
    with pytest.raises(Overloaded):
        await made([busy(None)])


async def test_the_time_ends_the_waiting(made, service):
    with pytest.raises(Overloaded):
        await made([busy(60)], timeout=5)
    assert service.calls == 1


async def test_a_service_that_goes_down_is_asked_again(made, service):
    away = status_pb2.Status(code=code_pb2.UNAVAILABLE, message="going down")
    part = await made([away], [result(header()), piece(DATA)])
    assert part.files["image.png"] == DATA
    with pytest.raises(Unavailable, match="no image service answers"):
        await made([away], [away])
    assert service.calls == 4


@pytest.mark.parametrize(
    ("code", "kind"), [(code_pb2.INVALID_ARGUMENT, InvalidRequest), (code_pb2.DEADLINE_EXCEEDED, DeadlineExceeded)]
)
async def test_what_cannot_be_mended_is_not_tried_again(made, service, code, kind):
    with pytest.raises(kind):
        await made([status_pb2.Status(code=code, message="no")])
    assert service.calls == 1
