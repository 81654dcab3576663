"""Species bent, broken and beyond their limits, for every method that takes one: made or refused, never a crash."""

import dataclasses
import math
import random
import typing
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc

from any_message import FLOATING, FUZZ, build, values
from postcards_species.body.derive import BodyPlan
from postcards_species.place.scene import Scene
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Phrase
from postcards_species.voice.derive import VocalTract
from service_calls import ALLOWED, METHODS, SMALL, SPECIES


@pytest.fixture(scope="module")
def postcard(running) -> composer_pb2.Postcard:
    """A finished postcard, for a species with everything that belongs to it."""
    stub = composer_pb2_grpc.PostcardServiceStub(running.channels["composer"])
    request = build(
        composer_pb2.CreatePostcardRequest.DESCRIPTOR, {**SMALL["CreatePostcard"], "seed": 7, "timeout": None}
    )
    made = stub.CreatePostcard(request, timeout=30, wait_for_ready=True).postcard
    for event in stub.WatchPostcard(composer_pb2.WatchPostcardRequest(id=made.id), timeout=120):
        if event.WhichOneof("event") == "postcard":
            made = event.postcard
    assert made.state == composer_pb2.POSTCARD_STATE_ACTIVE
    return made


SPECIES_METHODS = [pair for pair in METHODS if SPECIES.intersection(pair[1].input_type.fields_by_name)]
SPECIES_IDS = [method.name for _, method in SPECIES_METHODS]


def whole_request(method: MethodDescriptor, postcard: composer_pb2.Postcard) -> Message:
    """A small request with everything that it can say of the species."""
    request = build(method.input_type, SMALL[method.name])
    for field in method.input_type.fields:
        if field.name in SPECIES:
            source = postcard if field.name == "phrase" else postcard.species
            getattr(request, field.name).MergeFrom(getattr(source, field.name))
    return request


Place = tuple[tuple[str, int | None], ...]


def places(message: Message, at: Place = ()) -> Iterator[tuple[Place, FieldDescriptor]]:
    """Every field within a message and within the messages it holds, the first item of those that repeat."""
    for field in message.DESCRIPTOR.fields:
        yield (*at, (field.name, None)), field
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            held = getattr(message, field.name)
            if not field.is_repeated:
                yield from places(held, (*at, (field.name, None)))
            elif held:
                yield from places(held[0], (*at, (field.name, 0)))


def put(message: Message, place: Place, value: object) -> Message:
    """A copy of `message` that holds `value` at `place`."""
    copy = type(message)()
    copy.CopyFrom(message)
    inner = copy
    for name, index in place[:-1]:
        inner = getattr(inner, name) if index is None else getattr(inner, name)[index]
    name = place[-1][0]
    inner.ClearField(name)
    inner.MergeFrom(type(inner)(**{name: value}))
    return copy


def path_of(place: Place) -> str:
    """The path as errors name it, e.g. "phrase.words[0].gloss"."""
    return ".".join(name if index is None else f"{name}[{index}]" for name, index in place)


@pytest.mark.long
@pytest.mark.parametrize(("name", "method"), SPECIES_METHODS, ids=SPECIES_IDS)
def test_no_strange_species_harms_an_engine(running, postcard, name, method):
    base = whole_request(method, postcard)
    assert running.call(name, method, base, seconds=30).code is grpc.StatusCode.OK
    inner = [(place, field) for place, field in places(base) if place[0][0] in SPECIES and len(place) > 1]
    choices = st.sampled_from(inner).flatmap(lambda pair: st.tuples(st.just(pair[0]), values(pair[1])))

    @settings(FUZZ, max_examples=120)
    @given(choices)
    def answers(choice: tuple[Place, object]) -> None:
        request = put(base, *choice)
        answer = running.call(name, method, request, seconds=30)
        assert answer.code in ALLOWED, f"{path_of(choice[0])} = {choice[1]!r}: {answer}"

    answers()
    assert running.healthy(name)


def beyond(message: Message, place: Place, field: FieldDescriptor) -> list[object]:
    """Values that no field of this type may hold, whatever its limits are."""
    kinds = {
        **{key: [math.nan, math.inf, -math.inf] for key in FLOATING},
        FieldDescriptor.CPPTYPE_ENUM: [99, -1],
        FieldDescriptor.CPPTYPE_STRING: ["x" * 100_001],
    }
    found = kinds.get(field.cpp_type, [])
    if not field.is_repeated:
        return found
    held = message
    for name, index in place:
        held = getattr(held, name) if index is None else getattr(held, name)[index]
    return [[value] for value in found] + ([[held[0]] * 10_001] if held else [])


@pytest.mark.parametrize(("name", "method"), SPECIES_METHODS, ids=SPECIES_IDS)
def test_every_value_of_a_species_is_checked(running, postcard, name, method):
    base = whole_request(method, postcard)
    wrong = []
    for place, field in places(base):
        if place[0][0] in SPECIES:
            for value in beyond(base, place, field):
                answer = running.call(name, method, put(base, place, value))
                named = answer.fields[0] if answer.fields else ""
                if answer.code is not grpc.StatusCode.INVALID_ARGUMENT or not named.startswith(path_of(place)):
                    wrong.append((path_of(place), str(value)[:40], answer))
    assert not wrong


MIRRORS = {"body_plan": BodyPlan, "scene": Scene, "vocal_tract": VocalTract, "phrase": Phrase, "phonology": Phonology}


def bend(message: Message, kind: type, chance: random.Random) -> None:
    """Sets about a third of the numbers and enums of a species value to others within their limits, ends included."""
    for entry in dataclasses.fields(kind):
        field = message.DESCRIPTOR.fields_by_name[entry.name]
        if field.message_type is not None:
            for inner in list(getattr(message, field.name)) if field.is_repeated else [getattr(message, field.name)]:
                hint = typing.get_type_hints(kind)[entry.name]
                bend(inner, typing.get_args(hint)[0] if typing.get_args(hint) else hint, chance)
        elif not field.is_repeated and chance.random() < 1 / 3:
            low, high = entry.metadata.get("ge"), entry.metadata.get("le")
            if field.enum_type is not None:
                setattr(message, field.name, chance.randrange(1, len(field.enum_type.values)))
            elif low is not None and high is not None:
                within = chance.uniform(low, high) if field.cpp_type in FLOATING else chance.randint(low, high)
                setattr(message, field.name, chance.choice([low, high, within]))


@pytest.mark.parametrize(("name", "method"), SPECIES_METHODS, ids=SPECIES_IDS)
def test_every_species_within_its_limits_can_be_made(running, postcard, name, method):
    base = whole_request(method, postcard)
    wrong = []
    for seed in range(16):
        request = type(base)()
        request.CopyFrom(base)
        for field, kind in MIRRORS.items():
            if field in method.input_type.fields_by_name:
                bend(getattr(request, field), kind, random.Random(seed))  # noqa: S311 - repeatable, not secret
        answer = running.call(name, method, request, seconds=60)
        if answer.code is not grpc.StatusCode.OK:
            wrong.append((seed, answer))
    assert not wrong
    assert running.healthy(name)
