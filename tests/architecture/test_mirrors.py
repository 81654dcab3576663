"""Every value that travels has one definition in Python and one in the protos: the two must say the same."""

import contextlib
import dataclasses
import re
import typing
from enum import Enum

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from postcards.media.v1 import media_pb2
from postcards.species.v1 import body_pb2, phonology_pb2, phrase_pb2, species_pb2, voice_pb2, world_pb2

from mirrored_classes import CLASSES
from postcards_serving.errors import InvalidField
from postcards_serving.rpc.field_limits import Limits, of_field, of_items
from postcards_serving.rpc.messages import decode, encode
from postcards_species.species import Species, derive_species

WIRE_MODULES = (body_pb2, phonology_pb2, phrase_pb2, species_pb2, voice_pb2, world_pb2, media_pb2)
MESSAGES = {name: found for module in WIRE_MODULES for name, found in module.DESCRIPTOR.message_types_by_name.items()}
ENUMS = {name: found for module in WIRE_MODULES for name, found in module.DESCRIPTOR.enum_types_by_name.items()}

MIRRORED = sorted(name for name in MESSAGES if dataclasses.is_dataclass(CLASSES.get(name)))
MIRRORED_ENUMS = sorted(name for name in ENUMS if issubclass(CLASSES.get(name, object), Enum))


def test_every_message_of_a_species_has_its_dataclass():
    species_messages = {name for name, found in MESSAGES.items() if found.full_name.startswith("postcards.species.")}
    assert species_messages == {name for name in MIRRORED if name in species_messages}
    assert {"Species", "BodyPlan", "VocalTract", "Phonology", "Scene", "Phrase"} <= species_messages


@pytest.mark.parametrize("name", MIRRORED)
def test_the_field_names_agree(name):
    wired = [field.name for field in dataclasses.fields(CLASSES[name]) if field.metadata.get("wire", True)]
    assert sorted(wired) == sorted(MESSAGES[name].fields_by_name)


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_the_enum_members_agree(name):
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() + "_"
    on_the_wire = [value.name.removeprefix(prefix) for value in ENUMS[name].values]
    assert on_the_wire[0] == "UNSPECIFIED"
    assert on_the_wire[1:] == [member.name for member in CLASSES[name]]


def wire_class(descriptor: Descriptor):
    return next(getattr(module, descriptor.name) for module in WIRE_MODULES if hasattr(module, descriptor.name))


@pytest.mark.parametrize("name", MIRRORED)
def test_the_types_go_together(name):
    # Whatever an empty message lacks is a fault of the request; TypeError would be one of the types.
    with contextlib.suppress(InvalidField):
        decode(wire_class(MESSAGES[name])(), CLASSES[name])


@pytest.mark.parametrize("seed", [0, 1, 77, 2**64 - 1])
@pytest.mark.parametrize("strangeness", [0.0, 0.37, 1.0])
def test_a_species_arrives_as_it_was_derived(seed, strangeness):
    species = derive_species(seed, strangeness, theme="stormy night")
    sent = encode(species, species_pb2.Species).SerializeToString()
    assert decode(species_pb2.Species.FromString(sent), Species) == species


FROM_STRANGERS = [
    (name, field)
    for name in MIRRORED
    for field in dataclasses.fields(CLASSES[name])
    if field.name in MESSAGES[name].fields_by_name and MESSAGES[name].full_name.startswith("postcards.species.")
]


@pytest.mark.parametrize(("name", "field"), FROM_STRANGERS, ids=lambda value: getattr(value, "name", value))
def test_what_a_stranger_may_send_is_bounded(name, field):
    descriptor = MESSAGES[name].fields_by_name[field.name]
    own, items = of_field(field.metadata), of_items(field.metadata)
    if descriptor.is_repeated:
        assert own.max_length is not None or _is_fixed(CLASSES[name], field.name), "say max_length"
    single = items if descriptor.is_repeated else own
    if descriptor.type == FieldDescriptor.TYPE_STRING:
        bounded = single.max_length is not None or _is_bounded(single.pattern)
        assert bounded, "say max_length (or item_max_length), or a pattern without * and +"
    elif descriptor.cpp_type in _NUMBERS:
        assert single != Limits(), "say a range (or item_ge, item_le)"


_NUMBERS = {
    FieldDescriptor.CPPTYPE_FLOAT,
    FieldDescriptor.CPPTYPE_DOUBLE,
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT64,
}


def _is_bounded(pattern: str | None) -> bool:
    return pattern is not None and not re.search(r"[*+]|\{\d*,\}", pattern)


def _is_fixed(kind: type, name: str) -> bool:
    arguments = typing.get_args(typing.get_type_hints(kind)[name])
    return bool(arguments) and Ellipsis not in arguments
