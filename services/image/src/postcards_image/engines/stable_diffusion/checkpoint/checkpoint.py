"""A checkpoint in memory: its parts as values, and how each is called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any, Protocol

from postcards_image.engines.stable_diffusion.checkpoint.autoencoder import Autoencoder
from postcards_image.engines.stable_diffusion.checkpoint.network import Network
from postcards_image.engines.stable_diffusion.checkpoint.safety_checker import SafetyChecker
from postcards_image.engines.stable_diffusion.checkpoint.text_encoder import TextReader
from postcards_image.engines.stable_diffusion.samplers.batch import Schedule, schedule_of
from postcards_serving.device.choice import Device

_REMEMBERED_SCHEDULES = 64
"""Pairs of a sampler and a number of steps whose coefficients are kept: most requests want the same few."""


class Schedules(Protocol):
    """`schedule_of` for one checkpoint."""

    def __call__(self, sampler: str, steps: int) -> Schedule:
        """The schedule of a sampler; raises ValueError like `schedule_of`."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a picture is made with."""

    name: str
    """Id on the hub, or the folder's name."""
    revision: str
    """Commit on the hub, or the hash over the files."""
    files: Mapping[str, str] = field(repr=False)
    """SHA-256 of the files that were loaded, by path; those of a LoRA begin with "lora/"."""
    reader: TextReader
    network: Network
    autoencoder: Autoencoder
    checker: SafetyChecker | None
    """None: the checkpoint has none."""
    scheduler: Mapping[str, Any]
    """The configuration of its scheduler."""
    default_sampler: str
    """Our name for the sampler that its scheduler stands for."""
    size: int
    """Width and height in pixels of the pictures that it was trained on."""
    device: Device
    settings: Mapping[str, object]
    """What was chosen for it and shows in its pictures, e.g. "lora"."""
    libraries: Mapping[str, str]
    """Versions by package name."""

    @cached_property
    def schedule_of(self) -> Schedules:
        """The schedule of a sampler and a number of steps; remembers the newest ones."""
        return lru_cache(_REMEMBERED_SCHEDULES)(partial(schedule_of, self.scheduler))
