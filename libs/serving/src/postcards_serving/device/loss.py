"""A device that computes nothing more for this process: how such a fault is told apart, and who is told of it.

After an illegal access, a failed assertion on the device or an error of its memory, every further call of the process
ends alike, whatever is asked. Only a new process heals that, so the news go to what runs this one. Needs no torch.
"""

import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from postcards_serving.device.fault_words import causes, driver_code, type_names, words_of
from postcards_serving.errors import DeviceLost, ServiceError

Listener = Callable[[str], None]

_SPEAKS_OF_A_DEVICE: Final = re.compile(r"\b(?:cuda|hip) (?:driver )?error\b|\btriton error \[(?:cuda|hip)\]")
_LASTING: Final = (
    "an illegal memory access was encountered",
    "an illegal instruction was encountered",
    "the launch timed out and was terminated",
    "device-side assert triggered",
    "unspecified launch failure",
    "hardware stack error",
    "misaligned address",
    "invalid program counter",
    "operation not supported on global/shared address space",
    "context is destroyed",
    "uncorrectable ecc error",
    "uncorrectable nvlink error",
    "or a hardware error",
    "unknown error",
)
"""What the driver says of faults after which, as its manual has it, a process must be started anew.

What libraries above it say of a call (CUBLAS_STATUS_EXECUTION_FAILED, say) is not among them: it may be of this call
alone, and where it is not, the next call says one of these.
"""
_LASTING_CODES: Final = frozenset({214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999})
"""The same by number, of CUDA's runtime; HIP numbers alike those that it has."""

_lock = threading.Lock()
_listeners: list[Listener] = []


def is_device_lost(fault: BaseException) -> bool:
    """Whether the device will compute nothing more for this process; also asks what the fault was raised from."""
    return bool(_said(fault))


def tell_if_lost(fault: BaseException) -> bool:
    """Whether the device is lost. If it is, those who listen in this process are told: call it where a fault ends."""
    said = _said(fault)
    if said:
        with _lock:
            listeners = tuple(_listeners)
        for listener in listeners:
            listener(said)
    return bool(said)


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Within, `listener` gets what was said each time that a device was found lost to this process.

    Args:
        listener: gets one line, for the log; is called on any thread; must not block or raise.
    """
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)


def _said(fault: BaseException) -> str:
    """The one line, nearest to the device, that says it is lost; empty where none does."""
    sayers = [cause for cause in causes(fault) if _says_so(cause)]
    return (str(sayers[-1]).strip().splitlines() or [type(sayers[-1]).__name__])[0] if sayers else ""


def _says_so(fault: BaseException) -> bool:
    if isinstance(fault, ServiceError):
        return isinstance(fault, DeviceLost)
    code = driver_code(fault)
    if code is not None:
        return code in _LASTING_CODES
    said = words_of(fault)
    of_a_device = "AcceleratorError" in type_names(fault) or _SPEAKS_OF_A_DEVICE.search(said) is not None
    return of_a_device and any(words in said for words in _LASTING)
