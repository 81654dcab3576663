"""Tells the caller how far a picture is and what it looks like."""

import time
from collections.abc import Callable
from typing import Final

from postcards_image.engines.stable_diffusion.looks import Look, to_webp
from postcards_image.engines.stable_diffusion.rows import Row
from postcards_serving.work import Preview, Progress, Work

STAGES: Final = ("bones", "text", "denoise", "decode")
"""What is reported, in order. The steps are by far the longest."""

_LOOKS = 10
"""Looks at a picture on its way, about."""
_BEFORE = 2
"""Stages before the first step."""
_UNKNOWN_STEPS = 50
_BREATH = 0.1
"""Seconds between two reports of steps."""


class Telling:
    """The reports of one picture."""

    def __init__(self, work: Work, previews_wanted: bool, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Reports to `work`; previews only if they are wanted.

        Args:
            work: whose work this is.
            previews_wanted: whether anybody looks.
            clock: seconds that never go back.
        """
        self.work: Final = work
        self._previews_wanted: Final = previews_wanted
        self._clock: Final = clock
        self._steps = _UNKNOWN_STEPS
        self._next = 0.0

    def begin(self, stage: str) -> None:
        """A stage other than the steps begins."""
        done = {"bones": 0, "text": 1}.get(stage, _BEFORE + self._steps)
        self._report(stage, done)

    def denoising(self, row: Row) -> None:
        """The row has come so far. Told as often as anybody can read it: small steps are quicker."""
        self.work.check()
        now = self._clock()
        if row.sampling.step and now < self._next:
            return
        self._next = now + _BREATH
        self._steps = row.sampling.steps
        self._report("denoise", _BEFORE + row.sampling.step)

    def wants_look(self, row: Row) -> bool:
        """Whether it is time for a look at a row on its way."""
        every = max(1, round(row.sampling.steps / _LOOKS))
        return self._previews_wanted and not row.sampling.finished and row.sampling.step % every == 0

    def show(self, stage: str, look: Look) -> None:
        """There is something to see."""
        if self._previews_wanted:
            self.work.report(Preview(stage, "image/webp", to_webp(look())))

    def _report(self, stage: str, done: int) -> None:
        self.work.check()
        whole = _BEFORE + self._steps + 1
        self.work.report(Progress(stage, done, whole, done / whole))
