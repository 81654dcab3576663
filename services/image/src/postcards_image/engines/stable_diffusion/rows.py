"""Pictures on their way from noise that share calls of the UNet; the engine's side of the in-flight batch."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, NamedTuple

import torch

from postcards_image.engines.stable_diffusion.checkpoint.network import Network
from postcards_image.engines.stable_diffusion.samplers.batch import SamplerRow, advance_all, weights_of
from postcards_serving.device.choice import send
from postcards_serving.errors import EngineFailed


@dataclass(frozen=True, eq=False)
class Row:
    """One picture between two steps."""

    sampling: SamplerRow
    """Its noisy latent picture and how it steps."""
    words: torch.Tensor
    """What the UNet listens to: [1, tokens, width] of the prompt; with guidance [2, ...], of what to avoid first."""
    guidance_scale: float
    """How much the difference between the two counts."""
    alone: int | None = None
    """A number of its own for a row that shares no step with others."""

    @property
    def guided(self) -> bool:
        """Whether the UNet is asked twice in each step."""
        return self.words.shape[0] == 2

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the latent picture."""
        height, width = self.sampling.latent.shape[-2:]
        return int(height), int(width)


class RowStepper:
    """Steps rows of one size with one call of the UNet, whatever their samplers, steps and guidance.

    Their prompts must be read in as many pieces: see `group`.
    """

    def __init__(self, network: Network, *, budget: float, reclaim: Callable[[], None]) -> None:
        """Asks `network`.

        Args:
            network: the UNet.
            budget: of the batch, in latent pixels: a picture that is larger still may try its luck alone.
            reclaim: lets go of memory that is kept for later.
        """
        self._network: Final = network
        self._budget: Final = budget
        self._reclaim: Final = reclaim

    def group(self, state: Row) -> Hashable:
        """Size of the picture and number of tokens; for a row that steps alone its own number as well."""
        return (*state.size, state.words.shape[1], state.alone)

    def finished(self, state: Row) -> bool:
        """Whether no noise is left."""
        return state.sampling.finished

    def cost(self, state: Row) -> float:
        """What a step of it takes of the memory, in latent pixels that go through the UNet."""
        height, width = state.size
        return min(self._budget, height * width * state.words.shape[0])

    def reclaim(self) -> None:
        """Lets go of memory after there was too little."""
        self._reclaim()

    def step(self, states: Sequence[Row]) -> Sequence[Row]:
        """The rows one step on, in the same order. None of them is finished.

        Raises:
            EngineFailed: the UNet answered a row with what is no number.
        """
        with torch.inference_mode():
            asked = [*(row for row in states if row.guided), *states]
            numbers = _sent_numbers(asked, states)
            answers = self._network(
                torch.stack([row.sampling.latent for row in asked]),
                numbers.timesteps,
                torch.cat([*(row.words[:1] for row in states if row.guided), *(row.words[-1:] for row in states)]),
            )
            outputs = _guided(answers, states, numbers.scales)
            advanced = advance_all([row.sampling for row in states], outputs, numbers.weights)
            # The only wait for the device in a step, at its end: what the step took is then known to be its own time,
            # and so is what it fails of.
            if not bool(torch.isfinite(outputs).all()):
                raise EngineFailed("the model answered with numbers that are no picture", reason="MODEL_DIVERGED")
        return [replace(row, sampling=sampling) for row, sampling in zip(states, advanced, strict=True)]


class _Numbers(NamedTuple):
    """What a step computes with besides pictures and words; float32, on the device."""

    timesteps: torch.Tensor
    """[asked]."""
    scales: torch.Tensor
    """[rows] of guidance."""
    weights: torch.Tensor
    """[terms, rows] of the samplers."""


def _sent_numbers(asked: Sequence[Row], states: Sequence[Row]) -> _Numbers:
    """All numbers of a step in one copy: they are known before the network is asked."""
    timesteps = [row.sampling.model_input[1] for row in asked]
    scales = [row.guidance_scale for row in states]
    weights = weights_of([row.sampling for row in states])
    host = torch.tensor([*timesteps, *scales, *chain.from_iterable(weights)], dtype=torch.float32)
    sent = send(host, str(states[0].sampling.latent.device))
    first, second, third = sent.split([len(asked), len(states), len(weights) * len(states)])
    return _Numbers(first, second, third.view(len(weights), len(states)))


def _guided(answers: torch.Tensor, states: Sequence[Row], scales: torch.Tensor) -> torch.Tensor:
    """One answer for each row: Ho and Salimans 2022 (arXiv:2207.12598), in the form that diffusers computes.

    Args:
        answers: first, for each guided row, to what is to be avoided; then, for each row, to what is wanted.
        states: the rows.
        scales: of their guidance.
    """
    wanted = answers[-len(states) :]
    if len(answers) == len(states):
        return wanted
    against = iter(answers[: -len(states)])
    avoided = torch.stack([next(against) if row.guided else same for row, same in zip(states, wanted, strict=True)])
    return avoided + scales[:, None, None, None] * (wanted - avoided)
