"""Looks whether the disk and the memory hold all engines together that load weights."""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec

from postcards_cli.doctor import device
from postcards_cli.doctor.finding import Finding, good, missing, warning
from postcards_cli.doctor.models import Engine, size, way_without_model
from postcards_weights.cache import Cache
from postcards_weights.catalog import DEFAULTS, KINDS
from postcards_weights.state import state_of_folder

_TOPIC = "machine"
_ROOM_TO_COMPUTE = 1.25
"""What a model takes for every byte of its weights where nobody measured it."""


def disk(engines: Sequence[Engine], cache: Cache) -> Iterator[Finding]:
    """Whether what is still to be downloaded has room, as far as its size is known."""
    needed = sum(
        max(0, model.download_bytes - state.bytes - state.unfinished_bytes)
        for engine in engines
        for model, state in engine.states
        if not state.complete
    )
    if not needed:
        return
    nearest = next(path for path in (cache.folder, *cache.folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        yield missing(_TOPIC, "disk", f"{cache.folder} cannot be written", "set HF_HOME to another folder")
        return
    free = shutil.disk_usage(nearest).free
    found = f"{size(needed)} of weights to download, {size(free)} free in {cache.folder}"
    if free < needed:
        yield missing(_TOPIC, "disk", found, "make room, or set HF_HOME to a folder on another disk")
    else:
        yield good(_TOPIC, "disk", found)


def memory(engines: Sequence[Engine], settings: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the models fit where they compute. Give only those that are not loaded yet."""
    if not engines or find_spec("torch") is None:
        return
    torch = device.torch_here()
    together: dict[int | None, list[tuple[Engine, int]]] = defaultdict(list)
    for engine in engines:
        number = device.gpu_number(device.device_of(engine.part, settings), torch)
        there = engine.name in DEFAULTS and (number is None or number < len(torch.gpus))
        # Nothing is known of what has no usable weights: another check tells of those.
        if there and (needed := _needed(engine, on_gpu=number is not None)):
            together[number].append((engine, needed))
    for number, group in together.items():
        has = torch.gpus[number] if number is not None else device.host_memory()
        if has is not None:
            yield _verdict(group, has, "memory" if number is None else f"memory of cuda:{number}")


def _verdict(group: list[tuple[Engine, int]], has: device.Gpu | device.Memory, kind: str) -> Finding:
    needed = sum(count for _, count in group)
    takers = " and ".join(f"{engine.name} about {size(count)}" for engine, count in group)
    found = f"{takers} of {kind}; {size(has.free)} of {size(has.total)} are free"
    if has.total < needed:
        advice = f"use a machine with more, or set {way_without_model(group[-1][0].part)}"
        return missing(_TOPIC, kind, found, advice)
    if has.free < needed:
        return warning(_TOPIC, kind, found, "end what takes the memory before you start it")
    return good(_TOPIC, kind, found)


def _needed(engine: Engine, *, on_gpu: bool) -> int:
    """Bytes that a model takes in all."""
    default, choice = DEFAULTS[engine.name], engine.choice
    if choice.model is not None and choice.model.model_id == default.model_id:
        return default.gpu_bytes if on_gpu else default.host_bytes
    folder = choice.folder
    held = state_of_folder(folder, KINDS[engine.name].needs).bytes if folder is not None and folder.is_dir() else 0
    return int((held + sum(state.bytes for _, state in engine.states)) * _ROOM_TO_COMPUTE)
