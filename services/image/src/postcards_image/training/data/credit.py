"""Whose pictures a run learns from: said once, kept with the run, on its card whenever it ends."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

FILE = "data.json"
"""Where it is kept in the folder of a run."""


@dataclass(frozen=True)
class Credit:
    """Licence and makers of the pictures; empty where nobody said."""

    licence: str = ""
    """Licence, as its SPDX name or in words."""
    attribution: str = ""
    """Who made them."""


def kept(folder: Path, said: Credit) -> Credit:
    """What was said now, else what was said when the run began."""
    before = _read(folder / FILE)
    return Credit(said.licence or before.licence, said.attribution or before.attribution)


def keep(folder: Path, credit: Credit) -> None:
    """Writes it into the folder of a run, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = folder / f"{FILE}.part"
    unfinished.write_text(json.dumps(asdict(credit), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(folder / FILE)


def _read(path: Path) -> Credit:
    with suppress(OSError, ValueError):
        told: Any = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(told, dict):
            values = cast(dict[str, object], told)
            return Credit(*(str(values.get(name) or "") for name in ("licence", "attribution")))
    return Credit()
