"""How much memory this process may still take."""

import os
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int | None:
    """Memory that can be taken without swapping, within the limit of a container; None when nothing tells."""
    known = [value for value in (_machine(), _container()) if value is not None]
    return min(known) if known else None


def _machine() -> int | None:
    try:
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        # A system that does not tell what is free: half of what it has.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, OSError, AttributeError):
        return None


def _container() -> int | None:
    try:
        limit = int((_CONTROL_GROUP / "memory.max").read_text(encoding="ascii"))
        return max(0, limit - int((_CONTROL_GROUP / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return None


def in_words(count: float) -> str:
    """A number of bytes for people, e.g. "41 MB"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            value = count / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{count:.0f} bytes"
