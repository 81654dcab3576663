"""What a caller may ask of a postcard. The field names are those of postcards.composer.v1; the ranges live here."""

from dataclasses import dataclass, field

from postcards_species.place.scene import Finish
from postcards_species.speech.phrase import Intent, Mood

DEFAULT_STRANGENESS = 0.5
DEFAULT_TIMEOUT_SECONDS = 600.0
MIN_TIMEOUT_SECONDS = 1.0
MAX_TIMEOUT_SECONDS = 3600.0

REQUEST_ID_PATTERN = r"[A-Za-z0-9._-]+"


@dataclass(frozen=True)
class ImageSettings:
    """What was said about the picture; None and empty text leave it to the engine."""

    engine: str = field(default="", metadata={"max_length": 64})
    """Engine that must make it."""
    prompt: str = field(default="", metadata={"max_length": 2000})
    """Prompt for a text-to-image model."""
    negative_prompt: str = field(default="", metadata={"max_length": 2000})
    """What to avoid."""
    width: int | None = field(default=None, metadata={"ge": 64, "le": 2048, "multiple_of": 8})
    """Width in pixels."""
    height: int | None = field(default=None, metadata={"ge": 64, "le": 2048, "multiple_of": 8})
    """Height in pixels."""
    steps: int | None = field(default=None, metadata={"ge": 1, "le": 1000})
    """Inference steps."""
    guidance_scale: float | None = field(default=None, metadata={"ge": 0, "le": 50})
    """Guidance scale."""
    init_strength: float | None = field(default=None, metadata={"ge": 0, "le": 1})
    """How far to leave the drawing."""
    sampler: str = field(default="", metadata={"max_length": 64})
    """Name of the sampler."""
    finish: Finish | None = None
    """How the picture is finished."""
    style: str = field(default="", metadata={"max_length": 64})
    """Name of a set of defaults that the engine knows."""
    exact: bool = False
    """Whether it is made alone, bit by bit equal when made again on one machine."""


@dataclass(frozen=True)
class AudioSettings:
    """What was said about the call; None and empty text leave it to the engine."""

    engine: str = field(default="", metadata={"max_length": 64})
    """Engine that must make it."""
    prompt: str = field(default="", metadata={"max_length": 2000})
    """Prompt for a text-to-audio model."""
    negative_prompt: str = field(default="", metadata={"max_length": 2000})
    """What to avoid."""
    seconds: float | None = field(default=None, metadata={"ge": 0.5, "le": 60})
    """Length in seconds."""
    steps: int | None = field(default=None, metadata={"ge": 1, "le": 1000})
    """Inference steps."""
    guidance_scale: float | None = field(default=None, metadata={"ge": 0, "le": 50})
    """Guidance scale."""
    init_strength: float | None = field(default=None, metadata={"ge": 0, "le": 1})
    """How far to leave the rendering."""
    exact: bool = False
    """Whether it is made alone, bit by bit equal when made again on one machine."""


@dataclass(frozen=True)
class LanguageSettings:
    """What was said about the phrase; None and empty text leave it to the engine."""

    engine: str = field(default="", metadata={"max_length": 64})
    """Engine that must make it."""
    prompt: str = field(default="", metadata={"max_length": 4000})
    """Prompt for a language model."""
    intent: Intent | None = None
    """What the phrase does."""
    mood: Mood | None = None
    """How it feels."""
    temperature: float | None = field(default=None, metadata={"ge": 0, "le": 2})
    """Sampling temperature."""
    top_p: float | None = field(default=None, metadata={"gt": 0, "le": 1})
    """Nucleus sampling share."""


@dataclass(frozen=True)
class CreateRequest:
    """A request for a postcard."""

    request_id: str | None = field(default=None, metadata={"max_length": 128, "pattern": REQUEST_ID_PATTERN})
    """Makes the call repeatable."""
    seed: int | None = field(default=None, metadata={"ge": 0, "le": 2**64 - 1})
    """Seed; None for a random one."""
    theme: str = field(default="", metadata={"max_length": 200})
    """What the postcard is about."""
    strangeness: float | None = field(default=None, metadata={"ge": 0, "le": 1})
    """How far the species leaves its parents."""
    image: ImageSettings = ImageSettings()
    """Settings of the picture."""
    audio: AudioSettings = AudioSettings()
    """Settings of the call."""
    language: LanguageSettings = LanguageSettings()
    """Settings of the phrase."""
    timeout: float | None = field(default=None, metadata={"ge": MIN_TIMEOUT_SECONDS, "le": MAX_TIMEOUT_SECONDS})
    """Seconds that the making may take in all."""
