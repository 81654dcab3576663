"""Every value that travels has one definition in Python and one in the protos: the two must say the same."""

import contextlib
import dataclasses
import importlib
import inspect
import pkgutil
import re
import typing
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from postcards.media.v1 import media_pb2
from postcards.species.v1 import body_pb2, phonology_pb2, phrase_pb2, species_pb2, voice_pb2, world_pb2

import postcards_species
from postcards_serving.engine import work
from postcards_serving.errors import InvalidField
from postcards_serving.rpc.field_limits import Limits, of_field, of_items
from postcards_serving.rpc.messages import decode, encode
from postcards_species.species import Species, derive_species

PROTO_ROOT = Path(__file__).resolve().parents[2] / "protos"
WIRE_MODULES = (body_pb2, phonology_pb2, phrase_pb2, species_pb2, voice_pb2, world_pb2, media_pb2)
MESSAGES = {name: found for module in WIRE_MODULES for name, found in module.DESCRIPTOR.message_types_by_name.items()}
ENUMS = {name: found for module in WIRE_MODULES for name, found in module.DESCRIPTOR.enum_types_by_name.items()}


def modules() -> list[ModuleType]:
    names = [entry.name for entry in pkgutil.walk_packages(postcards_species.__path__, "postcards_species.")]
    return [*(importlib.import_module(name) for name in names), work]


def classes() -> dict[str, type]:
    return {
        name: value
        for module in modules()
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    }


CLASSES = classes()
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


def comments(descriptor: Descriptor) -> dict[str, str]:
    """The comment above each field of a message."""
    text = (PROTO_ROOT / descriptor.file.name).read_text(encoding="utf-8")
    body = re.search(rf"^message {descriptor.name} {{$(.*?)^}}$", text, re.MULTILINE | re.DOTALL)[1]
    found = {}
    pending: list[str] = []
    for line in body.splitlines():
        stripped = line.strip()
        if stripped.startswith("//"):
            pending.append(stripped.removeprefix("//").strip())
        elif match := re.search(r"(\w+) = \d+;", stripped):
            found[match[1]], pending = " ".join(pending), []
        else:
            pending = []
    return found


NUMBER = r"(-?\d+(?:\.\d+)?)"
PHRASES = {
    rf"[Rr]ange: above {NUMBER} to {NUMBER}": lambda low, high: {"gt": low, "le": high},
    rf"[Rr]ange: {NUMBER} to {NUMBER}": lambda low, high: {"ge": low, "le": high},
    rf"each {NUMBER} to {NUMBER}": lambda low, high: {"item_ge": low, "item_le": high},
    rf"At most {NUMBER} characters": lambda high: {"max_length": high},
    rf"At most {NUMBER} bytes": lambda high: {"max_length": high},
    rf"(?<![\w.]){NUMBER} to {NUMBER} characters": lambda low, high: {"min_length": low, "max_length": high},
    rf"(?<![\w.]){NUMBER} to {NUMBER} of them": lambda low, high: {"min_length": low, "max_length": high},
}


def stated(comment: str) -> dict[str, float]:
    """The limits that a comment states in the usual words."""
    found: dict[str, float] = {}
    for pattern, meaning in PHRASES.items():
        if match := re.search(pattern, comment):
            found |= {key: value for key, value in meaning(*map(float, match.groups())).items() if key not in found}
    return found


def held(metadata: typing.Mapping[str, typing.Any]) -> dict[str, float]:
    own, items = dataclasses.asdict(of_field(metadata)), dataclasses.asdict(of_items(metadata))
    limits = own | {f"item_{key}": value for key, value in items.items()}
    return {key: value for key, value in limits.items() if value is not None}


LIMITED = [
    (name, field)
    for name in MIRRORED
    for field in dataclasses.fields(CLASSES[name])
    if field.name in comments(MESSAGES[name])
]


@pytest.mark.parametrize(("name", "field"), LIMITED, ids=lambda value: getattr(value, "name", value))
def test_the_comment_of_a_field_states_the_limits_that_are_checked(name, field):
    promised = stated(comments(MESSAGES[name])[field.name])
    checked = held(field.metadata)
    assert {key: checked.get(key) for key in promised} == promised


def test_the_comments_are_understood():
    """The comparison above would be empty if the wording of the protos changed."""
    understood = [1 for name, field in LIMITED if stated(comments(MESSAGES[name])[field.name])]
    assert len(understood) > 20


FROM_STRANGERS = [(name, field) for name, field in LIMITED if MESSAGES[name].full_name.startswith("postcards.species.")]


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
