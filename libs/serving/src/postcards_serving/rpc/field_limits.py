"""The limits of a field, as stated once in its dataclass metadata, and the words for a value that breaks them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_MAX_TEXT = 100_000
"""Characters of a text whose field states no limit."""
DEFAULT_MAX_ITEMS = 10_000
"""Items of a sequence or map whose field states no limit."""

_KNOWN = {"ge", "le", "gt", "lt", "multiple_of", "min_length", "max_length", "pattern", "wire"}
_ITEM = "item_"


@dataclass(frozen=True)
class Limits:
    """What a value must keep to."""

    ge: float | None = None
    """Least value."""
    le: float | None = None
    """Greatest value."""
    gt: float | None = None
    """The value lies above this."""
    lt: float | None = None
    """The value lies below this."""
    multiple_of: float | None = None
    """The value is a whole multiple of this."""
    min_length: int | None = None
    """Least number of characters, bytes or items."""
    max_length: int | None = None
    """Greatest number of characters, bytes or items."""
    pattern: str | None = None
    """Regular expression that the whole text matches."""


def of_field(metadata: Mapping[str, Any]) -> Limits:
    """The limits of a field itself.

    Raises:
        TypeError: the metadata has a key that means nothing.
    """
    unknown = {key for key in metadata if key.removeprefix(_ITEM) not in _KNOWN}
    if unknown:
        raise TypeError(f"unknown limits {sorted(unknown)}; known: {sorted(_KNOWN)}, also with {_ITEM!r} before")
    return Limits(**{key: value for key, value in metadata.items() if not key.startswith(_ITEM) and key != "wire"})


def of_items(metadata: Mapping[str, Any]) -> Limits:
    """The limits of the items of a repeated field or the values of a map: the keys that begin with `item_`."""
    return Limits(**{key.removeprefix(_ITEM): value for key, value in metadata.items() if key.startswith(_ITEM)})


def number_fault(value: float, limits: Limits) -> str | None:
    """What is wrong with a number, or None. Read after the name of the field."""
    if not math.isfinite(value):
        return f"must be a finite number, not {value}"
    if not _in_range(value, limits):
        return f"must be {_range_words(limits)}, not {_shown(value)}"
    if limits.multiple_of is not None and value % limits.multiple_of:
        return f"must be a multiple of {_shown(limits.multiple_of)}, not {_shown(value)}"
    return None


def text_fault(value: str, limits: Limits) -> str | None:
    """What is wrong with a text, or None. Read after the name of the field."""
    fault = length_fault(len(value), limits, "character", DEFAULT_MAX_TEXT)
    if fault is None and limits.pattern is not None and re.fullmatch(limits.pattern, value) is None:
        return f"must match {limits.pattern}, not {_quoted(value)}"
    return fault


def length_fault(length: int, limits: Limits, unit: str, default_max: int | None = None) -> str | None:
    """What is wrong with a number of characters, bytes or items, or None. Read after the name of the field."""
    least = limits.min_length or 0
    most = default_max if limits.max_length is None else limits.max_length
    if least <= length and (most is None or length <= most):
        return None
    if most is None:
        words = f"at least {_counted(least, unit)}"
    elif least == most:
        words = f"exactly {_counted(most, unit)}"
    elif least:
        words = f"{least} to {_counted(most, unit)}"
    else:
        words = f"at most {_counted(most, unit)}"
    return f"must have {words}, not {length}"


def _in_range(value: float, limits: Limits) -> bool:
    return (
        (limits.ge is None or value >= limits.ge)
        and (limits.le is None or value <= limits.le)
        and (limits.gt is None or value > limits.gt)
        and (limits.lt is None or value < limits.lt)
    )


def _range_words(limits: Limits) -> str:
    if limits.le is not None and limits.lt is None and (limits.ge is not None or limits.gt is not None):
        low = f"above {_shown(limits.gt)}" if limits.gt is not None else _shown(limits.ge or 0)
        return f"{low} to {_shown(limits.le)}"
    bounds = (("at least", limits.ge), ("above", limits.gt), ("at most", limits.le), ("below", limits.lt))
    return " and ".join(f"{words} {_shown(bound)}" for words, bound in bounds if bound is not None)


def _shown(value: float) -> str:
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e16)
    return str(int(value)) if whole else repr(value)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _quoted(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")
