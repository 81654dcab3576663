"""What a language model is asked to answer, and what can be read from what it answered."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from postcards_species.speech.phrase import Intent, Mood

SCHEMA_NAME = "phrases"
_TEXT: dict[str, object] = {"type": "string"}


def schema_of(count: int) -> dict[str, object]:
    """The shape of an answer with `count` phrases, as JSON schema that strict structured output takes."""
    word = _object(text=_TEXT, gloss=_TEXT)
    phrase = _object(
        animal_text=_TEXT,
        english_gloss=_TEXT,
        intent={"type": "string", "enum": [intent.value for intent in Intent]},
        mood={"type": "string", "enum": [mood.value for mood in Mood]},
        words={"type": "array", "items": word},
    )
    return _object(phrases={"type": "array", "items": phrase, "minItems": count, "maxItems": count})


def _object(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_ANIMAL_TEXT = re.compile(r'"animal_text"\s*:\s*"((?:[^"\\]|\\.)*)')
_DECODER = json.JSONDecoder(strict=False)
_MOST_OBJECTS = 64
_MOST_TRIES = 1000


@dataclass(frozen=True)
class ProposedWord:
    """One word as the model proposed it."""

    text: str
    """Its sounds, spelled by ear."""
    gloss: str
    """Its meaning."""


@dataclass(frozen=True)
class Proposal:
    """One phrase as the model proposed it; empty where it left something out."""

    animal_text: str = ""
    """What the animal says."""
    english_gloss: str = ""
    """What it means."""
    intent: Intent | None = None
    """What it does; None where the model named none that exists."""
    mood: Mood | None = None
    """How it feels; None where the model named none that exists."""
    words: tuple[ProposedWord, ...] = ()
    """Word by word."""


@dataclass(frozen=True)
class Reading:
    """What was read from a reply."""

    proposals: tuple[Proposal, ...] = ()
    """Phrases, in order."""
    growls: tuple[str, ...] = ()
    """Lines of a reply that holds no JSON."""
    cut_off: bool = False
    """Whether the JSON ends in the middle."""


def read_reply(text: str) -> Reading:
    """Everything in `text` that can be used, whatever stands around it and wherever it ends."""
    objects = list(_phrase_objects(text))
    if objects:
        return Reading(tuple(_proposal(entry) for entry in objects), cut_off=not _ends_well(text))
    if "{" in text or "animal_text" in text:
        return Reading(cut_off=not _ends_well(text))
    return Reading(growls=tuple(line for line in map(_bare_line, text.splitlines()) if line))


def animal_text_so_far(text: str) -> str:
    """The animal text in the beginning of a reply, its phrases in lines, for showing while it comes in."""
    if "{" not in text:
        return "\n".join(line for line in map(_bare_line, text.splitlines()) if line)
    return "\n".join(filter(None, (_unescaped(found) for found in _ANIMAL_TEXT.findall(text))))


def complete_phrases(text: str) -> int:
    """How many phrases the beginning of a reply holds whole."""
    return sum(1 for _ in _phrase_objects(text))


def _phrase_objects(text: str) -> Iterator[Mapping[str, Any]]:
    """Every whole JSON object in `text` that looks like a phrase, outermost first."""
    at = text.find("{")
    found = tried = 0
    while at >= 0 and found < _MOST_OBJECTS and tried < _MOST_TRIES:
        tried += 1
        try:
            value, end = cast(tuple[object, int], _DECODER.raw_decode(text, at))
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        for entry in _phrases_in(value):
            found += 1
            yield entry
        at = text.find("{", end)


def _phrases_in(value: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(value, dict):
        return
    entry = cast(dict[str, Any], value)
    if "animal_text" in entry:
        yield entry
        return
    for inner in entry.values():
        for item in cast(list[Any], inner) if isinstance(inner, list) else [inner]:
            if isinstance(item, dict) and "animal_text" in item:
                yield cast(dict[str, Any], item)


def _ends_well(text: str) -> bool:
    """Whether every bracket that is opened in `text`, outside of strings, is closed again."""
    depth = 0
    quoted = escaped = False
    for character in text[max(0, text.find("{")) :]:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
    return depth <= 0 and not quoted


def _proposal(entry: Mapping[str, Any]) -> Proposal:
    return Proposal(
        animal_text=_text(entry.get("animal_text")),
        english_gloss=_text(entry.get("english_gloss")),
        intent=next((intent for intent in Intent if intent.value == _text(entry.get("intent")).lower()), None),
        mood=next((mood for mood in Mood if mood.value == _text(entry.get("mood")).lower()), None),
        words=tuple(_words(entry.get("words"))),
    )


def _words(value: object) -> Iterator[ProposedWord]:
    for item in cast(list[Any], value) if isinstance(value, list) else []:
        if isinstance(item, dict):
            word = cast(dict[str, Any], item)
            if text := _text(word.get("text")):
                yield ProposedWord(text, _text(word.get("gloss")))


def _text(value: object) -> str:
    return printable(value) if isinstance(value, str) else ""


def printable(text: str) -> str:
    """`text` in one line, without what cannot be printed or sent: control characters, halves of surrogate pairs."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _bare_line(line: str) -> str:
    """A line without list marks, quotes and code fences around it."""
    return re.sub(r"^(?:[-*\u2022>#]+|\d+[.)])\s+", "", printable(line)).strip('`"\u201c\u201d* ')


def _unescaped(text: str) -> str:
    try:
        return printable(str(json.loads(f'"{text}"', strict=False)))
    except ValueError:
        return printable(text)
