"""What several of these tests share: two engines, a batch, and a message with one field of every sort."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

from batch_rounds import Mixer, stirring
from postcards_serving.fallback import FallbackEngine
from songbirds import Bird

PACKAGE = "postcards.testing"


def _field(name: str, number: int, kind: int, *, repeated: bool = False, type_name: str = "") -> Field:
    label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
    return Field(name=name, number=number, type=kind, label=label, type_name=type_name or None)


def _file() -> descriptor_pb2.FileDescriptorProto:
    """Made here: the tests of the codecs must not hang on what a service needs."""
    file = descriptor_pb2.FileDescriptorProto(name="testing.proto", package=PACKAGE, syntax="proto3")
    file.dependency.extend(["google/protobuf/duration.proto", "google/protobuf/timestamp.proto"])
    colour = file.enum_type.add(name="SkinColour")
    for number, name in enumerate(["SKIN_COLOUR_UNSPECIFIED", "SKIN_COLOUR_RED", "SKIN_COLOUR_SEA_GREEN"]):
        colour.value.add(name=name, number=number)
    node = file.message_type.add(name="Node")
    node.field.extend(
        [
            _field("label", 1, Field.TYPE_STRING),
            _field("children", 2, Field.TYPE_MESSAGE, repeated=True, type_name=f".{PACKAGE}.Node"),
        ]
    )
    every = file.message_type.add(name="Every")
    every.field.extend(
        [
            _field("single", 1, Field.TYPE_FLOAT),
            _field("double", 2, Field.TYPE_DOUBLE),
            _field("small", 3, Field.TYPE_INT32),
            _field("large", 4, Field.TYPE_UINT64),
            _field("flag", 5, Field.TYPE_BOOL),
            _field("text", 6, Field.TYPE_STRING),
            _field("octets", 7, Field.TYPE_BYTES),
            _field("colour", 8, Field.TYPE_ENUM, type_name=f".{PACKAGE}.SkinColour"),
            _field("node", 9, Field.TYPE_MESSAGE, type_name=f".{PACKAGE}.Node"),
            _field("triple", 10, Field.TYPE_FLOAT, repeated=True),
            _field("colours", 11, Field.TYPE_ENUM, repeated=True, type_name=f".{PACKAGE}.SkinColour"),
            _field("span", 12, Field.TYPE_MESSAGE, type_name=".google.protobuf.Duration"),
            _field("moment", 13, Field.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp"),
            _field("nodes", 14, Field.TYPE_MESSAGE, repeated=True, type_name=f".{PACKAGE}.Every.NodesEntry"),
            _field("shares", 15, Field.TYPE_MESSAGE, repeated=True, type_name=f".{PACKAGE}.Every.SharesEntry"),
        ]
    )
    for name, value in (("NodesEntry", Field.TYPE_MESSAGE), ("SharesEntry", Field.TYPE_FLOAT)):
        entry = every.nested_type.add(name=name)
        entry.options.map_entry = True
        type_name = f".{PACKAGE}.Node" if value == Field.TYPE_MESSAGE else ""
        entry.field.extend([_field("key", 1, Field.TYPE_STRING), _field("value", 2, value, type_name=type_name)])
    maybe = every.field.add(
        name="maybe", number=16, type=Field.TYPE_FLOAT, label=Field.LABEL_OPTIONAL, proto3_optional=True, oneof_index=0
    )
    assert maybe.proto3_optional
    every.oneof_decl.add(name="_maybe")
    return file


@pytest.fixture(scope="session")
def wire():
    """The message classes by name: `wire.Every`, `wire.Node`."""
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(_file().SerializeToString())
    names = {name: pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in ("Every", "Node")}
    return type("wire", (), {name: message_factory.GetMessageClass(found) for name, found in names.items()})


@pytest.fixture
def model():
    """An engine that another one stands behind."""
    return Bird()


@pytest.fixture
def tract():
    """The engine behind it."""
    return Bird("tract", "1")


@pytest.fixture
def both(model, tract):
    return FallbackEngine(model, lambda: tract, fallback="tract")


@pytest.fixture
def mixer():
    """What steps in `loop`."""
    return Mixer()


@pytest.fixture
def loop(mixer):
    """A batch whose rounds the test takes."""
    return stirring(mixer)
