"""What runs of the `postcards` command leave, for all tests that run it."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run that has ended."""

    exit_code: int
    out: str
    """Standard output."""
    err: str
    """Standard error."""

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        return json.loads(self.out)

    @property
    def last_line(self) -> str:
        """The last line of standard output."""
        return self.out.splitlines()[-1]
