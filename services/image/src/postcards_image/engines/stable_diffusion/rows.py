"""Pictures on their way from noise that share calls of the UNet; the engine's side of the in-flight batch."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

import torch

from postcards_image.engines.stable_diffusion.network import Network
from postcards_image.engines.stable_diffusion.samplers import SamplerRow, advance_all
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
    """Steps rows of one size with one call of the UNet, whatever their prompts, samplers, steps and guidance."""

    def __init__(self, network: Network, *, budget: float, reclaim: Callable[[], None], checked_every: int = 1) -> None:
        """Asks `network`.

        Args:
            network: the UNet.
            budget: of the batch, in latent pixels: a picture that is larger still may try its luck alone.
            reclaim: lets go of memory that is kept for later.
            checked_every: steps of a row after which it is looked at whether its numbers are any; the last step is
                always looked at.
        """
        self._network: Final = network
        self._budget: Final = budget
        self._reclaim: Final = reclaim
        self._checked_every: Final = checked_every

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
        shown = [(*row.sampling.model_input, row.words.shape[0]) for row in states]
        answers = self._network(
            torch.stack([latent for latent, _, asked in shown for _ in range(asked)]),
            torch.tensor([timestep for _, timestep, asked in shown for _ in range(asked)], dtype=torch.float32),
            torch.cat([row.words for row in states]),
        )
        outputs = _guided(answers, states)
        advanced = advance_all([row.sampling for row in states], outputs)
        # What is no number stays none in all later steps.
        looked_at = any(row.finished or row.step % self._checked_every == 0 for row in advanced)
        if looked_at and not bool(torch.isfinite(outputs).all()):
            raise EngineFailed("the model answered with numbers that are no picture", reason="MODEL_DIVERGED")
        return [replace(row, sampling=sampling) for row, sampling in zip(states, advanced, strict=True)]


def _guided(answers: torch.Tensor, states: Sequence[Row]) -> torch.Tensor:
    """One answer for each row: Ho and Salimans 2022 (arXiv:2207.12598), in the form that diffusers computes."""
    if len(answers) == len(states):
        return answers
    last = list(accumulate((row.words.shape[0] for row in states), initial=-1))[1:]
    first = [place + 1 - row.words.shape[0] for place, row in zip(last, states, strict=True)]
    avoided, wanted = answers[first], answers[last]
    scales = torch.tensor([row.guidance_scale for row in states], dtype=torch.float32).to(answers.device)
    return avoided + scales[:, None, None, None] * (wanted - avoided)
