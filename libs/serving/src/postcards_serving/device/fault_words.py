"""What the exceptions of libraries say in words, where neither their type nor a code tells what happened.

Words alone prove little: a request's own text is quoted by whoever refuses it. So they are read only of the exceptions
that runtimes raise for everything, and never where something of ours has said already what it is. Needs no torch.
"""

from collections.abc import Iterator
from typing import Final

_OF_ONNXRUNTIME: Final = frozenset({"RuntimeException", "Fail", "EPFail"})
"""What onnxruntime raises for whatever goes wrong while it runs; its other types name what was wrong."""


def causes(fault: BaseException) -> Iterator[BaseException]:
    """The fault, what it was raised from, what that was raised from, and so on; each once."""
    seen: list[BaseException] = []
    cause: BaseException | None = fault
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        cause = cause.__cause__


def type_names(fault: BaseException) -> frozenset[str]:
    """Names of the fault's type and of those that it derives from: types of libraries that may not be installed."""
    return frozenset(kind.__name__ for kind in type(fault).__mro__)


def driver_code(fault: BaseException) -> int | None:
    """The number of the driver's error that torch's `AcceleratorError` carries; None where there is none."""
    code = getattr(fault, "error_code", None) if "AcceleratorError" in type_names(fault) else None
    return code if isinstance(code, int) else None


def words_of(fault: BaseException) -> str:
    """What the fault says, in lower case; empty where its type or its code is to be asked instead."""
    kind = type(fault)
    general = isinstance(fault, RuntimeError) or (
        kind.__module__.startswith("onnxruntime.") and kind.__name__ in _OF_ONNXRUNTIME
    )
    return str(fault).lower() if general and driver_code(fault) is None else ""
