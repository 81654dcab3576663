"""Looks whether the engine of the language service can work: its package, its key, the API that it asks."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from postcards_cli.doctor import language_api
from postcards_cli.doctor.finding import Finding, Level, good, missing, warning
from postcards_cli.local.services import EMBEDDED

_TOPIC = "language"
_ENGINES = ("phonotactic", "openai")
DEFAULT_MODEL = "gpt-5.1"
"""What the language service asks for where no model is named."""


async def look(settings: Mapping[str, str]) -> list[Finding]:
    """Every check of the language engine."""
    engine = settings.get("POSTCARDS_LANGUAGE_ENGINE", "").strip() or EMBEDDED["language"]
    if engine not in _ENGINES:
        advice = f"set POSTCARDS_LANGUAGE_ENGINE to one of {', '.join(_ENGINES)}"
        return [missing(_TOPIC, "language engine", f"{engine!r} is no engine", advice)]
    if engine != "openai":
        return [good(_TOPIC, "language engine", f"{engine}, which needs no model")]
    model = settings.get("POSTCARDS_LANGUAGE_MODEL", "").strip()
    findings = [good(_TOPIC, "language engine", f"openai{f', model {model}' if model else ''}")]
    if find_spec("openai") is None:
        findings.append(missing(_TOPIC, "language packages", "openai is not installed", "run make setup"))
    base = settings.get("OPENAI_BASE_URL", "").strip()
    key, source, found = _key(settings, base)
    findings.append(found)
    if found.ok:
        findings.append(await language_api.look(language_api.Api(base, key, source, model or DEFAULT_MODEL)))
    fallback = settings.get("POSTCARDS_LANGUAGE_FALLBACK", "").strip()
    if not fallback or all(finding.ok for finding in findings):
        return findings
    advice = "mend what is above, and it stands by only"
    findings = [finding if finding.ok else replace(finding, level=Level.WARNING) for finding in findings]
    return [*findings, warning(_TOPIC, "fallback", f"{fallback} makes the phrases instead of openai", advice)]


def _key(settings: Mapping[str, str], base: str) -> tuple[str, str, Finding]:
    """The key, the setting that it comes from, and what is to be said of it."""
    key, source = settings.get("OPENAI_API_KEY", ""), "OPENAI_API_KEY"
    if not key and (named := settings.get("OPENAI_API_KEY_FILE", "")):
        source = "OPENAI_API_KEY_FILE"
        try:
            key = Path(named).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else "it is no text"
            found = missing(_TOPIC, "key", f"{source}: cannot read {named}: {reason}", "name a file that holds the key")
            return "", source, found
        if not key:
            return "", source, missing(_TOPIC, "key", f"{source}: {named} is empty", "put the key into it")
    return key, source, _looked_at(key, source, base)


def _looked_at(key: str, source: str, base: str) -> Finding:
    if not key:
        if base:
            return good(_TOPIC, "key", "none, which many servers of one's own are content with")
        advice = f"make one at {language_api.KEYS_PAGE}, then set OPENAI_API_KEY (or OPENAI_API_KEY_FILE)"
        return missing(_TOPIC, "key", "openai has no key", advice)
    if any(letter.isspace() or letter in "\"'" for letter in key) or not key.isascii():
        found = f"what {source} holds has spaces, quotes or other letters that no key has"
        return missing(_TOPIC, "key", found, "copy the key again, alone")
    return good(_TOPIC, "key", f"from {source}")
