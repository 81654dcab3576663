"""Messages with one field of every sort, made here: the tests of the codecs must not hang on what a service needs."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

PACKAGE = "postcards.testing"


def _field(name: str, number: int, kind: int, *, repeated: bool = False, type_name: str = "") -> Field:
    label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
    return Field(name=name, number=number, type=kind, label=label, type_name=type_name or None)


def _file() -> descriptor_pb2.FileDescriptorProto:
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


def message_classes() -> dict[str, type[Message]]:
    """The classes by name: "Every" and "Node"."""
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(_file().SerializeToString())
    found = {name: pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in ("Every", "Node")}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}
