"""Tells the caller how far a picture is and what it looks like."""

from typing import Final

from postcards_image.engines.stable_diffusion.latent_previews import Look, to_webp
from postcards_image.engines.stable_diffusion.rows import Row
from postcards_serving.engine.work import Preview, Progress, Work

STAGES: Final = ("bones", "text", "denoise", "decode")
"""What is reported, in order. The steps are by far the longest."""

_LOOKS = 10
"""Looks at a picture on its way, about."""
_BEFORE = 2
"""Stages before the first step."""
_UNKNOWN_STEPS = 50
PACE: Final = 0.25
"""Least seconds between two reports of steps: often enough to watch, seldom enough not to be felt by the steps."""


class ProgressReporter:
    """The reports of one picture."""

    def __init__(self, work: Work, previews_wanted: bool) -> None:
        """Reports to `work`; previews only if they are wanted."""
        self.work: Final = work
        self._previews_wanted: Final = previews_wanted
        self._steps = _UNKNOWN_STEPS
        self._next_preview = 0
        """Step from which on the picture is worth another look."""

    def begin(self, stage: str) -> None:
        """A stage other than the steps begins."""
        done = {"bones": 0, "text": 1}.get(stage, _BEFORE + self._steps)
        self._report(stage, done)

    def denoising(self, row: Row) -> None:
        """The row has come so far."""
        self._steps = row.sampling.steps
        self._report("denoise", _BEFORE + row.sampling.step)

    def wants_preview(self, row: Row) -> bool:
        """Whether it is time for a look at a row on its way; the next time is some steps later."""
        sampling = row.sampling
        if not self._previews_wanted or sampling.finished or sampling.step < self._next_preview:
            return False
        self._next_preview = sampling.step + max(1, round(sampling.steps / _LOOKS))
        return True

    def show(self, stage: str, look: Look) -> None:
        """There is something to see."""
        if self._previews_wanted:
            self.work.report(Preview(stage, "image/webp", to_webp(look())))

    def _report(self, stage: str, done: int) -> None:
        self.work.check()
        whole = _BEFORE + self._steps + 1
        self.work.report(Progress(stage, done, whole, done / whole))
