"""What an image engine is asked, what it answers, and what it must be able to do."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from postcards_serving.engine.protocol import Engine
from postcards_serving.engine.work import Blob, Provenance
from postcards_species.ancestry.parents import Parent
from postcards_species.body.derive import BodyPlan
from postcards_species.place.scene import Scene

IMAGE_NAME = "image.png"
"""Name of the blob that every result holds."""


@dataclass(frozen=True)
class ImageRequest:
    """What to draw: the fields of `GenerateImageRequest`, with the species filled in. None leaves it to the engine."""

    body_plan: BodyPlan
    """The animal."""
    scene: Scene
    """Where it stands, in which light, and how the picture is finished."""
    seed: int = field(default=0, metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of every random choice."""
    strangeness: float = field(default=0.5, metadata={"ge": 0, "le": 1})
    """How far an engine that distorts may go: 0 plausible, 1 unrecognisable."""
    prompt: str = field(default="", metadata={"max_length": 2000})
    """What a text-to-image model is told; empty: the engine writes it."""
    negative_prompt: str = field(default="", metadata={"max_length": 2000})
    """What a text-to-image model is told to avoid."""
    width: int | None = field(default=None, metadata={"ge": 64, "le": 2048, "multiple_of": 8})
    """Pixels."""
    height: int | None = field(default=None, metadata={"ge": 64, "le": 2048, "multiple_of": 8})
    """Pixels."""
    steps: int | None = field(default=None, metadata={"ge": 1, "le": 1000})
    """Inference steps of an engine that denoises."""
    guidance_scale: float | None = field(default=None, metadata={"ge": 0, "le": 50})
    """Guidance of an engine that denoises."""
    init_strength: float | None = field(default=None, metadata={"ge": 0, "le": 1})
    """How far a denoising engine leaves the drawing it starts from: 0 keeps it, 1 starts from noise."""
    sampler: str = field(default="", metadata={"max_length": 64})
    """Name of the sampler of an engine that denoises; empty: the engine's own."""
    previews: bool = False
    """Whether to report previews while the picture grows."""
    caption: tuple[str, ...] = field(default=(), metadata={"max_length": 2, "item_max_length": 96})
    """What a print says below the picture, line by line; empty: where the animal is."""
    parents: tuple[Parent, ...] = field(default=(), metadata={"max_length": 4})
    """The real animals in its ancestry, for models that know animals by name; shares need not sum to 1."""
    style: str = field(default="", metadata={"max_length": 64})
    """Name of a set of defaults that the engine knows, e.g. "distorted"; empty: its own."""
    exact: bool = False
    """Whether it is made alone, never in one step with others: bit by bit equal on one machine."""
    theme: str = field(default="", metadata={"max_length": 200})
    """What the picture is about, for a prompt that the engine writes."""
    temperament: tuple[str, ...] = field(default=(), metadata={"max_length": 3, "item_max_length": 32})
    """How the animal behaves, for a prompt that the engine writes."""


class SafetyVerdict(Enum):
    """What a safety checker said of a picture."""

    PASSED = "passed"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class ImageResult:
    """A finished picture: the fields of the message `ImageResult`."""

    blobs: tuple[Blob, ...] = field(metadata={"min_length": 1, "max_length": 16})
    """`image.png` first; an engine may add more."""
    width: int = field(metadata={"ge": 1})
    """Width of image.png in pixels."""
    height: int = field(metadata={"ge": 1})
    """Height of image.png in pixels."""
    alt_text: str = field(metadata={"min_length": 1, "max_length": 1000})
    """One sentence that describes the picture to those who cannot see it."""
    provenance: Provenance
    """How it was made."""
    safety: SafetyVerdict | None = None
    """What the safety checker of the model said; None: nobody looked."""


class ImageEngine(Engine[ImageRequest, ImageResult], Protocol):
    """An engine that makes pictures."""
