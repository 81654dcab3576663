"""A request with everything decided that it left to the engine. Pure: no model is asked."""

from collections.abc import Callable
from dataclasses import dataclass

from postcards_image.engine import ImageRequest
from postcards_image.engines.stable_diffusion.prompts import write_prompt
from postcards_image.engines.stable_diffusion.styles import Style, turn_dial
from postcards_serving.errors import InvalidField


@dataclass(frozen=True)
class PicturePlan:
    """What will be done."""

    style: Style
    prompt: str
    negative_prompt: str
    width: int
    height: int
    steps: int
    """From pure noise; a picture that starts from a drawing takes fewer of them."""
    guidance_scale: float
    init_strength: float
    """0: the drawing itself; 1: words alone."""
    sampler: str
    seed: int
    strangeness: float
    exact: bool

    @property
    def guided(self) -> bool:
        """Whether the model is also asked what it would do without the prompt. Below 1 it never is, as in diffusers."""
        return self.guidance_scale > 1

    @property
    def over_drawing(self) -> bool:
        """Whether the picture starts from the drawing."""
        return self.init_strength < 1

    @property
    def steps_taken(self) -> int:
        """Steps of the way that are gone; none leaves the drawing as it is. diffusers cuts in the same place."""
        return min(self.steps, int(self.steps * self.init_strength))


def plan_picture(
    request: ImageRequest,
    *,
    size: int,
    factor: int,
    samplers: tuple[str, ...],
    sampler: str,
    reads_at_once: Callable[[str], bool],
) -> PicturePlan:
    """The plan for `request`.

    Args:
        request: what is asked for.
        size: width and height in pixels where it says neither.
        factor: width and height must be multiples of this.
        samplers: names of those that there are.
        sampler: the one that is taken where it names none.
        reads_at_once: whether the text encoder reads a text in one piece; a prompt that is written for it does fit.

    Raises:
        InvalidField: it asks for a style, sampler or size that there is not.
    """
    if request.style not in set(Style):
        known = ", ".join(repr(style.value) for style in Style if style.value)
        raise InvalidField("style", f"must be empty or one of {known}, not {request.style!r}")
    if request.sampler not in ("", *samplers):
        raise InvalidField("sampler", f"must be empty or one of {', '.join(samplers)}, not {request.sampler!r}")
    width, height = request.width or size, request.height or size
    for name, pixels in (("width", width), ("height", height)):
        if pixels % factor:
            raise InvalidField(name, f"must be a multiple of {factor} with this model, not {pixels}")
    style = Style(request.style)
    dial = turn_dial(style, request.strangeness)
    return PicturePlan(
        style=style,
        prompt=request.prompt or write_prompt(request, style, dial.wording, reads_at_once),
        negative_prompt=request.negative_prompt,
        width=width,
        height=height,
        steps=request.steps or dial.steps,
        guidance_scale=dial.guidance_scale if request.guidance_scale is None else request.guidance_scale,
        init_strength=dial.init_strength if request.init_strength is None else request.init_strength,
        sampler=request.sampler or sampler,
        seed=request.seed,
        strangeness=request.strangeness,
        exact=request.exact,
    )
