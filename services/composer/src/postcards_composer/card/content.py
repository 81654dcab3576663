"""What a card shows: the one value that every rendering of a postcard is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from postcards_composer.postcards.manifest import WordTiming
from postcards_species.ancestry.parents import Parent
from postcards_species.place.scene import Scene
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Phrase


@dataclass(frozen=True)
class Making:
    """How one part was made, for people to read."""

    part: str
    """Which part: "picture", "call" or "phrase"."""
    engine: str
    """Engine, e.g. "creature"."""
    engine_version: str = ""
    """Version of the engine."""
    model: str = ""
    """Hub id or name of the model; empty for engines that compute."""
    revision: str = ""
    """Revision or hash of the model's files."""
    device: str = ""
    """Device that did the work, e.g. "cpu"."""
    seconds: float | None = None
    """How long it took."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Every setting that took part, as text."""
    notes: tuple[str, ...] = ()
    """What was done otherwise than asked."""
    safety: str = ""
    """What the model's safety checker said: "passed", "withheld", or nothing."""
    usage: Mapping[str, float] = field(default_factory=dict[str, float])
    """What the making consumed, by unit, e.g. "prompt_tokens", "cost_usd"."""
    libraries: Mapping[str, str] = field(default_factory=dict[str, str])
    """Versions of the libraries that matter for the result."""
    model_files: Mapping[str, str] = field(default_factory=dict[str, str])
    """SHA-256 of the model's files, by path."""


@dataclass(frozen=True)
class Problem:
    """A part that the card has to do without."""

    part: str
    """Which part: "picture", "call" or "phrase"."""
    reason: str
    """One sentence for people."""


@dataclass(frozen=True)
class CardContent:
    """Everything a card shows. Texts are plain text; the renderings escape them."""

    id: str
    """Id of the postcard."""
    name: str
    """What the animal calls itself."""
    binomial: str
    """Its name for science."""
    field_note: str
    """Two or three sentences of a naturalist."""
    parents: tuple[Parent, ...]
    """Its ancestry, the greatest share first."""
    temperament: tuple[str, ...]
    """How it behaves: adjectives."""
    scene: Scene
    """Where it lives and how this card shows it."""
    theme: str
    """Theme as asked; may be empty."""
    seed: int
    """Seed of the species, 0 to 2**64 - 1."""
    strangeness: float
    """How far it left its parents, 0 to 1."""
    created: datetime
    """When the postcard was accepted, with a time zone."""
    phonology: Phonology | None = None
    """Its sounds; without them the card does not say how to pronounce the name."""
    phrase: Phrase | None = None
    """What it says."""
    image_png: bytes | None = None
    """The picture, of any size, in any format that Pillow reads."""
    alt_text: str = ""
    """One sentence that describes the picture."""
    call_mp3: bytes | None = None
    """The call as MP3, embedded in the card."""
    call_seconds: float = 0.0
    """Length of the call; 0 where there is none."""
    timings: tuple[WordTiming, ...] = ()
    """When each word sounds, in order of time."""
    makings: tuple[Making, ...] = ()
    """How the parts were made."""
    problems: tuple[Problem, ...] = ()
    """Which parts are missing, and why."""
