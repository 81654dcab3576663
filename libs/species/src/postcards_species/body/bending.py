"""Mixing and bending of the numbers of a body."""

import colorsys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from postcards_species.body.plan import Colour, Palette
from postcards_species.streams import Stream

T = TypeVar("T")


def clamp_to_range(value: T) -> T:
    """`value`, a dataclass, with every number in it, nested ones too, moved into its field's range."""
    changes: dict[str, Any] = {}
    for item in fields(value):  # pyright: ignore[reportArgumentType]
        current: Any = getattr(value, item.name)
        if isinstance(current, float | int) and "ge" in item.metadata:
            low, high = _safe_limits(item.metadata["ge"], item.metadata["le"])
            changes[item.name] = current if isinstance(current, int) else min(high, max(low, current))
        elif is_dataclass(current):
            changes[item.name] = clamp_to_range(current)
        elif isinstance(current, tuple):
            parts = cast("tuple[Any, ...]", current)
            changes[item.name] = tuple(clamp_to_range(part) for part in parts)  # pyright: ignore[reportUnknownVariableType]
    return replace(value, **changes)  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportReturnType]


def _safe_limits(low: float, high: float) -> tuple[float, float]:
    """Limits that still hold when a number is rounded to 32 bits on the wire."""
    margin = 1e-6
    inside_low = low if float(low).is_integer() else low + margin * max(1.0, abs(low))
    inside_high = high if float(high).is_integer() else high - margin * max(1.0, abs(high))
    return inside_low, inside_high


def mix_numbers(owner: T, all_of: Sequence[tuple[T, float]], share: float) -> T:
    """`owner` with its real numbers moved by `share` (0 to 1) towards the weighted mean of `all_of`."""
    total = sum(weight for _, weight in all_of)
    changes: dict[str, Any] = {}
    for item in fields(owner):  # pyright: ignore[reportArgumentType]
        current: Any = getattr(owner, item.name)
        if isinstance(current, int | float) and item.type is not int:
            mean = sum(getattr(part, item.name) * weight for part, weight in all_of) / total
            changes[item.name] = current + (mean - current) * share
    return replace(owner, **changes)  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportReturnType]


def bend(part: T, stream: Stream, amount: float) -> T:
    """`part` with each of its real numbers changed by about `amount`, in proportion to itself, within its range.

    Numbers that may be negative are angles and curves: they move by a share of their range instead.
    """
    changes: dict[str, Any] = {}
    for item in fields(part):  # pyright: ignore[reportArgumentType]
        current: Any = getattr(part, item.name)
        if not isinstance(current, int | float) or item.type is int:
            continue
        low, high = item.metadata["ge"], item.metadata["le"]
        push = stream.gaussian() * amount
        moved = current + push * 0.25 * (high - low) if low < 0 else current * 2.0**push
        changes[item.name] = min(high, max(low, moved))
    return replace(part, **changes)  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportReturnType]


def bend_palette(
    owner: Palette, all_of: Sequence[tuple[Palette, float]], stream: Stream, strangeness: float
) -> Palette:
    """The owner's colours, a breath of the others', and with strangeness colours that no parent has."""
    turn = stream.gaussian(0, 0.012 + 0.16 * strangeness**1.6)
    mark_turn = turn + stream.gaussian(0, 0.22 * strangeness**1.5)
    richness = 1 + 0.7 * strangeness * stream.unit()
    changes: dict[str, Any] = {}
    for item in fields(owner):
        mine: Colour = getattr(owner, item.name)
        others = [(getattr(part, item.name), weight) for part, weight in all_of]
        mixed = mix_numbers(mine, others, 0.12)
        turned = mark_turn if item.name in ("mark", "accent", "iris") else turn
        changes[item.name] = _tinted(mixed, turned, richness)
    return replace(owner, **changes)


def _tinted(colour: Colour, turn: float, richness: float) -> Colour:
    hue, saturation, value = colorsys.rgb_to_hsv(colour.red, colour.green, colour.blue)
    return Colour(*colorsys.hsv_to_rgb((hue + turn) % 1.0, min(1.0, saturation * richness), value))
