"""Tells the caller how far a call is."""

from typing import Final

from postcards_serving.engine.work import Progress, Work

STAGES = ("render", "read", "denoise", "decode", "master", "encode")
"""What is reported, in order: what the vocal tract says, words, steps, sound, loudness, files."""

PACE: Final = 0.1
"""Least seconds between two reports of steps: often enough to watch, seldom enough not to be felt by the steps."""
_BEFORE, _AFTER = 2, 3
"""Stages before and after the steps; each counts as one step."""
_UNKNOWN_STEPS = 40
"""Guess of the steps until they are known."""


class ProgressReporter:
    """The reports of one call. Each stops the call where it is no longer wanted."""

    def __init__(self, work: Work) -> None:
        self.work: Final = work
        self._steps = _UNKNOWN_STEPS

    def begin(self, stage: str, share: float = 0.0) -> None:
        """A stage other than "denoise" begins, or has come so far."""
        place = STAGES.index(stage)
        before = place if place < _BEFORE else self._steps + place - 1
        self._report(stage, before, share)

    def denoising(self, step: int, steps: int) -> None:
        """So many steps are taken."""
        self._steps = steps
        self._report("denoise", _BEFORE + step)

    def end(self) -> None:
        """Reports the last stage as finished, without asking whether to go on."""
        whole = self._steps + _BEFORE + _AFTER
        self.work.report(Progress(STAGES[-1], whole, whole, 1.0))

    def _report(self, stage: str, step: int, share: float = 0.0) -> None:
        self.work.check()
        whole = self._steps + _BEFORE + _AFTER
        self.work.report(Progress(stage, step, whole, min(1.0, (step + share) / whole)))
