"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it stands with what was looked at."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """Postcards can be made, but something will be slow, short, or left to another engine."""
    MISSING = "missing"
    """Something has to be mended first."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    topic: str
    """What it belongs to: "machine", "image", "audio", "language", "store" or "services"."""
    check: str
    """What was looked at, e.g. "disk"."""
    level: Level
    """How it stands."""
    found: str
    """What was found."""
    advice: str = ""
    """The one step that mends it; empty when nothing is wrong."""

    @property
    def ok(self) -> bool:
        """Whether nothing has to be mended first."""
        return self.level is not Level.MISSING


def good(topic: str, check: str, found: str) -> Finding:
    """What was checked is as it should be; nothing is advised."""
    return Finding(topic, check, Level.OK, found)


def warning(topic: str, check: str, found: str, advice: str) -> Finding:
    """It works, but not well."""
    return Finding(topic, check, Level.WARNING, found, advice)


def missing(topic: str, check: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(topic, check, Level.MISSING, found, advice)
