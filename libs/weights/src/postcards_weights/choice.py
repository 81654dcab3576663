"""Which models the environment and the command line mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from postcards_weights.cache import is_hub_id
from postcards_weights.catalog import KINDS, LORA, Companion, Model, Precision, model

PARTS = ("image", "audio")
"""Parts whose engines have weights."""

_USUAL = {"image": "stable-diffusion", "audio": "stable-audio"}
_STRENGTH = re.compile(r":-?[0-9.]+$")


class NoChoice(Exception):  # noqa: N818 - a word of the domain
    """What was asked for does not fit together. The message is one line."""


@dataclass(frozen=True)
class Choice:
    """The weights of one engine."""

    part: str
    """"image" or "audio"."""
    engine: str
    """Name of the engine."""
    folder: Path | None
    """Folder of the model where a folder was named."""
    model: Model | None
    """The model on the hub; None where it is a folder, or comes with the package."""
    companions: tuple[Companion, ...]
    """What its engine loads besides."""


def engine_of(part: str, settings: Mapping[str, str]) -> str:
    """The engine that the environment names; empty without one."""
    return settings.get(f"POSTCARDS_{part.upper()}_ENGINE", "").strip()


def choices(
    parts: tuple[str, ...],
    settings: Mapping[str, str],
    *,
    engine: str = "",
    model_id: str = "",
    revision: str = "",
    precision: Precision | None = None,
) -> tuple[Choice, ...]:
    """The weights that are meant.

    Args:
        parts: "image", "audio"; none: those whose engine in `settings` has weights.
        settings: the environment.
        engine: engine instead of the one in `settings`; it decides the part too.
        model_id: model instead of the one in `settings`.
        revision: its revision.
        precision: of the weights; None: what the engine loads with `settings` on this machine.

    Raises:
        NoChoice: nothing is meant, or it does not fit together.
    """
    if engine:
        if engine not in KINDS:
            raise NoChoice(f"{engine!r} is no engine with weights: {', '.join(KINDS)}")
        if parts and set(parts) != {KINDS[engine].part}:
            raise NoChoice(f"{engine} makes the {KINDS[engine].part}, not the {' and '.join(parts)}")
        parts = (KINDS[engine].part,)
    meant = parts or tuple(part for part in PARTS if engine_of(part, settings) in KINDS)
    if not meant:
        raise NoChoice(
            "say what to fetch: image, audio or both (or set POSTCARDS_IMAGE_ENGINE=stable-diffusion, "
            "POSTCARDS_AUDIO_ENGINE=stable-audio)"
        )
    if (model_id or revision) and len(meant) > 1:
        raise NoChoice("--model and --revision need one part: image or audio")
    return tuple(_choice(part, settings, engine, model_id, revision, precision) for part in meant)


def _choice(
    part: str, settings: Mapping[str, str], engine: str, model_id: str, revision: str, precision: Precision | None
) -> Choice:
    present = engine_of(part, settings)
    chosen = engine or (present if present in KINDS else _USUAL[part])
    # What the environment says of a model belongs to the engine that it names.
    if not model_id and present in (chosen, ""):
        model_id = settings.get(f"POSTCARDS_{part.upper()}_MODEL", "").strip()
        revision = revision or settings.get(f"POSTCARDS_{part.upper()}_REVISION", "").strip()
    companions = KINDS[chosen].companions + _lora(part, chosen, settings)
    folder = Path(model_id).expanduser() if model_id else None
    if folder is not None and (folder.exists() or not is_hub_id(model_id)):
        return Choice(part, chosen, folder, None, companions)
    found = model(chosen, precision or usual_precision(part, settings), model_id, revision)
    return Choice(part, chosen, None, found, companions)


def _lora(part: str, engine: str, settings: Mapping[str, str]) -> tuple[Companion, ...]:
    source = _STRENGTH.sub("", settings.get("POSTCARDS_IMAGE_LORA", "").strip())
    name, _, revision = source.partition("@")
    if part != "image" or engine != "stable-diffusion" or not is_hub_id(name) or Path(source).expanduser().exists():
        return ()
    return (Companion(Model(name, revision or "main", LORA), unless=""),)


def usual_precision(part: str, settings: Mapping[str, str]) -> Precision:
    """What an engine loads where the weights exist in both: half of it on a GPU."""
    device = settings.get(f"POSTCARDS_{part.upper()}_DEVICE", "") or "auto"
    dtype = settings.get(f"POSTCARDS_{part.upper()}_DTYPE", "") or "auto"
    if dtype != "auto":
        return Precision.WHOLE if dtype == "float32" else Precision.HALF
    on_gpu = device.startswith("cuda") or (device == "auto" and _torch_sees_a_gpu(settings))
    return Precision.HALF if on_gpu else Precision.WHOLE


def _torch_sees_a_gpu(settings: Mapping[str, str]) -> bool:
    """As far as can be told without loading torch."""
    if settings.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1") or not any(Path("/proc/driver/nvidia/gpus").glob("*")):
        return False
    try:
        return "+cpu" not in version("torch")
    except PackageNotFoundError:
        return True
