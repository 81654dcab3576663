"""Noise levels and timesteps from a checkpoint's `scheduler_config.json`, as diffusers reads it.

The variances are tabulated in float32 and rounded where diffusers rounds them, since the checkpoint's name for a noise
level is a timestep of that table; everything after the table is float64.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch

from postcards_image.engines.stable_diffusion.samplers.plan import Level, Prediction

Floats = npt.NDArray[np.floating[Any]]
Spacing = Literal["leading", "trailing", "linspace"]

_MAX_BETA = 0.999
_NEARLY_ZERO = 2.0**-24
"""What samplers that divide by alpha put in place of a terminal SNR of zero; the value of diffusers."""
_RHO = 7.0
"""How strongly steps crowd towards low noise: Karras et al. 2022 (arXiv:2206.00364), table 1."""

_UNSUPPORTED: Final = (
    "thresholding",
    "use_beta_sigmas",
    "use_exponential_sigmas",
    "use_flow_sigmas",
    "use_lu_lambdas",
)


class SchedulerConfig:
    """The options in a `scheduler_config.json`, as a pipeline hands them to the scheduler of a sampler.

    What `StableDiffusionPipeline` does to outdated files is done here too: a `steps_offset` is 1, and latents are never
    clipped.
    """

    def __init__(self, config: Mapping[str, object], *, native: bool) -> None:
        """Reads `config`.

        Args:
            config: what the file holds.
            native: whether the sampler is the one that the file was written for.

        Raises:
            ValueError: names the option that is not supported.
        """
        self._config: Final = {name: value for name, value in config.items() if value is not None}
        self._native: Final = native
        for name in _UNSUPPORTED:
            if self._config.get(name):
                raise ValueError(f"scheduler_config.json asks for {name}, which is not supported")

    @property
    def timesteps(self) -> int:
        """How many timesteps the checkpoint was trained with."""
        return int(self.number("num_train_timesteps", 1000))

    @property
    def steps_offset(self) -> int:
        """What is added to timesteps of the leading spacing."""
        return 1 if self._native or "steps_offset" in self._config else 0

    @property
    def beta_schedule(self) -> str:
        """How the variance of the noise grows over the training timesteps."""
        return self.choice("beta_schedule", "linear", "scaled_linear", "sigmoid", *_KEPT_BY_TIME)

    @property
    def prediction(self) -> Prediction:
        """What the network answers."""
        named = self.choice("prediction_type", "epsilon", "v_prediction")
        return "epsilon" if named == "epsilon" else "v_prediction"

    def flag(self, name: str, default: bool) -> bool:
        """An option that is true or false."""
        return bool(self._config.get(name, default))

    def number(self, name: str, default: float) -> float:
        """An option that is a number.

        Raises:
            ValueError: it is none.
        """
        value = self._config.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"scheduler_config.json: {name} must be a number, not {value!r}")
        return float(value)

    def choice(self, name: str, default: str, *others: str) -> str:
        """An option that is one of a few words.

        Raises:
            ValueError: it is none of them.
        """
        value = self._config.get(name, default)
        if value not in (default, *others):
            raise ValueError(f"scheduler_config.json asks for {name} {value!r}, which is not supported")
        return str(value)

    def numbers(self, name: str) -> tuple[float, ...]:
        """An option that is a list of numbers; empty when it is not given.

        Raises:
            ValueError: it is no such list.
        """
        values = self._config.get(name, ())
        if not isinstance(values, list | tuple):
            raise ValueError(f"scheduler_config.json: {name} must be a list, not {values!r}")
        return tuple(float(value) for value in values)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


@dataclass(frozen=True, eq=False)
class NoiseTable:
    """The noise levels that the network was trained with, by timestep."""

    kept: Floats
    """alpha^2 of each training timestep, falling, float32."""

    def at(self, timestep: int, name: float | None = None) -> Level:
        """The level of a training timestep.

        Raises:
            ValueError: the network does not know it.
        """
        if not 0 <= timestep < len(self.kept):
            raise ValueError(f"these steps need timestep {timestep}, but the model knows 0 to {len(self.kept) - 1}")
        kept = float(self.kept[timestep])
        return Level(float(timestep if name is None else name), math.sqrt(kept), math.sqrt(1 - kept))

    @property
    def ratios(self) -> Floats:
        """sigma / alpha of each training timestep, rising, float32."""
        return np.sqrt((1 - self.kept) / self.kept)


def level_of(ratio: float, timestep: float = 0.0) -> Level:
    """The level that has `ratio` parts of noise for one of picture."""
    alpha = 1 / math.sqrt(ratio * ratio + 1)
    return Level(timestep, alpha, ratio * alpha)


def noise_table(
    config: SchedulerConfig, *, beta_range: tuple[float, float], zero_snr: Literal["no", "exact", "nearly"]
) -> NoiseTable:
    """The noise levels of a checkpoint.

    Args:
        config: of its scheduler.
        beta_range: first and last variance where the file does not say.
        zero_snr: what the sampler makes of `rescale_betas_zero_snr`: it does not know it, it takes the last level as
            nothing but noise, or as nearly that.

    Raises:
        ValueError: the file asks for what is not supported.
    """
    betas = _betas(config, *beta_range)
    rescaled = zero_snr != "no" and config.flag("rescale_betas_zero_snr", False)
    if rescaled:
        betas = _with_zero_snr(betas)
    kept = torch.cumprod(1 - betas, dim=0)
    if rescaled and zero_snr == "nearly":
        kept[-1] = _NEARLY_ZERO
    return NoiseTable(kept.numpy())


def _betas(config: SchedulerConfig, first: float, last: float) -> torch.Tensor:
    if trained := config.numbers("trained_betas"):
        return torch.tensor(trained, dtype=torch.float32)
    first, last, count = config.number("beta_start", first), config.number("beta_end", last), config.timesteps
    match config.beta_schedule:
        case "linear":
            return torch.linspace(first, last, count, dtype=torch.float32)
        case "scaled_linear":
            return torch.linspace(first**0.5, last**0.5, count, dtype=torch.float32) ** 2
        case "sigmoid":
            return torch.sigmoid(torch.linspace(-6, 6, count)) * (last - first) + first
        case kind:
            kept = _KEPT_BY_TIME[kind]
            betas = [min(1 - kept((step + 1) / count) / kept(step / count), _MAX_BETA) for step in range(count)]
            return torch.tensor(betas, dtype=torch.float32)


def _cosine(time: float) -> float:
    """Nichol and Dhariwal 2021 (arXiv:2102.09672), equation 17."""
    return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2


def _exponential(time: float) -> float:
    return math.exp(-12.0 * time)


_KEPT_BY_TIME: Final[Mapping[str, Callable[[float], float]]] = {"squaredcos_cap_v2": _cosine, "exp": _exponential}
"""alpha^2 at a time from 0 to 1, by the name of the schedule."""


def _with_zero_snr(betas: torch.Tensor) -> torch.Tensor:
    """Lin et al. 2023 (arXiv:2305.08891), algorithm 1."""
    alphas = torch.cumprod(1 - betas, dim=0).sqrt()
    first, last = alphas[0].clone(), alphas[-1].clone()
    kept = ((alphas - last) * (first / (first - last))) ** 2
    return 1 - torch.cat([kept[:1], kept[1:] / kept[:-1]])


def spaced(config: SchedulerConfig, default: Spacing, steps: int) -> npt.NDArray[np.int64]:
    """Whole timesteps of `steps` steps, falling.

    Lin et al. 2023 (arXiv:2305.08891), table 2. There are always as many as steps; for some numbers of steps (61 is
    the first for 1,000 timesteps) the trailing ones of diffusers have one more, timestep -1, by a rounding error.
    """
    match _spacing(config, default):
        case "linspace":
            return np.linspace(0, config.timesteps - 1, steps).round()[::-1].astype(np.int64)
        case "leading":
            return np.arange(steps)[::-1] * (config.timesteps // steps) + config.steps_offset
        case _:
            return _trailing(config, steps, config.timesteps)


def spaced_finely(config: SchedulerConfig, steps: int) -> npt.NDArray[np.float32]:
    """Timesteps of samplers that step through noise levels between those of training, falling."""
    if _spacing(config, "linspace") == "linspace":
        return np.linspace(0, config.timesteps - 1, steps, dtype=np.float32)[::-1]
    return spaced(config, "linspace", steps).astype(np.float32)


def spaced_before_end(config: SchedulerConfig, steps: int, last: int) -> npt.NDArray[np.int64]:
    """Whole timesteps of solvers that end one step below the lowest of them, falling.

    `last` is the number of training timesteps that are used, from the lowest.
    """
    match _spacing(config, "linspace"):
        case "linspace":
            return np.linspace(0, last - 1, steps + 1).round()[:0:-1].astype(np.int64)
        case "leading":
            return np.arange(1, steps + 1)[::-1] * (last // (steps + 1)) + config.steps_offset
        case _:
            return _trailing(config, steps, last)


def _trailing(config: SchedulerConfig, steps: int, last: int) -> npt.NDArray[np.int64]:
    ends = np.arange(last, 0, -config.timesteps / steps)[:steps]
    return ends.round().astype(np.int64) - 1


def _spacing(config: SchedulerConfig, default: Spacing) -> str:
    others = {"leading", "trailing", "linspace"} - {default}
    return config.choice("timestep_spacing", default, *others)


def between(table: NoiseTable, timesteps: Floats | npt.NDArray[np.int64]) -> Floats:
    """sigma / alpha at timesteps between those of the table, float32."""
    ratios = table.ratios
    return np.interp(timesteps, np.arange(len(ratios)), ratios).astype(np.float32)


def karras(config: SchedulerConfig, table: NoiseTable, most: float, least: float, steps: int) -> tuple[Floats, Floats]:
    """Values of sigma / alpha from `most` to `least` and their timesteps: Karras et al. 2022, equation 5."""
    first = config.number("sigma_max", most) ** (1 / _RHO)
    last = config.number("sigma_min", least) ** (1 / _RHO)
    ratios: Floats = (first + np.linspace(0, 1, steps) * (last - first)) ** _RHO
    logs = np.log(table.ratios)
    return ratios, np.interp(np.log(ratios), logs, np.arange(len(logs)))
