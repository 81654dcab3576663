"""Frozen dataclasses to JSON values and back, by their type hints.

Understands bool, int, float, str, enums (by value), datetimes (ISO 8601 with a zone), tuples, mappings with text keys,
optional values and dataclasses of these. Whole numbers that a double cannot hold are written as text, so that readers
in other languages do not bend them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_SAFE_INTEGER = 2**53 - 1
_WHOLE = re.compile("-?[0-9]{1,20}")

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


class JsonError(ValueError):
    """A JSON value is not what its place demands; the message names the place."""


def to_json(value: object) -> JsonValue:
    """The JSON value of `value`. Raises `TypeError` for a type that this module does not know."""
    return _writer(type(value))(value)


_Write = Callable[[Any], JsonValue]


@cache
def _writer(kind: type) -> _Write:
    """How values of exactly this type are written; found once for each, since a manifest has hundreds of values."""
    if issubclass(kind, NoneType | bool | float | str):
        return lambda value: value
    if issubclass(kind, int):
        return lambda value: value if abs(value) <= _SAFE_INTEGER else str(value)
    if issubclass(kind, Enum):
        return lambda value: value.value
    if issubclass(kind, datetime):
        return lambda value: value.isoformat(timespec="milliseconds")
    if issubclass(kind, tuple):
        return lambda value: [to_json(item) for item in value]
    if issubclass(kind, Mapping):
        return lambda value: {key: to_json(item) for key, item in sorted(value.items())}
    known = cast(type[Any], kind)
    if is_dataclass(known):
        names = tuple(item.name for item in fields(known))
        return lambda value: {name: to_json(getattr(value, name)) for name in names}
    raise TypeError(f"no JSON for {kind.__name__}")


def from_json(kind: type[T], value: object, place: str = "") -> T:
    """The `kind` that `value` stands for.

    Raises:
        JsonError: a field is missing, unknown or of another type; the message names it, as in "species.parents[1]".
    """
    return cast(T, _reader(kind)(value, place or kind.__name__))


_Read = Callable[[object, str], object]


@cache
def _reader(kind: Any) -> _Read:  # noqa: ANN401 - a type hint may be anything
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _optional(next(item for item in arguments if item is not NoneType))
    if origin is tuple:
        return _tuple(arguments[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(arguments[1])
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return _enum(kind)
    if kind is datetime:
        return _datetime
    if kind is int:
        return _integer
    if kind is float:
        return _number
    return _scalar(kind)


def _optional(kind: Any) -> _Read:  # noqa: ANN401
    read = _reader(kind)
    return lambda value, place: None if value is None else read(value, place)


def _tuple(kind: Any) -> _Read:  # noqa: ANN401
    read = _reader(kind)

    def read_tuple(value: object, place: str) -> object:
        if not isinstance(value, list):
            raise JsonError(f"{place} is not a list")
        return tuple(read(item, f"{place}[{i}]") for i, item in enumerate(cast(list[object], value)))

    return read_tuple


def _mapping(kind: Any) -> _Read:  # noqa: ANN401
    read = _reader(kind)

    def read_mapping(value: object, place: str) -> object:
        return {key: read(item, f"{place}.{key}") for key, item in _object(value, place).items()}

    return read_mapping


def _dataclass(kind: Any) -> _Read:  # noqa: ANN401
    hints = get_type_hints(kind)
    readers = {item.name: _reader(hints[item.name]) for item in fields(kind)}
    required = {i.name for i in fields(kind) if i.default is MISSING and i.default_factory is MISSING}

    def read_dataclass(value: object, place: str) -> object:
        found = _object(value, place)
        if unknown := sorted(found.keys() - readers.keys()):
            raise JsonError(f"{place} has unknown fields: {', '.join(unknown)}")
        if missing := sorted(required - found.keys()):
            raise JsonError(f"{place} lacks fields: {', '.join(missing)}")
        return kind(**{name: readers[name](item, f"{place}.{name}") for name, item in found.items()})

    return read_dataclass


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise JsonError(f"{place} is not an object")
    return cast(dict[str, object], value)


def _enum(kind: type[Enum]) -> _Read:
    def read_enum(value: object, place: str) -> object:
        try:
            return kind(value)
        except ValueError:
            raise JsonError(f"{place} is not one of {', '.join(str(i.value) for i in kind)}: {value!r}") from None

    return read_enum


def _datetime(value: object, place: str) -> object:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise JsonError(f"{place} is not a time: {value!r}") from None
    if moment.tzinfo is None:
        raise JsonError(f"{place} has no time zone: {value!r}")
    return moment


def _integer(value: object, place: str) -> object:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise JsonError(f"{place} is not a whole number: {value!r}")
    return value


def _number(value: object, place: str) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise JsonError(f"{place} is not a number: {value!r}")
    return float(value)


def _scalar(kind: type) -> _Read:
    def read_scalar(value: object, place: str) -> object:
        if not isinstance(value, kind):
            raise JsonError(f"{place} is not of type {kind.__name__}: {value!r}")
        return value

    return read_scalar
