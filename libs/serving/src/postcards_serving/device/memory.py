"""How the memory of a device and of this machine stands."""

import contextlib
import errno
import re
from collections.abc import Generator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from postcards_serving.device.choice import Device, import_torch, text_of
from postcards_serving.device.fault_words import causes, driver_code, type_names, words_of
from postcards_serving.errors import OUT_OF_MEMORY, Code, ServiceError

_MEMORY_WORDS = (
    "out of memory",
    "not enough memory",
    "failed to allocate memory",
    "can't allocate memory",
    "cannot allocate memory",
    "bad allocation",
    "bad_alloc",
    "alloc_failed",
)
"""How frameworks say in an error of a general type that memory is short."""
_SAYS_NOTHING = {Code.INTERNAL, Code.UNKNOWN}
"""Codes that say only that something failed: what it was raised from may say what."""
_DRIVER_OUT_OF_MEMORY = 2
"""`cudaErrorMemoryAllocation`, `hipErrorOutOfMemory`."""

_MEMORY_FILES = (
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Limit and use of a container's memory, of cgroups in version 2 and 1."""


def free_memory(device: Device) -> int | None:
    """Bytes that may still be taken on a device, what torch has cached counted as taken; None where nobody knows."""
    with contextlib.suppress(Exception):
        if device.kind == "cuda":
            return int(import_torch().cuda.mem_get_info(device.name)[0])
        if device.kind == "mps":
            mps = import_torch().mps
            return max(0, int(mps.recommended_max_memory()) - int(mps.driver_allocated_memory()))
    return free_host_memory() if device.kind == "cpu" else None


def free_host_memory(root: Path = Path("/")) -> int | None:
    """Bytes that this process may still take, by the machine and by the limit of its container; None if unknown."""
    available = _number(r"^MemAvailable:\s+(\d+) kB", root / "proc/meminfo")
    told = [available, *(_left(root / limit, root / use) for limit, use in _MEMORY_FILES)]
    return min((amount for amount in told if amount is not None), default=None)


def bound_host_memory(root: Path = Path("/")) -> int | None:
    """Lets the process take at most what the machine or its container has, and says how many bytes that are.

    On Linux a process that takes more than there is gets it on paper, and is killed when it writes there. With this
    bound the one allocation fails instead, which a batch survives. None where no bound could be set.
    """
    told = [
        _number(r"^MemTotal:\s+(\d+) kB", root / "proc/meminfo"),
        *(_limit(root / file) for file, _ in _MEMORY_FILES),
    ]
    most = min((amount for amount in told if amount is not None), default=None)
    try:
        resource = import_module("resource")
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bounds = [bound for bound in (most, soft, hard) if bound not in (None, resource.RLIM_INFINITY)]
        if most is None:
            return None
        resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    return min(bounds)


@dataclass
class MemoryPeak:
    """The most memory that was taken at once during `watch_peak`, beyond what was taken when it began."""

    bytes: int | None = None
    """None until the end, and where nobody counts (everywhere but on CUDA)."""


@contextlib.contextmanager
def watch_peak(device: Device) -> Generator[MemoryPeak]:
    """Measures what the work inside takes on a device, e.g. one step of one row, to set a budget by."""
    peak = MemoryPeak()
    if device.kind != "cuda":
        yield peak
        return
    cuda = import_torch().cuda
    cuda.synchronize(device.name)
    cuda.reset_peak_memory_stats(device.name)
    before = int(cuda.memory_allocated(device.name))
    yield peak
    cuda.synchronize(device.name)
    peak.bytes = max(0, int(cuda.max_memory_allocated(device.name)) - before)


def give_back_cached(device: Device) -> None:
    """Lets go of the memory that torch keeps for later. Slow: call it after a failure, not between steps."""
    with contextlib.suppress(Exception):
        if device.kind == "cuda":
            import_torch().cuda.empty_cache()
        elif device.kind == "mps":
            import_torch().mps.empty_cache()


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether less work might succeed: a type or a code that says so, or else what runtimes say in words.

    Also asks what the fault was raised from, down to the first `ServiceError` whose code says what has happened.
    """
    for cause in causes(fault):
        if isinstance(cause, ServiceError):
            if cause.code not in _SAYS_NOTHING:
                return cause.reason == OUT_OF_MEMORY
        elif _says_memory_is_short(cause):
            return True
    return False


def _says_memory_is_short(fault: BaseException) -> bool:
    if isinstance(fault, MemoryError) or "OutOfMemoryError" in type_names(fault):
        return True
    if driver_code(fault) == _DRIVER_OUT_OF_MEMORY or (isinstance(fault, OSError) and fault.errno == errno.ENOMEM):
        return True
    said = words_of(fault)
    return any(words in said for words in _MEMORY_WORDS)


def _number(pattern: str, meminfo: Path) -> int | None:
    found = re.search(pattern, text_of(meminfo), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _limit(file: Path) -> int | None:
    """Of a container's memory. Without one, version 2 says "max", version 1 a number beyond all machines."""
    most = text_of(file).strip()
    return int(most) if most.isdigit() and int(most) < 2**60 else None


def _left(limit: Path, use: Path) -> int | None:
    most, taken = _limit(limit), text_of(use).strip()
    return max(0, most - int(taken)) if most is not None and taken.isdigit() else None
