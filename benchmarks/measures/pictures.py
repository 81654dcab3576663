"""The sets of pictures that are compared with photographs: a model's samples, and what they must be better than."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.ddpm.denoiser import Array, Denoiser
from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.engine import DEFAULT_STEPS
from postcards_image.engines.ddpm.mixing import Share, ask
from postcards_image.engines.ddpm.sampling import (
    Row,
    RowStepper,
    Sampler,
    begin_row,
    noise_levels,
    starting_noise,
)
from postcards_serving.engine.work import Work
from postcards_species.species import derive_species

Pixels = NDArray[np.uint8]
"""[height, width, 3], RGB."""

_DRAWN_SIZE = 512
_NOISE_MEAN, _NOISE_DEVIATION = 127, 70


@dataclass(frozen=True)
class Sampling:
    """How samples are drawn."""

    sampler: Sampler = Sampler.DPMPP_2M
    """From one noise level to the next."""
    steps: int = DEFAULT_STEPS
    """Steps of each sample."""
    guidance: float = 1.0
    """How much more of the class is asked for than the network sees by itself; 1: no more."""
    rows: int = 16
    """Samples stepped together."""


def samples(
    denoiser: Denoiser, description: ModelDescription, classes: Sequence[str], sampling: Sampling
) -> Iterator[Pixels]:
    """One sample of a model for each class named, with seeds from 0 up; a model without classes ignores the names.

    An empty name stands for no class in particular.

    Raises:
        ValueError: the model knows classes, but not one of these.
    """
    stepper = RowStepper(denoiser)
    sigmas = noise_levels(denoiser.schedule, sampling.sampler, sampling.steps)
    for first in range(0, len(classes), sampling.rows):
        rows: Sequence[Row] = [
            begin_row(
                sampling.sampler,
                sigmas,
                (ask(description, _shares(description, name), sampling.guidance),) * (len(sigmas) - 1),
                starting_noise(seed, denoiser.resolution),
                seed=seed,
            )
            for seed, name in enumerate(classes[first : first + sampling.rows], first)
        ]
        while not rows[0].finished:
            rows = stepper.step(rows)
        yield from (_pixels(row.noisy, description.data_scale) for row in rows)


def noise(count: int, resolution: int, random: np.random.Generator) -> list[Pixels]:
    """Pictures of nothing: every pixel drawn by itself."""
    shape = (count, resolution, resolution, 3)
    return list(np.clip(random.normal(_NOISE_MEAN, _NOISE_DEVIATION, shape), 0, 255).astype(np.uint8))


def class_means(photographs: Sequence[Pixels], labels: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[Pixels]:
    """For each class wanted the mean of its photographs: the blur that a model without shapes would draw."""
    values = np.stack(photographs).astype(np.float32)
    means = {int(label): values[labels == label].mean(axis=0).round().astype(np.uint8) for label in np.unique(labels)}
    return [means[int(label)] for label in wanted]


def drawings(count: int) -> Iterator[Pixels]:
    """What the engine without a model draws of the species from seed 0 up."""
    engine = CreatureEngine()
    for seed in range(count):
        species = derive_species(seed)
        request = ImageRequest(species.body_plan, species.scene, seed=seed, width=_DRAWN_SIZE, height=_DRAWN_SIZE)
        png = engine.generate(request, Work()).blobs[0].data
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8)


def reduced(pictures: Sequence[Pixels], resolution: int) -> list[Pixels]:
    """Square pictures brought to `resolution` by averaging, as the trainer does."""
    size = (resolution, resolution)
    return [cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8) for picture in pictures]


def in_proportion(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`count` labels in the proportions of those given, sorted."""
    return np.sort(labels)[((np.arange(count) + 0.5) * len(labels) / count).astype(np.int64)]


def _shares(description: ModelDescription, name: str) -> tuple[Share, ...]:
    if not description.labels:
        return ()
    if not name and description.any_class is not None:
        return (Share(description.any_class, "", 1.0),)
    if name not in description.classes:
        raise ValueError(f"{description.name} was not trained on the class {name}")
    return (Share(description.classes.index(name), name, 1.0),)


def _pixels(sample: Array, scale: float) -> Pixels:
    return np.clip((sample.transpose(1, 2, 0) / scale + 1) * 127.5, 0, 255).round().astype(np.uint8)
