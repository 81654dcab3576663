"""A request with everything decided that it left to the engine."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.stable_audio.checkpoint.description import ModelDescription, Objective
from postcards_audio.engines.stable_audio.prompts import write_prompt
from postcards_audio.engines.vocal_tract.rendering import Score, read_score
from postcards_serving.errors import InvalidField

DEFAULT_SECONDS = 30.0
"""Length where the request names none, or the longest that the model makes."""
_ROUNDING = 1e-4
"""Seconds: lengths travel in single precision."""
DEFAULT_INIT_STRENGTH = 0.3
"""How far the rendering is left. Stable Audio Open then begins at a noise level of 2.8, where a latent is mostly noise:
timbre and detail are the model's, while what is loud for as long as a syllable shows through."""


@dataclass(frozen=True)
class Defaults:
    """What models of one kind are good at."""

    steps: int
    guidance: float


DEFAULTS: Final = {
    Objective.V: Defaults(steps=150, guidance=7.0),
    Objective.FLOW: Defaults(steps=50, guidance=7.0),
    Objective.DISTILLED_FLOW: Defaults(steps=8, guidance=1.0),
}


@dataclass(frozen=True)
class CallPlan:
    """One request for a call with every default filled in."""

    score: Score
    """What the vocal tract would sound; its `seconds` are the call's."""
    prompt: str
    negative_prompt: str
    steps: int
    """From pure noise."""
    guidance: float
    init_strength: float
    exact: bool

    @property
    def over_rendering(self) -> bool:
        """Whether it starts from what the vocal tract says."""
        return self.init_strength < 1

    @property
    def guided(self) -> bool:
        """Whether the network is asked twice in a step."""
        return self.guidance != 1


def plan_call(request: AudioRequest, model: ModelDescription, reads_whole: Callable[[str], bool]) -> CallPlan:
    """Decides.

    Args:
        request: what is asked for.
        model: what it is good at, and how long its sounds are.
        reads_whole: whether its text encoder cuts nothing of a text; a prompt that is written for it does fit.

    Raises:
        InvalidField: the model cannot make so long a sound, or the phrase has a phoneme that is not in the inventory.
    """
    defaults, longest = DEFAULTS[model.objective], model.longest_seconds
    if request.seconds is not None and request.seconds > longest + _ROUNDING:
        raise InvalidField("seconds", f"must be 0.5 to {longest:g} for this model, not {request.seconds:g}")
    score = read_score(request, min(DEFAULT_SECONDS, longest))
    strength = DEFAULT_INIT_STRENGTH if request.init_strength is None else request.init_strength
    return CallPlan(
        score=replace(score, seconds=min(score.seconds, longest)),
        prompt=request.prompt or write_prompt(request, score, reads_whole),
        negative_prompt=request.negative_prompt,
        steps=request.steps or defaults.steps,
        guidance=defaults.guidance if request.guidance_scale is None else request.guidance_scale,
        init_strength=strength,
        exact=request.exact,
    )
