"""Which classes a picture is made of, and how they are mixed into one animal.

Why mixed like this, with pictures of the other ways: `docs/decisions/0011-mixing-parents.md`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from postcards_image.engines.ddpm.denoiser import Array
from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.sampling import Question
from postcards_species.ancestry.parents import Parent
from postcards_species.streams import Stream

_SHARPNESS = 3.0
"""Exponent of the shares at strangeness 0; its inverse at strangeness 1."""


@dataclass(frozen=True)
class Share:
    """A class of the model and its part in the picture."""

    index: int
    """Row of the class table."""
    name: str
    """Name of the class; "class 3" where the model has no names."""
    weight: float
    """Above 0; the weights of a picture sum to 1."""


def choose_shares(
    model: ModelDescription, parents: Sequence[Parent], seed: int, strangeness: float
) -> tuple[Share, ...]:
    """The classes that the parents are called in the model; two by `seed` where it knows none of them.

    Names match whatever their case, spaces and underscores. Parents that the model does not know are left out.
    `strangeness` 0 to 1 goes from the first parent before all others to all parents alike; 0.5 leaves their shares as
    they are. Without a class table there is nothing to choose.
    """
    if model.labels == 0:
        return ()
    names = _names(model)
    known = {_key(name): index for index, name in enumerate(names)}
    weights: dict[int, float] = {}
    for parent in parents:
        index = known.get(_key(parent.animal))
        if index is not None and parent.weight > 0:
            weights[index] = weights.get(index, 0.0) + parent.weight
    weights = weights or _by_seed(len(names), seed)
    most, power = max(weights.values()), _SHARPNESS ** (1 - 2 * strangeness)
    bent = {index: (weight / most) ** power for index, weight in weights.items()}
    total = sum(bent.values())
    return tuple(
        Share(index, names[index], weight / total)
        for index, weight in sorted(bent.items(), key=lambda entry: -entry[1])
    )


def knows(classes: Iterable[str], animal: str) -> bool:
    """Whether one of `classes` is the animal."""
    return _key(animal) in map(_key, classes)


def ask(model: ModelDescription, shares: Sequence[Share], guidance: float) -> tuple[Question, ...]:
    """What the network is asked about a picture of `shares`.

    `guidance` 1 asks for the classes alone, more exaggerates what they have and others have not, 0 asks for any animal
    (classifier-free guidance: Ho and Salimans 2022, arXiv:2207.12598). Without a class for "any" it is always 1.
    """
    if not shares:
        return (Question(None),)
    mixed = _mixed(model, shares)
    if guidance == 1 or model.any_class is None:
        return (Question(mixed),)
    anything = _row(model, model.any_class)
    if guidance == 0:
        return (Question(anything),)
    return Question(mixed, guidance), Question(anything, 1 - guidance)


def _mixed(model: ModelDescription, shares: Sequence[Share]) -> Array:
    weights = np.zeros(model.labels, np.float32)
    for share in shares:
        weights[share.index] = share.weight
    return weights


def _row(model: ModelDescription, index: int) -> Array:
    weights = np.zeros(model.labels, np.float32)
    weights[index] = 1
    return weights


def _names(model: ModelDescription) -> tuple[str, ...]:
    if model.classes:
        return model.classes
    return tuple(f"class {index}" for index in range(model.labels if model.any_class is None else model.any_class))


def _by_seed(count: int, seed: int) -> dict[int, float]:
    if count == 0:
        return {}
    stream = Stream(seed, "ddpm/classes")
    chosen = stream.sample(tuple(range(count)), min(2, count))
    return {index: stream.uniform(0.35, 1.0) for index in chosen}


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
