"""Looks whether the engine of the language service can work: its package, its key, the API that it asks."""

import asyncio
import contextlib
import urllib.parse
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from postcards_client.doctor.finding import Finding, Level, good, missing, warning
from postcards_client.services import EMBEDDED

_TOPIC = "language"
_ENGINES = ("phonotactic", "openai")
_KEYS_PAGE = "https://platform.openai.com/api-keys"
_WITHIN = 3.0


async def look(settings: Mapping[str, str]) -> list[Finding]:
    """Every check of the language engine."""
    engine = settings.get("POSTCARDS_LANGUAGE_ENGINE", "").strip() or EMBEDDED["language"]
    if engine not in _ENGINES:
        advice = f"set POSTCARDS_LANGUAGE_ENGINE to one of {', '.join(_ENGINES)}"
        return [missing(_TOPIC, "language engine", f"{engine!r} is no engine", advice)]
    if engine != "openai":
        return [good(_TOPIC, "language engine", f"{engine}, which needs no model")]
    model = settings.get("POSTCARDS_LANGUAGE_MODEL", "")
    findings = [good(_TOPIC, "language engine", f"openai{f', model {model}' if model else ''}")]
    if find_spec("openai") is None:
        findings.append(missing(_TOPIC, "language packages", "openai is not installed", "run make setup"))
    base = settings.get("OPENAI_BASE_URL", "").strip()
    findings += [_key(settings, base), *([await _server(base)] if base else [])]
    fallback = settings.get("POSTCARDS_LANGUAGE_FALLBACK", "").strip()
    if not fallback or all(finding.ok for finding in findings):
        return findings
    advice = "mend what is above, and it stands by only"
    findings = [finding if finding.ok else replace(finding, level=Level.WARNING) for finding in findings]
    return [*findings, warning(_TOPIC, "fallback", f"{fallback} makes the phrases instead of openai", advice)]


def _key(settings: Mapping[str, str], base: str) -> Finding:
    key, source = settings.get("OPENAI_API_KEY", ""), "OPENAI_API_KEY"
    if not key and (named := settings.get("OPENAI_API_KEY_FILE", "")):
        source = "OPENAI_API_KEY_FILE"
        try:
            key = Path(named).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else "it is no text"
            return missing(_TOPIC, "key", f"{source}: cannot read {named}: {reason}", "name a file that holds the key")
        if not key:
            return missing(_TOPIC, "key", f"{source}: {named} is empty", "put the key into it")
    if not key:
        if base:
            return good(_TOPIC, "key", "none, which many servers of one's own are content with")
        advice = f"make one at {_KEYS_PAGE}, then set OPENAI_API_KEY (or OPENAI_API_KEY_FILE)"
        return missing(_TOPIC, "key", "openai has no key", advice)
    if any(letter.isspace() or letter in "\"'" for letter in key) or not key.isascii():
        found = f"what {source} holds has spaces, quotes or other letters that no key has"
        return missing(_TOPIC, "key", found, "copy the key again, alone")
    return good(_TOPIC, "key", f"from {source}")


async def _server(base: str) -> Finding:
    """Whether anybody listens where the API is meant to be. Nothing is asked: that could cost."""
    shown = _without_password(base)
    try:
        parts = urllib.parse.urlsplit(base)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        parts, port = None, 0
    if parts is None or not parts.hostname or not port:
        advice = "set OPENAI_BASE_URL to one like http://127.0.0.1:8000/v1"
        return missing(_TOPIC, "API", f"OPENAI_BASE_URL is no address: {shown}", advice)
    try:
        async with asyncio.timeout(_WITHIN):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError, UnicodeError):
        return missing(_TOPIC, "API", f"nobody answers at {shown}", "start the server, or mend OPENAI_BASE_URL")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return good(_TOPIC, "API", f"a server listens at {shown}")


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    host = place.rpartition("@")[2]
    return f"{scheme}{mark}{host}{slash}{path.partition('?')[0]}" if mark else "(not shown)"
