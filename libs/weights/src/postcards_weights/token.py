"""The token that the Hugging Face hub knows its user by. Never shown."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Token:
    """A token, or why there is none."""

    value: str = field(default="", repr=False)
    """The token; empty without one."""
    source: str = ""
    """Where it is from, e.g. "HF_TOKEN"."""
    fault: str = ""
    """Why one that was named cannot be used."""


def hub_token(settings: Mapping[str, str]) -> Token:
    """The token of `HF_TOKEN`, of the file that `HF_TOKEN_FILE` names, or of the hub client's own login."""
    if value := settings.get("HF_TOKEN", "").strip():
        return Token(value, "HF_TOKEN")
    if named := settings.get("HF_TOKEN_FILE", ""):
        try:
            value = Path(named).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            return Token(source="HF_TOKEN_FILE", fault=f"HF_TOKEN_FILE: cannot read {named}: {reason}")
        fault = "" if value else f"HF_TOKEN_FILE: {named} is empty"
        return Token(value, "HF_TOKEN_FILE", fault)
    home = settings.get("HF_HOME") or f"{settings.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    path = Path(os.path.expandvars(settings.get("HF_TOKEN_PATH") or f"{home}/token")).expanduser()
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return Token()
    return Token(value, "the login of this machine") if value else Token()
