# ruff: noqa: ANN401  (types are matched at run time here)
"""How one field of a dataclass travels in one field of a protobuf message, both ways.

A codec is chosen once from the type of the dataclass field and the descriptor of the message field. `read` turns what
the wire brought into a checked value; `write` turns a checked value into what the message field takes. Both name the
place of a fault by its path.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol, cast

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from typing_extensions import override

from postcards_serving.errors import InvalidField
from postcards_serving.rpc.field_limits import DEFAULT_MAX_ITEMS, Limits, length_fault, number_fault, text_fault

_NANOS = 1_000_000_000
_MAX_DURATION_SECONDS = 315_576_000_000
"""Ten thousand years: the limit of google.protobuf.Duration."""


class Codec(Protocol):
    """Translates the values of one field between a message and a dataclass."""

    def read(self, wire: Any, path: str) -> Any:
        """The checked value of what the wire brought; raises InvalidField at `path`."""
        ...

    def write(self, value: Any, path: str) -> Any:
        """What the message field takes for a checked value; raises InvalidField at `path`."""
        ...


def _raise(fault: str | None, path: str) -> None:
    if fault is not None:
        raise InvalidField(path, fault)


@dataclass(frozen=True)
class Flag(Codec):
    """A field of bool: bool on both sides."""

    @override
    def read(self, wire: bool, path: str) -> bool:
        return wire

    @override
    def write(self, value: bool, path: str) -> bool:
        return value


@dataclass(frozen=True)
class Whole(Codec):
    """int <-> any integer type."""

    limits: Limits

    @override
    def read(self, wire: int, path: str) -> int:
        _raise(number_fault(wire, self.limits), path)
        return wire

    @override
    def write(self, value: int, path: str) -> int:
        return self.read(int(value), path)


@dataclass(frozen=True)
class Real(Codec):
    """float <-> double or float. A 32-bit float reads as the shortest decimal it stands for: 0.1, not 0.100000001."""

    limits: Limits
    single: bool

    @override
    def read(self, wire: float, path: str) -> float:
        value = shortest_decimal(wire) if self.single else wire
        _raise(number_fault(value, self.limits), path)
        return value

    @override
    def write(self, value: float, path: str) -> float:
        _raise(number_fault(float(value), self.limits), path)
        return float(value)


@dataclass(frozen=True)
class Text(Codec):
    """A field of string: str, checked against its limits."""

    limits: Limits

    @override
    def read(self, wire: str, path: str) -> str:
        _raise(text_fault(wire, self.limits), path)
        return wire

    @override
    def write(self, value: str, path: str) -> str:
        return self.read(value, path)


@dataclass(frozen=True)
class Octets(Codec):
    """A field of bytes: bytes, checked against their limits."""

    limits: Limits

    @override
    def read(self, wire: bytes, path: str) -> bytes:
        _raise(length_fault(len(wire), self.limits, "byte"), path)
        return wire

    @override
    def write(self, value: bytes, path: str) -> bytes:
        return self.read(value, path)


class Choice(Codec):
    """Enum <-> enum: member FOO is ENUM_NAME_FOO; number 0 means "not set"."""

    def __init__(self, kind: type[Enum], descriptor: EnumDescriptor) -> None:
        """Pairs the members with the numbers.

        Raises:
            TypeError: a member has no counterpart.
        """
        prefix = _upper_snake(descriptor.name)
        numbers = {name.removeprefix(prefix): number for name, number in _enum_values(descriptor)}
        missing = [member.name for member in kind if member.name not in numbers]
        if missing:
            raise TypeError(f"{descriptor.full_name} has no {prefix}{missing[0]}")
        self._numbers = {member: numbers[member.name] for member in kind}
        self._members = {number: member for member, number in self._numbers.items()}

    @override
    def read(self, wire: int, path: str) -> Enum:
        member = self._members.get(wire)
        if member is None:
            names = ", ".join(known.name for known in self._members.values())
            raise InvalidField(path, f"must be one of {names}" + (f", not {wire}" if wire else ""))
        return member

    @override
    def write(self, value: Enum, path: str) -> int:
        if value not in self._numbers:
            raise InvalidField(path, f"must be a member of {type(next(iter(self._numbers))).__name__}, not {value!r}")
        return self._numbers[value]


@dataclass(frozen=True)
class Seconds(Codec):
    """A google.protobuf.Duration: a float of seconds."""

    limits: Limits

    @override
    def read(self, wire: Duration, path: str) -> float:
        if abs(wire.nanos) >= _NANOS or abs(wire.seconds) > _MAX_DURATION_SECONDS or wire.seconds * wire.nanos < 0:
            raise InvalidField(path, "is not a valid duration")
        value = (wire.seconds * _NANOS + wire.nanos) / _NANOS
        _raise(number_fault(value, self.limits), path)
        return value

    @override
    def write(self, value: float, path: str) -> Duration:
        _raise(number_fault(value, self.limits), path)
        seconds = math.trunc(value)
        nanos = round((value - seconds) * _NANOS)
        if abs(nanos) == _NANOS:
            seconds, nanos = seconds + (1 if nanos > 0 else -1), 0
        return Duration(seconds=seconds, nanos=nanos)


@dataclass(frozen=True)
class Instant(Codec):
    """datetime (with a time zone; read in UTC) <-> google.protobuf.Timestamp."""

    @override
    def read(self, wire: Timestamp, path: str) -> datetime:
        try:
            return wire.ToDatetime(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise InvalidField(path, "is not a valid timestamp") from None

    @override
    def write(self, value: datetime, path: str) -> Timestamp:
        if value.tzinfo is None:
            raise InvalidField(path, "must have a time zone")
        stamp = Timestamp()
        stamp.FromDatetime(value)
        return stamp


@dataclass(frozen=True)
class Items(Codec):
    """A repeated field: a tuple of what its items are."""

    item: Codec
    limits: Limits

    @override
    def read(self, wire: Any, path: str) -> tuple[Any, ...]:
        _raise(length_fault(len(wire), self.limits, "item", DEFAULT_MAX_ITEMS), path)
        return tuple(self.item.read(value, f"{path}[{index}]") for index, value in enumerate(cast(Iterable[Any], wire)))

    @override
    def write(self, value: tuple[Any, ...], path: str) -> list[Any]:
        _raise(length_fault(len(value), self.limits, "item", DEFAULT_MAX_ITEMS), path)
        return [self.item.write(entry, f"{path}[{index}]") for index, entry in enumerate(value)]


@dataclass(frozen=True)
class Table(Codec):
    """A map: a mapping whose values are checked one by one."""

    key: Codec
    value: Codec
    limits: Limits

    @override
    def read(self, wire: Mapping[Any, Any], path: str) -> dict[Any, Any]:
        return self._translated(wire, path, self.key.read, self.value.read)

    @override
    def write(self, value: Mapping[Any, Any], path: str) -> dict[Any, Any]:
        return self._translated(value, path, self.key.write, self.value.write)

    def _translated(
        self, table: Mapping[Any, Any], path: str, key: Callable[[Any, str], Any], value: Callable[[Any, str], Any]
    ) -> dict[Any, Any]:
        _raise(length_fault(len(table), self.limits, "entry", DEFAULT_MAX_ITEMS), path)
        return {key(k, path): value(table[k], f"{path}[{str(k)[:64]!r}]") for k in sorted(table)}


def scalar_codec(kind: Any, descriptor: FieldDescriptor, limits: Limits) -> Codec | None:
    """The codec of a value that is no dataclass of ours, or None where the two types do not go together."""
    if descriptor.enum_type is not None:
        return Choice(kind, descriptor.enum_type) if isinstance(kind, type) and issubclass(kind, Enum) else None
    if descriptor.message_type is not None:
        counterpart = descriptor.message_type.full_name
        if kind is float and counterpart == Duration.DESCRIPTOR.full_name:
            return Seconds(limits)
        return Instant() if kind is datetime and counterpart == Timestamp.DESCRIPTOR.full_name else None
    wire = descriptor.cpp_type
    if kind is float and wire in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return Real(limits, single=wire == FieldDescriptor.CPPTYPE_FLOAT)
    if kind is int and wire in _WHOLE:
        return Whole(limits)
    if kind is bool and wire == FieldDescriptor.CPPTYPE_BOOL:
        return Flag()
    if kind is str and descriptor.type == FieldDescriptor.TYPE_STRING:
        return Text(limits)
    if kind is bytes and descriptor.type == FieldDescriptor.TYPE_BYTES:
        return Octets(limits)
    return None


_WHOLE = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}


def shortest_decimal(value: float) -> float:
    """The decimal with the fewest digits that the same 32-bit float stands for; nine digits always do."""
    if not math.isfinite(value):
        return value
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if as_single(short) == value:
            return short
    return float(f"{value:.9g}")


def as_single(value: float) -> float:
    """`value` rounded to a 32-bit float; infinite where it is too large for one."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _enum_values(descriptor: EnumDescriptor) -> list[tuple[str, int]]:
    return [(value.name, value.number) for value in descriptor.values]


def _upper_snake(name: str) -> str:
    """What the values of an enum begin with in the protos: TIME_OF_DAY_ for TimeOfDay."""
    words = "".join(f"_{letter}" if letter.isupper() and index else letter for index, letter in enumerate(name))
    return words.upper() + "_"
