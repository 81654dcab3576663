"""Which device an engine on torch computes on, in which numbers, on how many cores, and how memory stands there.

torch is imported inside the functions, where an engine has it anyway; `is_out_of_memory` does without it.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from postcards_serving.errors import ModelUnusable

DType = Literal["float32", "float16", "bfloat16"]
"""Numbers that an engine may compute in."""

_DEVICE = re.compile(r"cpu|mps|cuda(?::(\d+))?")
_DTYPES: Final[Mapping[str, DType]] = {"float32": "float32", "float16": "float16", "bfloat16": "bfloat16"}
_CPU_FILES = (
    ("sys/fs/cgroup/cpu.max", "sys/fs/cgroup/cpu.max"),
    ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)
"""Processor time of a container in each period, and the period, of cgroups in version 2 and 1."""


@dataclass(frozen=True)
class Device:
    """Where and how an engine computes."""

    name: str
    """As torch calls it: "cpu", "cuda:0", "mps"."""
    dtype: DType
    """Numbers of weights and activations."""
    description: str
    """For people and for the provenance: "cpu", or on CUDA all that its numbers may depend on, e.g. "cuda:0 NVIDIA H100
    80GB HBM3 (compute capability 9.0, CUDA 12.8, cuDNN 9.10.2)"."""

    @property
    def kind(self) -> str:
        """Its name without the number: "cpu", "cuda" or "mps"."""
        return self.name.partition(":")[0]


def choose_device(device: str = "auto", dtype: str = "auto", *, prefer: DType = "float16") -> Device:
    """The device that settings mean.

    Args:
        device: "auto" (the first CUDA device, else mps, else the processor), "cpu", "cuda", "cuda:N" or "mps".
        dtype: "auto", "float32", "float16" or "bfloat16".
        prefer: what "auto" is on CUDA; float16 in place of bfloat16 where the hardware has no bfloat16. Elsewhere
            "auto" is float32: half precision is slow or unsafe there.

    Raises:
        ModelUnusable: there is no such device here, torch is missing, or a name is none of these.
    """
    if device != "auto" and not _DEVICE.fullmatch(device):
        raise ModelUnusable(f"the device must be auto, cpu, cuda, cuda:N or mps, not {device!r}")
    if dtype != "auto" and dtype not in _DTYPES:
        raise ModelUnusable(f"the dtype must be auto, {', '.join(_DTYPES)}, not {dtype!r}")
    torch = import_torch()
    name = _present(torch, device)
    chosen = _DTYPES.get(dtype) or _usual(torch, name, prefer)
    return Device(name, chosen, _described(torch, name) if name.startswith("cuda") else name)


def send(values: Any, device: str) -> Any:  # noqa: ANN401 - torch is imported at run time
    """A tensor from the processor on the device of a name; on CUDA without waiting for the work that is there.

    Copies from usual memory wait until the device has done all that it was asked before.
    """
    if device.startswith("cuda"):
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def available_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use, at least 1: by its affinity, and by the processor time of its container.

    A container with the time of two cores on a machine of 64 sees 64; as many threads would only wait for each other.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = (_cores_granted(root, *files) for files in _CPU_FILES)
    return max(1, min([allowed, *(math.ceil(cores) for cores in granted if cores is not None)]))


def import_torch() -> Any:  # noqa: ANN401 - torch is imported at run time
    """torch, or the fault that says how to get it."""
    try:
        return import_module("torch")
    except ImportError:
        raise ModelUnusable(
            "torch, which this engine computes with, is not installed: run `make setup-models`"
        ) from None


def _present(torch: Any, device: str) -> str:  # noqa: ANN401
    """The full name of a device that is there."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        return "cuda:0" if cuda else "mps" if mps else "cpu"
    if device == "mps" and not mps:
        raise ModelUnusable("there is no mps device here: choose auto or cpu")
    if device.startswith("cuda"):
        number = int(device.partition(":")[2] or 0)
        count = torch.cuda.device_count() if cuda else 0
        if number >= count:
            raise ModelUnusable(
                f"there is no device cuda:{number} here ({count} of that kind): choose auto or cpu, or mend the driver"
            )
        return f"cuda:{number}"
    return device


def _described(torch: Any, name: str) -> str:  # noqa: ANN401
    """A CUDA device and the libraries that choose how it computes."""
    major, minor = torch.cuda.get_device_capability(name)
    told = [f"compute capability {major}.{minor}", f"CUDA {torch.version.cuda}"]
    number = torch.backends.cudnn.version()
    if number is not None:
        # Until version 8 the first number stands before three digits, since then before four.
        first = 1_000 if number < 10_000 else 10_000
        told.append(f"cuDNN {number // first}.{number % first // 100}.{number % 100}")
    return f"{name} {torch.cuda.get_device_name(name)} ({', '.join(told)})"


def _usual(torch: Any, name: str, prefer: DType) -> DType:  # noqa: ANN401
    if not name.startswith("cuda"):
        return "float32"
    if prefer == "bfloat16" and torch.cuda.get_device_capability(name)[0] < 8:
        return "float16"
    return prefer


def _cores_granted(root: Path, quota: str, period: str) -> float | None:
    """Processor time of a container in cores. Version 2 says both in one file, or "max"; version 1 has -1 for none."""
    told = " ".join(text_of(root / file) for file in dict.fromkeys((quota, period))).split()
    if len(told) != 2 or not all(word.isdigit() for word in told) or told[1] == "0":
        return None
    return int(told[0]) / int(told[1])


def text_of(path: Path) -> str:
    """What a file of the kernel says; empty where it cannot be read."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
