# ruff: noqa: ANN401  (types are matched at run time here)
"""Protobuf messages to frozen dataclasses and back, by the names of their fields.

A dataclass mirrors a message when its fields bear the same names. The types go together like this:

| dataclass                   | message                                                        |
|-----------------------------|----------------------------------------------------------------|
| int, float, bool, str, bytes| the scalar types                                               |
| Enum member FOO             | ENUM_NAME_FOO; number 0 means "not set"                        |
| a dataclass                 | a message                                                      |
| tuple[X, ...]               | repeated X; tuple[X, X, X]: exactly three                      |
| Mapping[str, X]             | map<string, X>                                                 |
| float                       | google.protobuf.Duration, in seconds                           |
| datetime                    | google.protobuf.Timestamp                                      |
| X | None                    | None where the field is absent, or zero where presence is not tracked |

A field that has a default takes it under the same condition. Limits stand in the metadata of the dataclass field:
`ge`, `le`, `gt`, `lt`, `multiple_of` (numbers), `min_length`, `max_length` (characters, bytes, items), `pattern`
(regular expression for the whole text), each also as `item_...` for the items of a tuple or the values of a mapping.
`wire=False` keeps a field off the wire. Numbers are always finite. Both directions check everything.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, cached_property
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from postcards_serving.errors import InvalidField
from postcards_serving.rpc.field_codecs import Codec, Items, Table, scalar_codec
from postcards_serving.rpc.field_limits import Limits, of_field, of_items

ValueT = TypeVar("ValueT")
MessageT = TypeVar("MessageT", bound=Message)


def decode(message: Message, kind: type[ValueT], *, path: str = "") -> ValueT:
    """The checked value of a message. Fields of the message that `kind` has not are ignored.

    Args:
        message: what came over the wire.
        kind: the dataclass to make.
        path: where the message stands in the request, e.g. "phrase"; goes before every path in an error.

    Raises:
        InvalidField: a field breaks its limits, named by its path, e.g. "phrase.words[2].gloss".
        TypeError: `kind` does not mirror the message.
    """
    return cast(ValueT, _mirror(cast(type[Any], kind), message.DESCRIPTOR).read(message, path))


def encode(value: object, kind: type[MessageT]) -> MessageT:
    """The message of a value. A property of the dataclass fills the message field of its name.

    Raises:
        ValueError: the value breaks its limits.
        TypeError: the type of the value does not mirror the message.
    """
    try:
        return cast(MessageT, _mirror(cast(type[Any], type(value)), kind.DESCRIPTOR).write(value, ""))
    except InvalidField as fault:
        raise ValueError(f"{type(value).__name__}: {fault.message}") from None


@cache
def _mirror(kind: type[Any], descriptor: Descriptor) -> "_Mirror":
    return _Mirror(kind, descriptor)


class _Mirror:
    """The codec of one dataclass in one message. Its parts are found on first use, so that types may be recursive."""

    def __init__(self, kind: type[Any], descriptor: Descriptor) -> None:
        self._kind = kind
        self._descriptor = descriptor

    @cached_property
    def _fields(self) -> tuple["_MirroredField", ...]:
        if not is_dataclass(self._kind):
            raise TypeError(f"{self._kind.__name__} is not a dataclass")
        hints = get_type_hints(self._kind)
        wired = [entry for entry in fields(self._kind) if entry.metadata.get("wire", True)]
        return tuple(_of_field(self._kind, entry, hints[entry.name], self._descriptor) for entry in wired)

    @cached_property
    def _properties(self) -> tuple["_MirroredField", ...]:
        members = {name: getattr(self._kind, name, None) for name in self._descriptor.fields_by_name}
        return tuple(
            _of_property(member, self._descriptor.fields_by_name[name])
            for name, member in members.items()
            if isinstance(member, property)
        )

    def read(self, wire: Message, path: str) -> Any:
        values = {
            entry.name: entry.read(wire, _below(path, entry.name))
            for entry in self._fields
            if entry.is_set(wire) or entry.absence is not _Absence.DEFAULT
        }
        try:
            return self._kind(**values)
        except ValueError as fault:
            raise InvalidField(path, f"is not valid: {fault}") from None

    def write(self, value: Any, path: str) -> Message:
        if not isinstance(value, self._kind):
            raise InvalidField(path, f"must be a {self._kind.__name__}, not {type(value).__name__}")
        message = GetMessageClass(self._descriptor)()
        for entry in (*self._fields, *self._properties):
            held = getattr(value, entry.name)
            if held is not None:
                entry.put(message, entry.codec.write(held, _below(path, entry.name)))
        return message


class _Absence(Enum):
    """What an absent field means; without presence on the wire, zero counts as absent."""

    DEFAULT = "the default of the dataclass"
    NONE = "None"
    ZERO = "zero, which is checked like any value"
    FAULT = "an invalid request"


@dataclass(frozen=True)
class _MirroredField:
    """One field of a dataclass beside its counterpart."""

    name: str
    codec: Codec
    descriptor: FieldDescriptor
    absence: _Absence

    def is_set(self, wire: Message) -> bool:
        """Whether the message holds a value for it."""
        if self.descriptor.has_presence:
            return wire.HasField(self.name)
        return bool(getattr(wire, self.name))

    def read(self, wire: Message, path: str) -> Any:
        """Its checked value, `_Absence.DEFAULT` aside."""
        if not self.is_set(wire):
            if self.absence is _Absence.NONE:
                return None
            if self.absence is _Absence.FAULT:
                raise InvalidField(path, "is required")
        return self.codec.read(getattr(wire, self.name), path)

    def put(self, message: Message, wire: Any) -> None:
        """Sets it in a fresh message."""
        if _is_map(self.descriptor):
            _fill(getattr(message, self.name), wire)
        elif self.descriptor.is_repeated:
            getattr(message, self.name).extend(wire)
        elif isinstance(wire, Message):
            getattr(message, self.name).CopyFrom(wire)
        else:
            setattr(message, self.name, wire)


def _of_field(kind: type[Any], entry: "Field[Any]", hint: Any, descriptor: Descriptor) -> _MirroredField:
    counterpart = descriptor.fields_by_name.get(entry.name)
    if counterpart is None:
        raise TypeError(f"{descriptor.full_name} has no field {entry.name!r}, which {kind.__name__} has")
    try:
        codec = _codec(hint, counterpart, entry.metadata)
    except TypeError as fault:
        raise TypeError(f"{kind.__name__}.{entry.name}: {fault}") from None
    if entry.default is not MISSING or entry.default_factory is not MISSING:
        absence = _Absence.DEFAULT
    elif _is_optional(hint):
        absence = _Absence.NONE
    else:
        absence = _Absence.FAULT if counterpart.has_presence else _Absence.ZERO
    return _MirroredField(entry.name, codec, counterpart, absence)


def _of_property(member: property, descriptor: FieldDescriptor) -> _MirroredField:
    hint = get_type_hints(member.fget)["return"]
    return _MirroredField(descriptor.name, _codec(hint, descriptor, {}), descriptor, _Absence.FAULT)


def _codec(hint: Any, descriptor: FieldDescriptor, metadata: Mapping[str, Any]) -> Codec:
    kind = _without_none(hint)
    limits, item_limits = of_field(metadata), of_items(metadata)
    origin, arguments = get_origin(kind), get_args(kind)
    if descriptor.message_type is not None and _is_map(descriptor):
        if not isinstance(origin, type) or not issubclass(origin, Mapping):
            raise TypeError(f"{kind} does not go with a map")
        entry = descriptor.message_type.fields_by_name
        key = _single_codec(arguments[0], entry["key"], Limits())
        return Table(key, _single_codec(arguments[1], entry["value"], item_limits), limits)
    if descriptor.is_repeated:
        if origin is not tuple:
            raise TypeError(f"{kind} does not go with a repeated field")
        if arguments[-1] is not Ellipsis:
            limits = Limits(min_length=len(arguments), max_length=len(arguments))
        return Items(_single_codec(arguments[0], descriptor, item_limits), limits)
    return _single_codec(kind, descriptor, limits)


def _single_codec(kind: Any, descriptor: FieldDescriptor, limits: Limits) -> Codec:
    if isinstance(kind, type) and is_dataclass(kind) and descriptor.type == FieldDescriptor.TYPE_MESSAGE:
        return _mirror(cast(type[Any], kind), descriptor.message_type)
    codec = scalar_codec(kind, descriptor, limits)
    if codec is None:
        raise TypeError(f"{kind} does not go with the type of {descriptor.full_name}")
    return codec


def _fill(table: Any, entries: Mapping[Any, Any]) -> None:
    for key, value in entries.items():
        if isinstance(value, Message):
            table[key].CopyFrom(value)
        else:
            table[key] = value


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_map(descriptor: FieldDescriptor) -> bool:
    kind = descriptor.message_type
    return descriptor.is_repeated and kind is not None and kind.GetOptions().map_entry


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _without_none(hint: Any) -> Any:
    if not _is_optional(hint):
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    if len(kinds) != 1:
        raise TypeError(f"{hint} is more than one type")
    return kinds[0]
