"""The requests that make the parts of a postcard again: pure functions from its manifest.

The request that the composer would write today is taken as the ground; every setting that took part then is put back
into it by the name of its field. So a default that has changed since, or one that the part service chose by itself,
stays what it was. What a setting's name does not find in the request is not the request's: it is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from postcards.audio.v1 import audio_pb2
from postcards.image.v1 import image_pb2
from postcards.language.v1 import language_pb2

from postcards_composer.parts.requests import audio_request, image_request, language_request
from postcards_composer.postcards.manifest import Manifest, Part, PartKind, PartState
from postcards_serving.errors import FailedPrecondition, InvalidField

RequestT = TypeVar("RequestT", bound=Message)

_NOT_PUT_BACK = frozenset({"request_id", "engine", "previews"})
"""Fields that say who asks whom, not what is made."""

_FLOATS = (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE)


@dataclass(frozen=True)
class ReplayPlan:
    """What the part services are to be asked; None for a part that was never done."""

    image: image_pb2.GenerateImageRequest | None
    """Makes the picture again."""
    language: language_pb2.GeneratePhrasesRequest | None
    """Makes the phrase again."""
    audio: audio_pb2.GenerateAudioRequest | None
    """Makes the call again, in the words that it said then."""


def plan_replay(manifest: Manifest) -> ReplayPlan:
    """The requests that make the parts of a postcard again.

    Raises:
        FailedPrecondition: no part of it is done.
        InvalidField: a setting in the manifest is not what its field takes.
        ValueError: a value of the species or the phrase breaks its limits.
    """
    done = {part.kind: part for part in manifest.parts if part.state is PartState.DONE and part.provenance}
    if not done:
        raise FailedPrecondition("no part of the postcard is done", reason="NOTHING_TO_REPLAY")
    heard = manifest if manifest.says_phrase else replace(manifest, phrase=None)
    image, language, audio = (done.get(kind) for kind in (PartKind.IMAGE, PartKind.LANGUAGE, PartKind.AUDIO))
    return ReplayPlan(
        image=image and _as_then(image_request(manifest), manifest, image),
        language=language and _as_then(language_request(manifest), manifest, language),
        audio=audio and _as_then(audio_request(heard), manifest, audio),
    )


def _as_then(request: RequestT, manifest: Manifest, part: Part) -> RequestT:
    """The request, naming the engine and the settings that made the part."""
    provenance = part.provenance
    if provenance is None:
        raise ValueError(f"nothing is known of how the {part.kind.value} was made")
    place = f"parts.{part.kind.value}.provenance.settings"
    _put(request, "request_id", f"{manifest.id}.replay.{part.kind.value}")
    _put(request, "engine", provenance.engine)
    _put_back(request, provenance.settings, place)
    return request


def _put_back(request: Message, settings: Mapping[str, str], place: str) -> None:
    fields = cast(Descriptor, request.DESCRIPTOR).fields_by_name
    for name, text in settings.items():
        field = fields.get(name)
        if field is None or name in _NOT_PUT_BACK or field.is_repeated or field.message_type is not None:
            # Messages and lists are of the species and the phrase, which the manifest holds whole.
            continue
        value = _decoded(text, f"{place}.{name}")
        if value is None:
            request.ClearField(name)
        else:
            _put(request, name, _of_type(field, value, f"{place}.{name}"))


def _put(request: Message, name: str, value: object) -> None:
    try:
        setattr(request, name, value)
    except (TypeError, ValueError, OverflowError) as fault:
        raise InvalidField("manifest", f"has a value that does not fit into {name}: {fault}") from None


def _decoded(text: str, place: str) -> object:
    try:
        return cast(object, json.loads(text))
    except (ValueError, RecursionError):
        raise InvalidField("manifest", f"is damaged: {place} is not JSON") from None


def _of_type(field: FieldDescriptor, value: object, place: str) -> object:
    """`value`, seen to be what the field takes; a member of an enum stands in manifests in lower case."""
    if field.enum_type is not None:
        members = {_in_manifests(field.enum_type, member.name): member.number for member in field.enum_type.values}
        fits, value = str(value) in members, members.get(str(value))
    elif field.type == FieldDescriptor.TYPE_BOOL:
        fits = isinstance(value, bool)
    elif field.type == FieldDescriptor.TYPE_STRING:
        fits = isinstance(value, str)
    elif field.type in _FLOATS:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = isinstance(value, int) and not isinstance(value, bool)
    if not fits:
        raise InvalidField("manifest", f"is damaged: {place} cannot be so")
    return value


def _in_manifests(enum: EnumDescriptor, member: str) -> str:
    """E.g. "telling" for INTENT_TELLING."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return member.removeprefix(prefix).lower().replace("_", "-")
