"""What a network draws, from the same seeds and classes every time, so that one sees it learn."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from postcards_image.engines.ddpm.denoiser import Array, Denoiser
from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.sampling import (
    Question,
    Row,
    RowStepper,
    Sampler,
    begin_row,
    noise_levels,
    starting_noise,
)
from postcards_image.engines.ddpm.unet.network import Network

STEPS = 20
"""Denoising steps of a sample, as the engine takes."""
GUIDANCE = 2.0
"""Guidance of a sample, as the engine takes; without classes there is none."""

_ROWS_AT_ONCE = 32


@dataclass(frozen=True)
class Subject:
    """What a sample is to show."""

    label: int | None
    """Row of the class table; None for a model without classes."""
    name: str
    """Name of the class; empty for none."""
    seed: int
    """Of its noise."""


def subjects(description: ModelDescription, wanted: int = 36) -> tuple[Subject, ...]:
    """About `wanted` subjects: every class as often as any other, neighbours in order; at least one picture of each of
    at most `wanted` classes.
    """
    classes = description.classes
    if len(classes) < 2:
        return tuple(Subject(description.any_class, "", seed) for seed in range(wanted))
    chosen = np.unique(np.linspace(0, len(classes) - 1, min(wanted, len(classes))).round().astype(int)).tolist()
    each = max(1, wanted // len(chosen))
    return tuple(
        Subject(label, classes[label], place * each + copy)
        for place, label in enumerate(chosen)
        for copy in range(each)
    )


def draw(
    network: Network,
    description: ModelDescription,
    wanted: tuple[Subject, ...],
) -> npt.NDArray[np.uint8]:
    """Samples of the subjects, [count, resolution, resolution, 3], RGB."""
    denoiser = Denoiser(_Running(network, description))
    stepper = RowStepper(denoiser)
    sigmas = noise_levels(denoiser.schedule, Sampler.DPMPP_2M, STEPS)
    finished: list[Row] = []
    for first in range(0, len(wanted), _ROWS_AT_ONCE):
        rows = [
            begin_row(
                Sampler.DPMPP_2M,
                sigmas,
                (_questions(subject, description),) * (len(sigmas) - 1),
                starting_noise(subject.seed, description.resolution),
            )
            for subject in wanted[first : first + _ROWS_AT_ONCE]
        ]
        while not rows[0].finished:
            rows = list(stepper.step(rows))
        finished.extend(rows)
    clean = np.stack([row.noisy for row in finished]) / description.data_scale
    return np.clip(clean.transpose(0, 2, 3, 1) * 127.5 + 127.5, 0, 255).round().astype(np.uint8)


def _questions(subject: Subject, description: ModelDescription) -> tuple[Question, ...]:
    if not description.labels:
        return (Question(None),)
    any_class = description.any_class
    if subject.label is None or any_class is None or subject.label == any_class:
        return (Question(_one(subject.label or 0, description.labels)),)
    return (
        Question(_one(subject.label, description.labels), GUIDANCE),
        Question(_one(any_class, description.labels), 1 - GUIDANCE),
    )


def _one(label: int, labels: int) -> Array:
    weights = np.zeros(labels, np.float32)
    weights[label] = 1
    return weights


class _Running:
    """A network in training as the engine's samplers know networks."""

    def __init__(self, network: Network, description: ModelDescription) -> None:
        self._device: Final = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network: Final = network.to(self._device)
        self.description: Final = description

    @torch.inference_mode()
    def predict(self, sample: Array, timestep: Array, class_weights: Array | None) -> Array:
        classes = None if class_weights is None else self._tensor(class_weights)
        return self._network(self._tensor(sample), self._tensor(timestep), classes).float().cpu().numpy()

    def close(self) -> None:
        pass

    def _tensor(self, values: Array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)
