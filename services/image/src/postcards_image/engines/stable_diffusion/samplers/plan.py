"""Samplers written down as tables of coefficients.

Every sampler for which Stable Diffusion is used is linear in what it has seen: before call i of the network it holds a
latent x_i, the network answers o_i, and

    x_(i+1) = sum over j <= i of (a_ij x_j + b_ij o_j) + c_i z_i        (z_i: fresh standard normal noise)

Guidance, prompts and the network itself are in o_i; the sampler is nothing but the numbers a, b and c. So a sampler is
run once on forms, vectors of such numbers in place of pictures: it is written as its paper has it, and what comes
out is the table. A step of many rows of different samplers is then one weighted sum for all of them.

What is not zero, besides a_ii and b_ii (outputs are remembered as they came, latents where the sampler goes back to
one or turns answers into pictures):

| sampler | remembers | noise | source |
|---|---|---|---|
| DDIM, Euler | nothing | no | arXiv:2010.02502, arXiv:2206.00364 |
| DDPM, Euler ancestral | nothing | yes | arXiv:2006.11239, k-diffusion |
| Heun | the step's first latent and output | no | arXiv:2206.00364 |
| PNDM | 3 outputs, a latent in the trial step; in the Runge-Kutta warm-up up to 6 | no | arXiv:2202.09778 |
| DPM-Solver++(2M), its SDE | the last latent and output | SDE only | arXiv:2211.01095 |
| UniPC of order p | the last p latents and outputs | no | arXiv:2302.04867 |

A latent is always kept as the network sees it, `alpha * picture + sigma * noise` with alpha^2 + sigma^2 = 1, also by
samplers that others write for `picture + sigma / alpha * noise`. No sampler has to scale the network's input.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Form = npt.NDArray[np.float64]
"""A sum of latents, outputs and noise, by its coefficients: those of x_0, o_0, x_1, o_1, ... and last that of z."""

Prediction = Literal["epsilon", "v_prediction"]
"""What the network answers: the noise, or `alpha * noise - sigma * picture` (Salimans, Ho 2022: arXiv:2202.00512)."""


@dataclass(frozen=True)
class Level:
    """How much noise is in a latent."""

    timestep: float
    """What the network is told, 0 to the training timesteps - 1; floats where the sampler has such."""
    alpha: float
    """Share of the picture, 0 to 1."""
    sigma: float
    """Share of the noise, 0 to 1; the squares of both sum to 1."""

    @property
    def ratio(self) -> float:
        """Noise for one part of picture, the sigma of Karras et al. 2022 (arXiv:2206.00364); above 0 or 0."""
        return self.sigma / self.alpha


CLEAN: Final = Level(0.0, 1.0, 0.0)
"""Nothing but the picture."""


@dataclass(frozen=True)
class Call:
    """One call of the network and the step after it."""

    timestep: float
    """What the network is told."""
    latent: float
    """Coefficient of the latent that the network was shown."""
    output: float
    """Coefficient of its answer."""
    recalled: tuple[tuple[int, float], ...]
    """Of what is remembered: place in the memory and coefficient."""
    noise: float
    """Coefficient of fresh standard normal noise; 0: none is drawn."""
    keep: tuple[int, ...]
    """The memory after it: 0 is the latent shown, 1 the answer, 2 and above the memory before it."""
    clean: tuple[float, float]
    """Coefficients of the latent and of the answer in the picture that the network sees."""


@dataclass(frozen=True)
class Plan:
    """All that a sampler does on its way from a beginning to the finished latent."""

    calls: tuple[Call, ...]
    """In the order in which they are made; none: there is nothing to do."""
    pure_noise: float
    """Factor of standard normal noise that makes it the first latent of a row that has no drawing."""
    beginning: Level
    """How a drawing and noise are mixed for the first latent of a row that has one."""


class Trace:
    """Forms of the latents and outputs of a row, by the number of the call; what samplers are run on."""

    def __init__(self, levels: Sequence[Level], prediction: Prediction) -> None:
        """Prepares a sampler that calls the network once at each of `levels`."""
        self.levels: Final = tuple(levels)
        self._prediction: Final = prediction
        self._size: Final = 2 * len(self.levels) + 1

    @property
    def fresh(self) -> Form:
        """Noise that is drawn after the call."""
        return self._unit(self._size - 1)

    def latent(self, call: int) -> Form:
        """What the network was shown."""
        return self._unit(2 * call)

    def output(self, call: int) -> Form:
        """What the network answered in its call number `call`, counted from 0."""
        return self._unit(2 * call + 1)

    def clean(self, call: int) -> Form:
        """The picture that the network sees in the latent.

        Raises:
            ValueError: it cannot see one: it predicts noise and was shown nothing else.
        """
        level = self.levels[call]
        if self._prediction == "v_prediction":
            return level.alpha * self.latent(call) - level.sigma * self.output(call)
        if level.alpha == 0:
            raise ValueError("a model that predicts noise cannot begin where there is nothing but noise (zero SNR)")
        return (self.latent(call) - level.sigma * self.output(call)) / level.alpha

    def noise(self, call: int) -> Form:
        """The noise that it sees in the latent."""
        return self.noise_in(self.latent(call), self.output(call), self.levels[call])

    def noise_in(self, latent: Form, output: Form, level: Level) -> Form:
        """The noise in `latent`, which has that `level`, if `output` is the answer to it."""
        return output if self._prediction == "epsilon" else level.alpha * output + level.sigma * latent

    def plan(self, followers: Sequence[Form], *, pure_noise: float = 1.0) -> Plan:
        """The plan in which call i leads to the latent `followers[i]`; at least one call.

        Raises:
            ValueError: a coefficient is no number: the sampler cannot take these steps.
        """
        table = np.stack(followers)
        if not np.isfinite(table).all():
            raise ValueError("the sampler cannot take these steps with this noise schedule")
        last_needed = np.where((table != 0).any(0), len(table) - 1 - (table != 0)[::-1].argmax(0), -1)
        memory: list[int] = []
        calls: list[Call] = []
        for index, row in enumerate(table):
            shown, answer = 2 * index, 2 * index + 1
            held = [shown, answer, *memory]
            keep = tuple(place for place, source in enumerate(held) if last_needed[source] > index)
            recalled = tuple((place, float(row[source])) for place, source in enumerate(memory) if row[source] != 0)
            clean = self.clean(index)
            calls.append(
                Call(
                    timestep=self.levels[index].timestep,
                    latent=float(row[shown]),
                    output=float(row[answer]),
                    recalled=recalled,
                    noise=float(row[-1]),
                    keep=keep,
                    clean=(float(clean[shown]), float(clean[answer])),
                )
            )
            memory = [held[place] for place in keep]
        return Plan(tuple(calls), pure_noise, self.levels[0])

    def _unit(self, place: int) -> Form:
        unit = np.zeros(self._size)
        unit[place] = 1.0
        return unit
