"""Which postcards a jungle has: a pure function of its seed and its settings."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

RECORD = "jungle.json"


@dataclass(frozen=True)
class Roster:
    """Everything that decides what the postcards of a jungle are. Its size does not: a jungle can grow."""

    seed: int
    """Seed of the jungle, 0 to 2**64 - 1."""
    theme: str = ""
    """Theme of every postcard."""
    strangeness: float | None = None
    """Strangeness of every species, 0 to 1; None for the server's own."""

    def member(self, index: int) -> "Member":
        """The postcard at `index`, from 0."""
        digest = hashlib.sha256(f"postcards jungle {self.seed} {index}".encode()).digest()
        return Member(index, int.from_bytes(digest[:8]), f"jungle.{self._fingerprint()}.{index}")

    def _fingerprint(self) -> str:
        """Names the roster: other settings make other postcards, which need other request ids."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Member:
    """One postcard of a jungle."""

    index: int
    """Position in the jungle, from 0."""
    seed: int
    """Seed of the species."""
    request_id: str
    """Asks for the same postcard however often it is asked."""


def roster_for(folder: Path, seed: int | None, theme: str, strangeness: float | None) -> Roster:
    """The roster that the options name.

    Without a seed, the jungle that `folder` holds goes on, with the settings that are given changed; where it holds
    none, a new one with a random seed begins.
    """
    if seed is not None:
        return Roster(seed, theme, strangeness)
    kept = read_record(folder)
    if kept is None:
        return Roster(secrets.randbits(64), theme, strangeness)
    return Roster(kept.seed, theme or kept.theme, kept.strangeness if strangeness is None else strangeness)


def read_record(folder: Path) -> Roster | None:
    """The roster whose jungle lies in `folder`; None when there is none that can be read."""
    try:
        record: object = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict):
        return None
    values = cast("Mapping[str, Any]", record)
    seed, theme, strangeness = values.get("seed"), values.get("theme"), values.get("strangeness")
    if not isinstance(seed, int) or not isinstance(theme, str) or not isinstance(strangeness, float | int | None):
        return None
    return Roster(seed, theme, strangeness)


def write_record(folder: Path, roster: Roster) -> None:
    """Notes in `folder` which jungle it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{RECORD}"
    partial.write_text(json.dumps(asdict(roster), indent=2) + "\n", "utf-8")
    partial.replace(folder / RECORD)
