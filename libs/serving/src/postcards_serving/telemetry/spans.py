"""What a span is: the values that tracing and its exporter share."""

import contextvars
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Protocol

from typing_extensions import override

Attributes = Mapping[str, str | bool | int | float]


class Kind(Enum):
    """What a span stands for, in the words of OpenTelemetry."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"


class Span(Protocol):
    """Something that has a beginning and an end. Safe to use from any thread."""

    def set(self, attributes: Attributes) -> None:
        """Says more about it."""
        ...

    def event(self, name: str, attributes: Attributes) -> None:
        """Something happened at this moment."""
        ...

    def fail(self, kind: str) -> None:
        """It went wrong; `kind` is one of few, e.g. the name of a status or of an exception."""
        ...

    def end(self, at: int | None = None) -> None:
        """It is over: now, or at that moment in nanoseconds since 1970."""
        ...


class _Nothing(Span):
    """The span of what is not traced: whatever it is told is forgotten."""

    @override
    def set(self, attributes: Attributes) -> None:
        pass

    @override
    def event(self, name: str, attributes: Attributes) -> None:
        pass

    @override
    def fail(self, kind: str) -> None:
        pass

    @override
    def end(self, at: int | None = None) -> None:
        pass


NOTHING: Span = _Nothing()
"""The span of what is not traced."""


class Tracing(Protocol):
    """What makes spans and sends them away."""

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        *,
        parent: Span | None = None,
        links: Iterable[Span] = (),
        at: int | None = None,
    ) -> Span:
        """A span below `parent`, or below the present one; `NOTHING` when that is not recorded, or is none."""
        ...

    def adopt(self, name: str, kind: Kind, attributes: Attributes, carrier: Mapping[str, str]) -> Span:
        """A span below the one that `carrier` names, in another process; the first of a trace where it names none."""
        ...

    def present(self, span: Span) -> "contextvars.Token[object]":
        """Makes a span the present one of this task, and of what it begins."""
        ...

    def restore(self, token: "contextvars.Token[object]") -> None:
        """Makes that span the present one which was so before `present` gave this token."""
        ...

    def current(self) -> Span:
        """The present span; `NOTHING` when there is none that is recorded."""
        ...

    def carrier(self) -> dict[str, str]:
        """What another process needs to go on with the present trace; empty without one."""
        ...

    def trace_id(self) -> str:
        """Id of the present trace, 32 hex digits; empty without one that is recorded."""
        ...

    def close(self, timeout: float) -> None:
        """Sends what is left, for `timeout` seconds at most."""
        ...
