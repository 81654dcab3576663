"""Requests made of Python values; a value that fits no field is refused by name, before anything is sent."""

import math
from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from postcards_client.errors import FieldViolation, InvalidRequest

MessageT = TypeVar("MessageT", bound=Message)

_TEXT = "Unicode text"
_WANTED: Mapping[int, str] = {
    FieldDescriptor.TYPE_UINT64: "a whole number from 0 to 2**64 - 1",
    FieldDescriptor.TYPE_UINT32: "a whole number from 0 to 2**32 - 1",
    FieldDescriptor.TYPE_INT64: "a whole number from -2**63 to 2**63 - 1",
    FieldDescriptor.TYPE_INT32: "a whole number from -2**31 to 2**31 - 1",
    FieldDescriptor.TYPE_DOUBLE: "a number",
    FieldDescriptor.TYPE_FLOAT: "a number",
    FieldDescriptor.TYPE_BOOL: "true or false",
    FieldDescriptor.TYPE_STRING: _TEXT,
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_ENUM: "a value of its enumeration",
}
"""What a field takes, by its type."""
_DURATION = Duration.DESCRIPTOR.full_name


def request_of(kind: type[MessageT], **values: object) -> MessageT:
    """A message of `kind` with these fields set; None leaves a field out, and durations are given in seconds.

    Raises:
        InvalidRequest: some values are none that their fields can hold; `violations` names each of these fields.
    """
    try:
        return _filled(kind, values)
    except (TypeError, ValueError, OverflowError):
        wrong = {name: value for name, value in values.items() if not _fits(kind, name, value)}
        if not wrong:
            raise
    violations = tuple(FieldViolation(name, _refusal(kind, name, value)) for name, value in wrong.items())
    message = "; ".join(f"{violation.field} {violation.description}" for violation in violations)
    raise InvalidRequest(message, code="INVALID_ARGUMENT", reason="INVALID_FIELD", violations=violations)


def _filled(kind: type[MessageT], values: Mapping[str, object]) -> MessageT:
    return kind(**{name: _converted(kind, name, value) for name, value in values.items() if value is not None})


def _fits(kind: type[Message], name: str, value: object) -> bool:
    try:
        _filled(kind, {name: value})
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _converted(kind: type[Message], name: str, value: object) -> object:
    if _message_of(kind, name) != _DURATION or isinstance(value, Duration):
        return value
    if not isinstance(value, int | float):
        raise TypeError(value)
    whole = math.floor(value)
    return Duration(seconds=whole, nanos=min(999_999_999, round((value - whole) * 1e9)))


def _refusal(kind: type[Message], name: str, value: object) -> str:
    message = _message_of(kind, name)
    if message == _DURATION:
        wanted = "a number of seconds"
    elif message:
        wanted = f"of type {message.rpartition('.')[2]}"
    else:
        wanted = _WANTED.get(kind.DESCRIPTOR.fields_by_name[name].type, "of another type")
    if isinstance(value, int | float):
        return f"must be {wanted}, not {value}"
    # Text that is refused where text is wanted is none that UTF-8 can write.
    given = "" if isinstance(value, str) and wanted == _TEXT else f", not of type {type(value).__name__}"
    return f"must be {wanted}{given}"


def _message_of(kind: type[Message], name: str) -> str:
    """Full name of the message that a field holds; empty for other fields."""
    message = kind.DESCRIPTOR.fields_by_name[name].message_type
    return message.full_name if message else ""
