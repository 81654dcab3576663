"""Postcards as plain JSON values: the contract of `--json`."""

from typing import Any

from postcards.composer.v1 import composer_pb2
from postcards.image.v1 import image_pb2
from postcards.species.v1 import phrase_pb2

Json = dict[str, Any]


def state_name(state: composer_pb2.PostcardState.ValueType) -> str:
    """Short name of a postcard's state, e.g. "ACTIVE"."""
    return _short(composer_pb2.PostcardState, state)


def part_name(kind: composer_pb2.PartKind.ValueType) -> str:
    """Lower-case name of a part, e.g. "image"."""
    return _short(composer_pb2.PartKind, kind).lower()


def part_state_name(state: composer_pb2.PartState.ValueType) -> str:
    """Short name of a part's state, e.g. "DONE"."""
    return _short(composer_pb2.PartState, state)


def postcard_view(postcard: composer_pb2.Postcard) -> Json:
    """A postcard as `--json` shows it. Seeds are numbers of up to 64 bits; times are RFC 3339."""
    species = postcard.species
    return {
        "id": postcard.id,
        "state": state_name(postcard.state),
        "name": species.name,
        "binomial": species.binomial,
        "seed": postcard.seed,
        "strangeness": round(species.strangeness, 6),
        "theme": postcard.theme,
        "field_note": species.field_note,
        "parents": [{"animal": parent.animal, "weight": round(parent.weight, 4)} for parent in species.parents],
        "temperament": list(species.temperament),
        "phrase": phrase_view(postcard.phrase) if postcard.HasField("phrase") else None,
        "alt_text": postcard.alt_text,
        "parts": {part_name(part.kind): part_view(part) for part in postcard.parts},
        "location": postcard.location,
        "files": {file.name: file_view(file) for file in postcard.files},
        "create_time": postcard.create_time.ToJsonString() if postcard.HasField("create_time") else None,
        "update_time": postcard.update_time.ToJsonString() if postcard.HasField("update_time") else None,
        "revision": postcard.revision,
    }


def phrase_view(phrase: phrase_pb2.Phrase) -> Json:
    """A phrase, its words with their glosses."""
    return {
        "animal_text": phrase.animal_text,
        "english_gloss": phrase.english_gloss,
        "intent": _short(phrase_pb2.Intent, phrase.intent).lower(),
        "mood": _short(phrase_pb2.Mood, phrase.mood).lower(),
        "words": [{"text": word.text, "gloss": word.gloss} for word in phrase.words],
    }


def part_view(part: composer_pb2.Part) -> Json:
    """A part: how far it is, who made it, what was otherwise than asked, what it consumed, and why it failed.

    "safety" is what the model's safety checker said of the picture, "passed" or "withheld"; null where nobody looked.
    """
    return {
        "state": part_state_name(part.state),
        "engine": part.provenance.engine or None,
        "model": part.provenance.model or None,
        "safety": _short(image_pb2.SafetyVerdict, part.safety).lower() if part.safety else None,
        "notes": list(part.provenance.notes),
        "usage": {unit: round(amount, 9) for unit, amount in sorted(part.provenance.usage.items())},
        "seconds": round(part.duration.ToTimedelta().total_seconds(), 3) if part.HasField("duration") else None,
        "attempts": part.attempts,
        "error": {"code": part.error.code, "reason": part.error.reason, "message": part.error.message}
        if part.HasField("error")
        else None,
    }


def file_view(file: composer_pb2.File) -> Json:
    """A file of a postcard."""
    return {
        "url": file.url,
        "content_type": file.content_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
    }


def _short(enum: Any, value: int) -> str:  # noqa: ANN401 - the generated enum wrappers share no public type
    """Name of an enum value without the prefix that all values of the enum share; the number when it is unknown."""
    names: dict[int, str] = {number: name for name, number in enum.items()}
    prefix = names[0].removesuffix("UNSPECIFIED")
    return names[value].removeprefix(prefix) if value in names else str(value)
