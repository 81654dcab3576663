"""Looks what torch can compute on, and how much memory there is. torch is loaded in a process of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_LIMIT = 90.0
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_PROBE = """
import json, warnings
warnings.simplefilter("ignore")
import torch
gpus = []
if torch.cuda.is_available():
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        gpus.append({"name": torch.cuda.get_device_name(index), "free": free, "total": total})
print(json.dumps({"version": torch.__version__, "cuda": torch.version.cuda or "", "gpus": gpus,
                  "mps": torch.backends.mps.is_available()}))
"""
_CGROUPS = (
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


@dataclass(frozen=True)
class Gpu:
    """A GPU that torch sees."""

    name: str
    free: int
    """Bytes."""
    total: int
    """Bytes."""


@dataclass(frozen=True)
class Torch:
    """What torch says of this machine."""

    version: str = ""
    """Its version; empty where it cannot be loaded."""
    cuda: str = ""
    """Version of CUDA that it was built for; empty: none."""
    gpus: tuple[Gpu, ...] = ()
    """GPUs of NVIDIA or AMD."""
    mps: bool = False
    """Whether it computes on Apple's GPU."""
    fault: str = ""
    """Why it cannot be loaded."""


@dataclass(frozen=True)
class Memory:
    """Memory of this machine, or of the container that we are in."""

    free: int
    """Bytes that can be had."""
    total: int
    """Bytes in all."""


@cache
def torch_here() -> Torch:
    """What the installed torch finds; takes some seconds the first time."""
    try:
        done = subprocess.run(  # noqa: S603 - our own code, run by our own interpreter
            [sys.executable, "-c", _PROBE], capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        return Torch(fault=type(fault).__name__)
    if done.returncode:
        return Torch(fault=next(iter(reversed(done.stderr.strip().splitlines())), f"exit code {done.returncode}"))
    try:
        told: Any = json.loads(done.stdout.splitlines()[-1])
        gpus = tuple(Gpu(gpu["name"], int(gpu["free"]), int(gpu["total"])) for gpu in told["gpus"])
        return Torch(str(told["version"]), str(told["cuda"]), gpus, bool(told["mps"]))
    except (ValueError, KeyError, TypeError, IndexError):
        return Torch(fault="it does not say what it computes on")


def nvidia_gpus(root: Path = Path("/")) -> int:
    """GPUs that NVIDIA's driver knows, whether or not torch can use them."""
    return len(list((root / "proc/driver/nvidia/gpus").glob("*")))


def host_memory(root: Path = Path("/")) -> Memory | None:
    """The memory of this machine, within the limit of a container; None where the system does not say."""
    lines = _read(root / "proc/meminfo").splitlines()
    told = {line.partition(":")[0]: line.split()[1:2] for line in lines}
    try:
        free, total = (int(told[name][0]) * 1024 for name in ("MemAvailable", "MemTotal"))
    except (KeyError, IndexError, ValueError):
        return None
    for limit_file, use_file in _CGROUPS:
        limit, use = _read(root / limit_file).strip(), _read(root / use_file).strip()
        if limit.isdecimal() and int(limit) < total:
            total = int(limit)
            free = min(free, total - int(use or 0))
    return Memory(max(0, free), total)


def is_device(wanted: str) -> bool:
    """Whether a setting of a device is one that the services take."""
    return bool(_DEVICE.fullmatch(wanted))


def device_of(part: str, settings: Mapping[str, str]) -> str:
    """The device that the environment names: "auto", "cpu", "cuda", "cuda:N" or "mps"."""
    return settings.get(f"POSTCARDS_{part.upper()}_DEVICE", "").strip() or "auto"


def gpu_number(wanted: str, torch: Torch) -> int | None:
    """The number of the GPU that a setting of a device means; None where it means none."""
    if wanted == "auto":
        return 0 if torch.gpus else None
    kind, _, number = wanted.partition(":")
    return (int(number) if number.isdecimal() else 0) if kind == "cuda" else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
