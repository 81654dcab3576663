"""A composer that plays a script, on a real gRPC server: for tests of the client and of the command."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from postcards.composer.v1 import composer_pb2 as pb
from postcards.composer.v1 import composer_pb2_grpc
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2, species_pb2

POSTCARD_ID = "abcdefghijklmnopqrstuvwxy2"
PARTS = (pb.PART_KIND_IMAGE, pb.PART_KIND_LANGUAGE, pb.PART_KIND_AUDIO)
ENDS = (pb.POSTCARD_STATE_ACTIVE, pb.POSTCARD_STATE_PARTIAL)
WORDS = {"card.html": b"<!doctype html><title>card</title>", "preview.webp": b"not really a picture"}


def make_postcard(
    state=pb.POSTCARD_STATE_ACTIVE, *, postcard_id=POSTCARD_ID, seed=7, failed=(), folder: Path | None = None
) -> pb.Postcard:
    """A postcard in `state`; its files lie in `folder` when one is given."""
    postcard = pb.Postcard(
        id=postcard_id,
        state=state,
        seed=seed,
        species=species_pb2.Species(
            seed=seed,
            strangeness=0.5,
            name="Grraukh-tok",
            binomial="Okapoctopus guttur",
            field_note="It hums before rain. Nobody has seen it sleep.",
            parents=[
                species_pb2.Parent(animal="okapi", weight=0.6),
                species_pb2.Parent(animal="octopus", weight=0.4),
            ],
            temperament=["wary", "slow"],
        ),
        alt_text="A six-legged animal in the reeds.",
        location=str(folder) if folder else "s3://jungle/postcards/" + postcard_id,
        revision=3,
    )
    done = state in (pb.POSTCARD_STATE_ACTIVE, pb.POSTCARD_STATE_PARTIAL)
    for kind in PARTS:
        part = postcard.parts.add(kind=kind, attempts=1)
        part.state = pb.PART_STATE_DONE if done else pb.PART_STATE_PENDING
        if kind in failed:
            part.state = pb.PART_STATE_FAILED
            part.error.CopyFrom(pb.PartError(code="INTERNAL", reason="ENGINE_FAILED", message="the larynx tore"))
    if done:
        postcard.phrase.CopyFrom(
            phrase_pb2.Phrase(animal_text="Hrrok ta-ta gruul", english_gloss="Give me the river.", intent=3, mood=2)
        )
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in WORDS.items():
                (folder / name).write_bytes(data)
                postcard.files.add(
                    name=name,
                    size_bytes=len(data),
                    sha256=hashlib.sha256(data).hexdigest(),
                    url=(folder / name).as_uri(),
                )
    return postcard


async def refuse(context, code: int, message: str, *details) -> None:
    """Ends the call with a status that has typed details."""
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    await context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code, message=message, details=packed)))


@dataclass
class FakeComposer(composer_pb2_grpc.PostcardServiceServicer):
    """Answers from a script; keeps every request it got."""

    folder: Path
    address: str = ""
    postcards: dict[str, pb.Postcard] = field(default_factory=dict)
    requests: list = field(default_factory=list)
    refusals: list[Callable[[grpc.aio.ServicerContext], Awaitable[None]]] = field(default_factory=list)
    """What the next calls are refused with, the first first."""
    cuts: list[int] = field(default_factory=list)
    """After how many events the next watches are cut."""
    failing: set[str] = field(default_factory=set)
    """Request ids of postcards whose call cannot be made, until they are repaired."""
    held: asyncio.Event | None = None
    """Watches wait for it before the postcard's end."""

    async def _enter(self, request, context) -> None:
        self.requests.append(request)
        if self.refusals:
            await self.refusals.pop(0)(context)

    async def CreatePostcard(self, request, context):  # noqa: N802
        await self._enter(request, context)
        key = request.request_id
        if key not in self.postcards:
            postcard_id = "".join(chr(97 + byte % 26) for byte in hashlib.sha256(key.encode()).digest()[:26])
            self.postcards[key] = make_postcard(pb.POSTCARD_STATE_CREATING, postcard_id=postcard_id, seed=request.seed)
            self.postcards[key].theme = request.theme
        return pb.CreatePostcardResponse(postcard=self.postcards[key])

    async def WatchPostcard(self, request, context):  # noqa: N802
        await self._enter(request, context)
        key, postcard = await self._find(request.id, context)
        cut = self.cuts.pop(0) if self.cuts else None
        unseen = (event for event in self._script(key, postcard) if event.sequence > request.after_sequence)
        for sent, event in enumerate(unseen):
            if sent == cut:
                await refuse(context, code_pb2.UNAVAILABLE, "connection reset")
            if event.WhichOneof("event") == "postcard" and event.postcard.state in ENDS:
                if self.held is not None:
                    await self.held.wait()
                self.postcards[key] = event.postcard
            yield event

    def _script(self, key: str, postcard: pb.Postcard) -> list[pb.WatchPostcardResponse]:
        if postcard.state != pb.POSTCARD_STATE_CREATING:
            return [pb.WatchPostcardResponse(sequence=9, postcard=postcard)]
        failed = (pb.PART_KIND_AUDIO,) if key in self.failing else ()
        end = make_postcard(
            pb.POSTCARD_STATE_PARTIAL if failed else pb.POSTCARD_STATE_ACTIVE,
            postcard_id=postcard.id,
            seed=postcard.seed,
            failed=failed,
            folder=self.folder / "postcards" / postcard.id,
        )
        end.theme = postcard.theme
        events = [pb.WatchPostcardResponse(sequence=1, postcard=postcard)]
        for number, stage in enumerate(("queued", "skeleton", "skin"), start=2):
            progress = media_pb2.Progress(stage=stage, step=number - 2, steps=0 if stage == "queued" else 2)
            if stage == "queued":
                progress.queue_position = 2
                progress.predicted_wait.CopyFrom(duration_pb2.Duration(seconds=5))
            part = pb.PartProgress(kind=pb.PART_KIND_IMAGE, progress=progress)
            events.append(pb.WatchPostcardResponse(sequence=number, progress=part))
        events.append(
            pb.WatchPostcardResponse(sequence=5, preview=media_pb2.Preview(stage="skin", data=WORDS["preview.webp"]))
        )
        events.append(pb.WatchPostcardResponse(sequence=6, postcard=end))
        return events

    async def GetPostcard(self, request, context):  # noqa: N802
        await self._enter(request, context)
        return pb.GetPostcardResponse(postcard=(await self._find(request.id, context))[1])

    async def ListPostcards(self, request, context):  # noqa: N802
        await self._enter(request, context)
        cards = list(self.postcards.values())[::-1]
        start = int(request.page_token or 0)
        end = start + request.page_size
        return pb.ListPostcardsResponse(
            postcards=cards[start:end], next_page_token=str(end) if end < len(cards) else ""
        )

    async def CancelPostcard(self, request, context):  # noqa: N802
        await self._enter(request, context)
        _, postcard = await self._find(request.id, context)
        if postcard.state != pb.POSTCARD_STATE_CREATING:
            await refuse(context, code_pb2.FAILED_PRECONDITION, "the postcard is not being made")
        postcard.state = pb.POSTCARD_STATE_CANCELLED
        return pb.CancelPostcardResponse(postcard=postcard)

    async def RepairPostcard(self, request, context):  # noqa: N802
        await self._enter(request, context)
        key, postcard = await self._find(request.id, context)
        if postcard.state in (pb.POSTCARD_STATE_CREATING, pb.POSTCARD_STATE_ACTIVE):
            await refuse(context, code_pb2.FAILED_PRECONDITION, "nothing is missing")
        self.failing.discard(key)
        postcard.state = pb.POSTCARD_STATE_CREATING
        return pb.RepairPostcardResponse(postcard=postcard)

    async def DeletePostcard(self, request, context):  # noqa: N802
        await self._enter(request, context)
        key, _ = await self._find(request.id, context)
        del self.postcards[key]
        return pb.DeletePostcardResponse()

    async def _find(self, postcard_id: str, context) -> tuple[str, pb.Postcard]:
        for key, postcard in self.postcards.items():
            if postcard.id == postcard_id:
                return key, postcard
        await refuse(
            context,
            code_pb2.NOT_FOUND,
            f"there is no postcard {postcard_id}",
            error_details_pb2.ErrorInfo(reason="POSTCARD_NOT_FOUND", domain="postcards"),
        )
        raise AssertionError("refuse ends the call")


@pytest.fixture
async def composer(tmp_path) -> AsyncIterator[FakeComposer]:
    server = grpc.aio.server()
    fake = FakeComposer(tmp_path / "store")
    composer_pb2_grpc.add_PostcardServiceServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield fake
    await server.stop(None)


@pytest.fixture
def refused(composer) -> Callable[..., None]:
    """Lets the next call be refused."""

    def add(code: int, message: str = "no", *details) -> None:
        async def act(context) -> None:
            await refuse(context, code, message, *details)

        composer.refusals.append(act)

    return add
