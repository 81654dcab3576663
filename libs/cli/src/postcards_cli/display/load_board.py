"""Shows on standard error how a load run goes."""

import time
from typing import TextIO

from typing_extensions import override

from postcards_cli.load.measurements import Record, StageRecord
from postcards_cli.load.report import seconds_text
from postcards_cli.load.runner import Watcher

PLAIN_SECONDS = 10.0
"""Time between two lines in a log."""


class LoadBoard(Watcher):
    """Writes a line for each stage, and one every ten seconds."""

    def __init__(self, stream: TextIO | None) -> None:
        """Writes to `stream`; nowhere when it is None."""
        self._stream = stream
        self._last = time.monotonic()

    def __enter__(self) -> "LoadBoard":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def starting(self, names: tuple[str, ...]) -> None:
        """Names the services that are waited for."""
        self.say(f"starting services: {', '.join(names)}")

    def serving(self, name: str) -> None:
        """Names the one that is ready."""
        self.say(f"{name} service ready")

    def stopping(self) -> None:
        """Says that the services are being stopped."""
        self.say("stopping services")

    @override
    def stage_begun(self, record: Record, stage: StageRecord) -> None:
        self._last = time.monotonic()
        self.say(f"stage {len(record.stages)} of {len(record.plan.stages)}: {stage.stage.name}{_limits(stage)}")

    @override
    def stage_ended(self, record: Record, stage: StageRecord) -> None:
        """Says what came of it."""
        del record
        self.say(f"  {so_far(stage)}")

    def tick(self, stage: StageRecord, under_way: int) -> None:
        """Is called twice a second."""
        if time.monotonic() - self._last >= PLAIN_SECONDS:
            self._last = time.monotonic()
            self.say(f"  {so_far(stage)}, {under_way} under way")

    def say(self, text: str) -> None:
        """Writes one line to the stream, if there is one."""
        if self._stream is not None:
            print(text, file=self._stream, flush=True)


def _limits(stage: StageRecord) -> str:
    seconds, count = stage.stage.seconds, stage.stage.count
    limits = [f"{seconds:g} s"] if seconds is not None else []
    limits += [f"{count} requests"] if count is not None else []
    return ", " + ", ".join(limits)


def so_far(stage: StageRecord) -> str:
    """A stage in a line."""
    total = stage.total
    counts = {"refused": total.refused, "late": total.deadline, "failed": total.failed, "not sent": total.unsent}
    words = [f"{total.ok} ok", *(f"{count} {name}" for name, count in counts.items() if count)]
    times = [f"p{percent} {seconds_text(total.latency.percentile(percent))}" for percent in (50, 95)]
    return ", ".join(words + (times if total.latency.count else []))
