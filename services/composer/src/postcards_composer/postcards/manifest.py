"""A postcard as it is kept: the one value from which everything else about it can be made again."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from postcards_composer.postcards.create_request import AudioSettings, ImageSettings, LanguageSettings
from postcards_serving.engine.work import Provenance
from postcards_species.species import Species
from postcards_species.speech.phrase import Phrase

SCHEMA = 1


class PostcardState(Enum):
    """State of a postcard."""

    CREATING = "creating"
    ACTIVE = "active"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETING = "deleting"


class PartKind(Enum):
    """Kind of a part."""

    IMAGE = "image"
    LANGUAGE = "language"
    AUDIO = "audio"


class PartState(Enum):
    """State of a part."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SafetyVerdict(Enum):
    """What the safety checker of an image model said."""

    PASSED = "passed"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class PartError:
    """Why a part failed, in the terms of the API."""

    code: str
    """Name of the gRPC status code."""
    reason: str
    """Stable, upper-case reason."""
    message: str
    """One sentence for people; never a secret."""


@dataclass(frozen=True)
class Part:
    """One part of a postcard."""

    kind: PartKind
    """Which part."""
    state: PartState = PartState.PENDING
    """How far it is."""
    error: PartError | None = None
    """Why it failed."""
    provenance: Provenance | None = None
    """How it was made."""
    duration: float | None = None
    """Seconds that the making took, queue and retries included."""
    attempts: int = 0
    """How many times it was tried."""


@dataclass(frozen=True)
class File:
    """One file of a postcard."""

    name: str
    """Name below the postcard."""
    content_type: str
    """Media type."""
    size_bytes: int
    """Length."""
    sha256: str
    """SHA-256, lower-case hex."""
    path: str = ""
    """Where it lies below the postcard's folder, in a place of its own for every attempt to make it. Empty: under its
    name, as before there were such places."""

    @property
    def place(self) -> str:
        """Where it lies below the postcard's folder."""
        return self.path or self.name


@dataclass(frozen=True)
class WordTiming:
    """When one word of the phrase sounds in the call; repetitions of the phrase have timings of their own."""

    word_index: int
    """Index into `Phrase.words`."""
    start_seconds: float
    """Begin, from the start of the call."""
    end_seconds: float
    """End, from the start of the call."""


@dataclass(frozen=True)
class LeaseRecord:
    """Who makes the postcard at present."""

    holder: str
    """Token of the process that makes it."""
    expires_at: datetime
    """Until when the holder may go on without a renewal, by the holder's clock."""


@dataclass(frozen=True)
class Manifest:
    """A postcard: what was asked, what it became, and how far it is. Holds no secret."""

    id: str
    """Id of the postcard."""
    generation: str
    """Told apart from a postcard that had the same id and was deleted."""
    fingerprint: str
    """Of the request's content: a repetition must have the same."""
    request_id: str
    """The request's id, given or made."""
    seed: int
    """Seed of the species and of every random choice."""
    theme: str
    """Theme as asked."""
    strangeness: float
    """How far the species leaves its parents."""
    image: ImageSettings
    """Settings of the picture as asked."""
    audio: AudioSettings
    """Settings of the call as asked."""
    language: LanguageSettings
    """Settings of the phrase as asked."""
    timeout: float
    """Seconds that one making may take."""
    species: Species
    """The animal."""
    created_at: datetime
    """When it was accepted, to the millisecond."""
    updated_at: datetime
    """When it last changed."""
    state: PostcardState = PostcardState.CREATING
    """Its state."""
    revision: int = 1
    """Counts its changes; a renewed lease is none."""
    round: int = 0
    """Which making this is: 0 the first, then one for every repair."""
    spent: float = 0.0
    """Seconds that this making has taken so far; time when nobody worked on it does not count."""
    lease: LeaseRecord | None = None
    """Who makes it; None when nobody does."""
    takeovers: int = 0
    """How many times in this making another process went on after a lease had lapsed."""
    traceparent: str = ""
    """Trace of the request that this making began with, as W3C Trace Context spells it; empty: it is not traced."""
    phrase: Phrase | None = None
    """What it says."""
    parts: tuple[Part, ...] = tuple(Part(kind) for kind in PartKind)
    """Its parts, in the order of `PartKind`."""
    files: tuple[File, ...] = ()
    """Its files, by name."""
    alt_text: str = ""
    """One sentence that describes the picture."""
    safety: SafetyVerdict | None = None
    """What the safety checker of the model said of the picture; None: nobody looked."""
    call_seconds: float = 0.0
    """Length of the call."""
    timings: tuple[WordTiming, ...] = ()
    """When each word sounds."""
    says_phrase: bool = False
    """Whether the call says the phrase: not so when the call was made while the phrase could not be."""
    card_error: PartError | None = None
    """Why the card could not be assembled, though its parts are there."""
    schema: int = field(default=SCHEMA)
    """Version of this form."""

    def part(self, kind: PartKind) -> Part:
        """The part of that kind."""
        return next(part for part in self.parts if part.kind is kind)

    def verdict_on(self, kind: PartKind) -> SafetyVerdict | None:
        """What the safety checker of a model said of a part; None: nobody looked, or it is not done."""
        return self.safety if kind is PartKind.IMAGE and self.part(kind).state is PartState.DONE else None

    def file(self, name: str) -> File | None:
        """The file of that name; None when it is not in the store."""
        return next((file for file in self.files if file.name == name), None)

    @property
    def finished(self) -> bool:
        """Whether nobody works on it, nor should."""
        return self.state not in (PostcardState.CREATING, PostcardState.DELETING)
