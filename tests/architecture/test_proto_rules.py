"""The rules in the protos, which clients in every language see, are those that the services hold a message to."""

import re
import typing
from dataclasses import MISSING, Field, fields
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from mirrored_classes import CLASSES
from postcards_audio import engine as audio
from postcards_composer.api.servicer import MAX_MANIFEST_BYTES, MAX_TOKEN_LENGTH
from postcards_composer.postcards import create_request as composer
from postcards_composer.postcards.ids import ID_PATTERN
from postcards_composer.store.listing import MAX_PAGE_SIZE
from postcards_image import engine as image
from postcards_language import engine as language
from postcards_serving.rpc.field_limits import Limits, of_field, of_items
from postcards_serving.rpc.request_head import RequestHead
from proto_rules import descriptor, message_names, rules, stated_rules

REQUESTS = {
    "postcards.image.v1.GenerateImageRequest": (RequestHead, image.ImageRequest),
    "postcards.audio.v1.GenerateAudioRequest": (RequestHead, audio.AudioRequest),
    "postcards.language.v1.GeneratePhrasesRequest": (RequestHead, language.PhrasesRequest),
    "postcards.composer.v1.CreatePostcardRequest": (composer.CreateRequest,),
    "postcards.composer.v1.ImageSettings": (composer.ImageSettings,),
    "postcards.composer.v1.AudioSettings": (composer.AudioSettings,),
    "postcards.composer.v1.LanguageSettings": (composer.LanguageSettings,),
}
"""Requests, of which everything may be left out: a service fills in what its engine needs. Of two classes that read one
field, the first rules."""

VALUES = {
    **{name: (CLASSES[name.rpartition(".")[2]],) for name in message_names("postcards.species")},
    **{f"postcards.media.v1.{name}": (CLASSES[name],) for name in ("Progress", "Preview", "Provenance")},
    "postcards.image.v1.ImageResult": (image.ImageResult,),
    "postcards.audio.v1.AudioResult": (audio.AudioResult,),
    "postcards.audio.v1.WordTiming": (audio.WordTiming,),
    "postcards.language.v1.PhrasesResult": (language.PhrasesResult,),
}

BY_HAND: dict[tuple[str, str], dict[str, Any]] = {
    **{
        (f"postcards.composer.v1.{verb}PostcardRequest", "id"): {
            "required": True,
            "string": {"pattern": f"^{ID_PATTERN}$"},
        }
        for verb in ("Watch", "Get", "Cancel", "Repair", "Delete")
    },
    ("postcards.composer.v1.PlanReplayRequest", "id"): {
        "ignore": "IGNORE_IF_ZERO_VALUE",
        "string": {"pattern": f"^{ID_PATTERN}$"},
    },
    ("postcards.composer.v1.PlanReplayRequest", "manifest"): {"bytes": {"max_len": MAX_MANIFEST_BYTES}},
    ("postcards.composer.v1.ListPostcardsRequest", "page_size"): {"uint32": {"lte": MAX_PAGE_SIZE}},
    ("postcards.composer.v1.ListPostcardsRequest", "page_token"): {"string": {"max_len": MAX_TOKEN_LENGTH}},
}
"""What the composer checks itself."""

RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
"""What a type holds anyway needs no rule."""

NAMES = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("double", "float", *RANGES, "string", "bytes", "enum")
}


def held_rules(field: FieldDescriptor, entry: "Field[Any]", hint: Any, *, may_be_absent: bool) -> dict[str, Any]:
    """The rules that the codecs hold a field to, as JSON spells `buf.validate.FieldRules`."""
    own, item = of_field(entry.metadata), of_items(entry.metadata)
    if _is_map(field):
        value = field.message_type.fields_by_name["value"]
        return _sized("map", own, "pairs", "values", _single(value, item))
    if field.is_repeated:
        kinds = typing.get_args(hint)
        if kinds and kinds[-1] is not Ellipsis:
            own = Limits(min_length=len(kinds), max_length=len(kinds))
        return _sized("repeated", own, "items", "items", _single(field, item))
    found = _single(field, own)
    if may_be_absent:
        breaks = not field.has_presence and found and not _zero_keeps(own)
        return {"ignore": "IGNORE_IF_ZERO_VALUE", **found} if breaks else found
    if field.message_type is not None:
        return {"required": True, **found}
    return found | ({"required": True} if field.enum_type is not None else {})


def _sized(kind: str, own: Limits, unit: str, items: str, single: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if own.min_length:
        found[f"min_{unit}"] = own.min_length
    if own.max_length is not None:
        found[f"max_{unit}"] = own.max_length
    if single:
        found[items] = single
    return {kind: found} if found else {}


def _single(field: FieldDescriptor, limits: Limits) -> dict[str, Any]:
    if field.message_type is not None:
        duration = field.message_type.full_name == "google.protobuf.Duration"
        bounds = {key: f"{value:g}s" for key, value in _bounds(limits).items()}
        return {"duration": bounds} if duration and bounds else {}
    name = NAMES.get(field.type)
    if name is None:
        return {}
    if name == "enum":
        return {"enum": {"defined_only": True} | ({"not_in": [0]} if field.is_repeated else {})}
    if name in ("string", "bytes"):
        return _text(name, limits)
    bounds = _bounds(limits, *RANGES.get(name, (None, None)))
    if name not in RANGES and len(bounds) < 2:
        bounds["finite"] = True
    return ({name: bounds} if bounds else {}) | _multiple(field.name, limits)


def _multiple(name: str, limits: Limits) -> dict[str, Any]:
    if limits.multiple_of is None:
        return {}
    rule = {
        "id": f"{name}.multiple_of",
        "message": f"must be a multiple of {limits.multiple_of}",
        "expression": f"this % {limits.multiple_of}u == 0u",
    }
    return {"cel": [rule]}


def _bounds(limits: Limits, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    named = {"gte": limits.ge, "gt": limits.gt, "lte": limits.le, "lt": limits.lt}
    return {
        name: value
        for name, value in named.items()
        if value is not None and (name, value) not in (("gte", least), ("lte", most))
    }


def _text(name: str, limits: Limits) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if limits.min_length:
        found["min_len"] = limits.min_length
    if limits.max_length is not None:
        found["max_len"] = limits.max_length
    if limits.pattern is not None:
        # Ours match the whole text; a rule matches anywhere.
        found["pattern"] = limits.pattern if limits.pattern.startswith("^") else f"^{limits.pattern}$"
    return {name: found} if found else {}


def _zero_keeps(limits: Limits) -> bool:
    return not (
        (limits.ge is not None and limits.ge > 0)
        or (limits.gt is not None and limits.gt >= 0)
        or limits.min_length
        or (limits.pattern is not None and re.fullmatch(limits.pattern, "") is None)
    )


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _is_optional(hint: Any, entry: "Field[Any]") -> bool:
    given = entry.default is not MISSING or entry.default_factory is not MISSING
    return given or type(None) in typing.get_args(hint)


def _held_of(message: str, kinds: tuple[type, ...], *, whole: bool) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for kind in reversed(kinds):
        hints = typing.get_type_hints(kind)
        for entry in fields(kind):
            field = descriptor(message).fields_by_name.get(entry.name)
            if field is not None and entry.metadata.get("wire", True):
                absent = not whole or _is_optional(hints[entry.name], entry)
                found[message, entry.name] = held_rules(field, entry, hints[entry.name], may_be_absent=absent)
    return found


HELD: dict[tuple[str, str], dict[str, Any]] = dict(BY_HAND)
for message, kinds in REQUESTS.items():
    HELD |= _held_of(message, kinds, whole=False)
for message, kinds in VALUES.items():
    HELD |= _held_of(message, kinds, whole=True)


@pytest.mark.parametrize(("message", "field"), sorted(HELD), ids=lambda value: value.rpartition(".")[2])
def test_a_field_states_what_it_is_held_to(message, field):
    assert stated_rules(descriptor(message).fields_by_name[field]) == rules(HELD[message, field])


def test_nothing_is_stated_that_is_not_held():
    stated = {
        (name, field.name)
        for name in message_names("postcards")
        for field in descriptor(name).fields
        if stated_rules(field).ListFields()
    }
    assert stated == {key for key, value in HELD.items() if value}
    assert len(stated) > 150
