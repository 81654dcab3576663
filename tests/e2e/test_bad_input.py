"""Random messages for every method of the four real services: none crashes, hangs or blames itself."""

import asyncio
import dataclasses
import math
import random
import typing
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from postcards.audio.v1 import audio_pb2
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc
from postcards.image.v1 import image_pb2
from postcards.language.v1 import language_pb2

from postcards_client.ports import endpoints, trouble_with_port
from postcards_client.services import Plan, Services
from postcards_species.body import BodyPlan
from postcards_species.phonology import Phonology
from postcards_species.phrase import Phrase
from postcards_species.voice import VocalTract
from postcards_species.world import Scene

SERVICES = {
    "composer": composer_pb2.DESCRIPTOR.services_by_name["PostcardService"],
    "image": image_pb2.DESCRIPTOR.services_by_name["ImageService"],
    "audio": audio_pb2.DESCRIPTOR.services_by_name["AudioService"],
    "language": language_pb2.DESCRIPTOR.services_by_name["LanguageService"],
}
METHODS = [(name, method) for name, service in SERVICES.items() for method in service.methods]
ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
CALL_SECONDS = 1.0
SMALL = {
    "GenerateImage": {"width": 64, "height": 64},
    "GenerateAudio": {"seconds": 0.5},
    "GeneratePhrases": {"count": 1},
    "CreatePostcard": {"timeout": {"seconds": 1}, "image": {"width": 64, "height": 64}, "audio": {"seconds": 0.5}},
}
"""What keeps the work of an accepted request small."""

FUZZ = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Answer:
    """How a call ended."""

    code: grpc.StatusCode
    details: str = ""
    fields: tuple[str, ...] = ()


def refused_fields(error: grpc.RpcError) -> tuple[str, ...]:
    """The fields that a status names as wrong."""
    status = rpc_status.from_call(error)
    bad = error_details_pb2.BadRequest()
    found = [detail for detail in (status.details if status else []) if detail.Unpack(bad)]
    return tuple(violation.field for violation in bad.field_violations) if found else ()


@dataclass(frozen=True)
class Running:
    """The four services and channels to them."""

    channels: dict[str, grpc.Channel]

    def call(
        self, name: str, method: MethodDescriptor, request: Message | bytes, *, seconds: float = CALL_SECONDS
    ) -> "Answer":
        """How a call ends."""
        try:
            data = request if isinstance(request, bytes) else request.SerializeToString()
            for _ in self.answers(name, method, data, seconds):
                pass
        except grpc.RpcError as error:
            return Answer(error.code(), error.details(), refused_fields(error))
        return Answer(grpc.StatusCode.OK)

    def answers(self, name: str, method: MethodDescriptor, request: bytes, seconds: float) -> Iterator[bytes]:
        """The answers to a request, all as bytes."""
        path = f"/{method.containing_service.full_name}/{method.name}"
        if method.server_streaming:
            yield from self.channels[name].unary_stream(path)(request, timeout=seconds)
        else:
            yield self.channels[name].unary_unary(path)(request, timeout=seconds)

    def healthy(self, name: str) -> bool:
        """Whether a service says SERVING."""
        stub = health_pb2_grpc.HealthStub(self.channels[name])
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
        return answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Running]:
    bases = (random.randrange(12_000, 20_000, 8) for _ in range(200))  # noqa: S311 - ports are no secret
    base = next(b for b in bases if not any(trouble_with_port(port) for port in range(b, b + 8)))
    folder = tmp_path_factory.mktemp("bad")
    services = Services(Plan(endpoints(base), folder.as_uri(), folder))
    services.start()
    try:
        asyncio.run(services.wait_until_serving(lambda _: None))
        channels = {e.name: grpc.insecure_channel(e.address) for e in services.plan.endpoints}
        yield Running(channels)
        for channel in channels.values():
            channel.close()
    finally:
        asyncio.run(services.stop())


texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "\0", "../../etc/passwd", "<script>alert(1)</script>", "a" * 26, "{}", "%s%n", "\u202e", "💥"]
    ),
    st.sampled_from(["x", "é", "\n", "💥"]).flatmap(
        lambda unit: st.sampled_from([129, 4001, 20_001]).map(unit.__mul__)
    ),
)
floats = st.one_of(
    st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e-45, 3.4e38, -3.4e38, 0.5, 1.0])
)
FLOATING = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: texts,
    FieldDescriptor.CPPTYPE_FLOAT: floats,
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats() | floats,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)]) | st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]) | st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.sampled_from([0, 1, 64, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.sampled_from([0, 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: st.integers(-1, 20) | st.sampled_from([2**31 - 1, -(2**31)]),
}


def values(field: FieldDescriptor) -> st.SearchStrategy:
    """Any value that the wire can carry in one field."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        one = st.binary(max_size=64)
    elif field.message_type is not None:
        one = messages(field.message_type)
    else:
        one = SCALARS[field.cpp_type]
    if not field.is_repeated:
        return one
    return st.lists(one, max_size=3) | st.builds(repeated, one, st.sampled_from([25, 300]))


def repeated(value: object, times: int) -> list:
    """A value many times over, as often as fits into a message that gRPC would carry."""
    size = value.ByteSize() if isinstance(value, Message) else len(str(value))
    return [value] * max(1, min(times, 200_000 // max(1, size)))


def messages(descriptor: Descriptor) -> st.SearchStrategy[Message]:
    """Any message of a type."""
    fields = {field.name: st.none() | st.deferred(lambda field=field: values(field)) for field in descriptor.fields}
    return st.fixed_dictionaries(fields).map(lambda chosen: build(descriptor, chosen))


def build(descriptor: Descriptor, chosen: dict) -> Message:
    """A message with the chosen values; None leaves a field away."""
    return GetMessageClass(descriptor)(**{name: value for name, value in chosen.items() if value is not None})


def one_field_off(descriptor: Descriptor, base: dict) -> st.SearchStrategy[Message]:
    """A good small request in which one field holds anything."""

    def with_field(field: FieldDescriptor) -> st.SearchStrategy[Message]:
        return values(field).map(lambda value: build(descriptor, {**base, field.name: value}))

    return st.sampled_from(list(descriptor.fields)).flatmap(with_field)


@pytest.mark.parametrize(("name", "method"), METHODS, ids=[method.name for _, method in METHODS])
def test_no_message_harms_a_service(running, name, method):
    base = SMALL.get(method.name, {})

    @FUZZ
    @given(messages(method.input_type) | one_field_off(method.input_type, base))
    def answers(request: Message) -> None:
        answer = running.call(name, method, request)
        assert answer.code in ALLOWED, f"{answer.code}: {answer.details}\n{request}"

    answers()
    assert all(running.healthy(service) for service in SERVICES)


@pytest.mark.parametrize(("name", "method"), METHODS, ids=[method.name for _, method in METHODS])
def test_bytes_that_are_no_message_harm_no_service(running, name, method):
    for data in (b"\xff" * 9, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28", b"\x12" * 4096):
        answer = running.call(name, method, data)
        # gRPC itself answers INTERNAL to what it cannot parse; the call never gets to our code.
        assert answer.code in ALLOWED | {grpc.StatusCode.INTERNAL}
    assert running.healthy(name)


@pytest.mark.parametrize("name", SERVICES)
def test_a_message_too_large_is_refused(running, name):
    method = SERVICES[name].methods[0]
    field = next(f for f in method.input_type.fields if f.cpp_type == FieldDescriptor.CPPTYPE_STRING)
    answer = running.call(name, method, build(method.input_type, {field.name: "x" * (5 * 1024 * 1024)}))
    assert answer.code in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT}
    assert running.healthy(name)


LONG = "x" * 129
BAD_REQUEST_ID = [LONG, "a b", "../x", "é"]
BAD_ID = ["", "a" * 25, "a" * 27, "A" * 26, "../" + "a" * 23, "1" * 26]
BAD_SIDE = [8, 63, 65, 2056, 2**32 - 1]
BAD_STEPS = [1001, 2**32 - 1]
BAD_SHARE = [-0.01, 1.01, math.nan, math.inf]
BAD_GUIDANCE = [-1.0, 50.5, math.nan, -math.inf]
BAD_SECONDS = [0.0, 0.49, 60.5, -1.0, math.nan, math.inf]
BAD_TEMPERATURE = [-0.5, 2.5, math.nan]
BAD_TOP_P = [0.0, -0.5, 1.5, math.nan]
BAD_ENUM = [99, -1, 2**31 - 1]
BAD_PARENTS = [{"animal": "okapi", "weight": 0.2}] * 5
PART_ENGINES = {"engine": ["crayons", "x" * 65]}
IMAGE = {
    "prompt": ["x" * 2001],
    "negative_prompt": ["x" * 2001],
    "width": BAD_SIDE,
    "height": BAD_SIDE,
    "steps": BAD_STEPS,
    "guidance_scale": BAD_GUIDANCE,
    "init_strength": BAD_SHARE,
    "sampler": ["x" * 65],
    "style": ["x" * 65],
}
AUDIO = {
    "prompt": ["x" * 2001],
    "negative_prompt": ["x" * 2001],
    "seconds": BAD_SECONDS,
    "steps": BAD_STEPS,
    "guidance_scale": BAD_GUIDANCE,
    "init_strength": BAD_SHARE,
}
LANGUAGE = {
    "prompt": ["x" * 4001],
    "intent": BAD_ENUM,
    "mood": BAD_ENUM,
    "temperature": BAD_TEMPERATURE,
    "top_p": BAD_TOP_P,
}
COMMON = {"request_id": BAD_REQUEST_ID, **PART_ENGINES}
LIMITS = {
    "GenerateImage": {**COMMON, **IMAGE, "strangeness": BAD_SHARE, "caption": [["x"] * 3], "parents": [BAD_PARENTS]},
    "GenerateAudio": {**COMMON, **AUDIO, "strangeness": BAD_SHARE},
    "GeneratePhrases": {
        **COMMON,
        **LANGUAGE,
        "species_name": ["x" * 65],
        "count": [65, 2**32 - 1],
        "theme": ["x" * 201],
    },
    "CreatePostcard": {
        "request_id": BAD_REQUEST_ID,
        "theme": ["x" * 201],
        "strangeness": BAD_SHARE,
        "timeout": [{"seconds": 0, "nanos": 5}, {"seconds": 3601}, {"seconds": -1}, {"seconds": 2**62}, {"nanos": -1}],
        **{f"image.{name}": bad for name, bad in IMAGE.items()},
        **{f"audio.{name}": bad for name, bad in AUDIO.items()},
        **{f"language.{name}": bad for name, bad in LANGUAGE.items()},
        "image.engine": ["x" * 65],
        "image.finish": BAD_ENUM,
        "audio.engine": ["x" * 65],
        "language.engine": ["x" * 65],
    },
    "WatchPostcard": {"id": BAD_ID},
    "GetPostcard": {"id": BAD_ID},
    "ListPostcards": {"page_size": [101, 2**32 - 1], "page_token": ["no token", "../x", "x" * 5000]},
    "CancelPostcard": {"id": BAD_ID},
    "RepairPostcard": {"id": BAD_ID},
    "DeletePostcard": {"id": BAD_ID},
    "PlanReplay": {"id": BAD_ID[1:], "manifest": [b"", b"{}", b"\xff", b"[1]", b" " * (1024 * 1024 + 1)]},
}
"""For every method and field, values beyond its limits."""
FREE = {"seed", "after_sequence", "previews", "exact", "image.exact", "audio.exact"}
"""Fields of which every value is good."""
SPECIES = {"body_plan", "scene", "vocal_tract", "phrase", "phonology", "parents"}
"""Fields whose limits are tested value by value below."""


def leaves(descriptor: Descriptor, path: str = "") -> set[str]:
    """Paths of the fields of a request, those of its settings included."""
    found = set()
    for field in descriptor.fields:
        nested = field.message_type is not None and field.message_type.name.endswith("Settings")
        found |= leaves(field.message_type, f"{path}{field.name}.") if nested else {path + field.name}
    return found


@pytest.mark.parametrize(("name", "method"), METHODS, ids=[method.name for _, method in METHODS])
def test_a_value_beyond_its_limit_is_named(running, name, method):
    table = LIMITS[method.name]
    assert leaves(method.input_type) == table.keys() | (leaves(method.input_type) & (FREE | SPECIES))
    wrong = []
    for path, bad_values in table.items():
        for value in bad_values:
            outer, _, inner = path.rpartition(".")
            request = build(method.input_type, {outer: {inner: value}} if outer else {path: value})
            answer = running.call(name, method, request)
            if answer.code is not grpc.StatusCode.INVALID_ARGUMENT or answer.fields != (path,):
                wrong.append((path, str(value)[:40], answer))
    assert not wrong


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
