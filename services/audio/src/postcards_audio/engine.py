"""What an engine is asked for and what it gives back."""

from dataclasses import dataclass, field
from typing import Protocol

from postcards_serving.engine.protocol import Engine
from postcards_serving.engine.work import Blob, Provenance
from postcards_serving.errors import InvalidField
from postcards_species.ancestry.parents import Parent
from postcards_species.place.scene import Scene
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phrase import Phrase
from postcards_species.voice.derive import VocalTract

DEFAULT_STRANGENESS = 0.5


@dataclass(frozen=True)
class AudioRequest:
    """One call to make. Fields and limits are those of `postcards.audio.v1.GenerateAudioRequest`."""

    request_id: str = field(default="", metadata={"max_length": 128, "pattern": r"[A-Za-z0-9._-]*"})
    """Names the request in logs."""
    engine: str = field(default="", metadata={"max_length": 64})
    """Engine that the caller expects; empty: any."""
    seed: int = field(default=0, metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of every random choice, and of the species where `vocal_tract` is absent."""
    strangeness: float | None = field(default=None, metadata={"ge": 0, "le": 1})
    """How far the species leaves its parents, where `vocal_tract` is absent."""
    vocal_tract: VocalTract | None = None
    """The anatomy that sounds; None: derived from `seed`."""
    phrase: Phrase | None = None
    """What is said; None: sounds of the species' own."""
    scene: Scene | None = None
    """Where it is heard; None: derived from `seed`."""
    seconds: float | None = field(default=None, metadata={"ge": 0.5, "le": 60})
    """Length; None: the engine's own."""
    prompt: str = field(default="", metadata={"max_length": 2000})
    """What a text-to-audio model is told; empty: the engine writes it."""
    negative_prompt: str = field(default="", metadata={"max_length": 2000})
    """For text-to-audio models."""
    steps: int | None = field(default=None, metadata={"ge": 1, "le": 1000})
    """For models that denoise."""
    guidance_scale: float | None = field(default=None, metadata={"ge": 0, "le": 50})
    """For models that denoise."""
    init_strength: float | None = field(default=None, metadata={"ge": 0, "le": 1})
    """For models that denoise."""
    exact: bool = False
    """Whether it is made alone, never in one step with others: bit by bit equal on one machine."""
    theme: str = field(default="", metadata={"max_length": 200})
    """What the call is about, for a prompt that the engine writes."""
    temperament: tuple[str, ...] = field(default=(), metadata={"max_length": 3, "item_max_length": 32})
    """How the animal behaves, for a prompt that the engine writes; empty: as the species of `seed`."""
    parents: tuple[Parent, ...] = field(default=(), metadata={"max_length": 4})
    """The real animals in its ancestry, for a prompt that the engine writes; empty: those of the species of `seed`."""


@dataclass(frozen=True)
class WordTiming:
    """When one word of the phrase sounds."""

    word_index: int = field(metadata={"ge": 0})
    """Index into `Phrase.words`."""
    start_seconds: float = field(metadata={"ge": 0})
    """Begin, from the start of the call."""
    end_seconds: float = field(metadata={"ge": 0})
    """End, from the start of the call."""


@dataclass(frozen=True)
class AudioResult:
    """A call as finished files, and how it was made."""

    blobs: tuple[Blob, ...]
    """"call.flac", then "call.mp3"."""
    seconds: float
    """Length."""
    sample_rate_hz: int
    """Samples per second."""
    channels: int
    """2."""
    loudness_lufs: float
    """Integrated loudness (ITU-R BS.1770-4)."""
    timings: tuple[WordTiming, ...]
    """In order of time."""
    provenance: Provenance
    """How it was made."""


class AudioEngine(Engine[AudioRequest, AudioResult], Protocol):
    """An engine that makes calls."""


def reject_unknown_phonemes(phrase: Phrase) -> None:
    """Checks that every phoneme of `phrase` is in the inventory.

    Raises:
        InvalidField: names the first that is not, with its path.
    """
    for w, word in enumerate(phrase.words):
        for s, syllable in enumerate(word.syllables):
            for p, symbol in enumerate(syllable.phonemes):
                if symbol not in INVENTORY:
                    raise InvalidField(
                        f"phrase.words[{w}].syllables[{s}].phonemes[{p}]",
                        f"must be a symbol of the inventory ({', '.join(INVENTORY)}), not {symbol!r}",
                    )
