"""Random messages of any type, with the values that are likely to do harm."""

import math

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

FUZZ = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
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
