"""What a training run tells those who follow it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.unet.network import Network
from postcards_image.training.loop.checkpoints import Position
from postcards_image.training.recipe import Recipe


@dataclass(frozen=True)
class History:
    """The losses of a run."""

    steps: npt.NDArray[np.float32]
    """[count], training steps, growing."""
    losses: npt.NDArray[np.float32]
    """[count], their losses."""


@dataclass(frozen=True)
class Began:
    """The run is about to make its first step."""

    recipe: Recipe
    """How it is trained."""
    description: ModelDescription
    """What comes out."""
    parameters: int
    """Trained numbers."""
    device: str
    """Kind of device, e.g. "cpu"."""
    precision: str
    """Arithmetic of the network, e.g. "bf16"."""
    processes: int
    """Processes that train together."""
    position: Position
    """Where it stands: the start, or the checkpoint that it resumes."""
    history: History
    """Losses before that."""


@dataclass(frozen=True)
class Stepped:
    """One more training step is done."""

    position: Position
    """Where the run stands now."""
    loss: float
    """Loss of the step."""
    learning_rate: float
    """Learning rate of the step."""
    fraction: float
    """Finished share of the run, 0 to 1."""


@dataclass(frozen=True)
class Averaged:
    """It is time to look at what the averaged weights draw."""

    position: Position
    """Where the run stands."""
    network: Network
    """The network with averaged weights, ready to draw; may be kept."""
    history: History
    """All losses so far."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint is on the disk."""

    path: Path
    """Where."""
    position: Position
    """What it holds."""


@dataclass(frozen=True)
class NotSaved:
    """A checkpoint could not be written; the one before it still stands."""

    reason: str
    """Why not."""


@dataclass(frozen=True)
class Ended:
    """The run has ended; the last checkpoint was tried before."""

    finished: bool
    """Whether it came to its end; else it was asked to stop."""
    averaged: Averaged
    """What came out."""


Event = Began | Stepped | Averaged | Saved | NotSaved | Ended
"""What a run tells."""
