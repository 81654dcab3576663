"""Engines that sing, or fail: what stands on either side of a fallback in its tests."""

from dataclasses import dataclass, field

from postcards_serving.engine.work import Item, Progress, Provenance, Work


@dataclass(frozen=True)
class Song:
    """A result."""

    text: str
    provenance: Provenance


@dataclass
class Bird:
    """An engine that sings, or fails."""

    name: str = "model"
    version: str = "2"
    stages: tuple[str, ...] = ("breathe", "sing")
    requests_at_once: int | None = None
    fault: BaseException | None = None
    asked: list[str] = field(default_factory=list)
    closed: int = 0

    def generate(self, request: str, work: Work) -> Song:
        self.asked.append(request)
        work.check()
        work.report(Progress("breathe"))
        work.report(Item(f"{self.name}: {request}"))
        if self.fault is not None:
            raise self.fault
        return Song(f"{request} by {self.name}", Provenance(self.name, self.version, notes=("in tune",)))

    def close(self) -> None:
        self.closed += 1
