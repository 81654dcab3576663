"""LoRA weights: found, checked, fused into the checkpoint's own before the first picture."""

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from postcards_serving.errors import ModelUnusable
from postcards_serving.models.find import find_model, first_line, is_hub_id

_USUAL_NAME: Final = "pytorch_lora_weights.safetensors"
"""What training scripts call the file."""
_WEIGHTED = re.compile(r"(?P<source>.+?):(?P<weight>-?\d+(?:\.\d*)?)")
_REVISED = re.compile(r"(?P<source>[^@]+)@(?P<revision>[\w./-]{1,256})")
_HEAVIEST = 4.0


@dataclass(frozen=True)
class LoraChoice:
    """What a setting asks for."""

    source: str
    """Folder, .safetensors file or hub id."""
    weight: float
    """How strongly it is mixed in; 1 as it was trained."""
    revision: str = ""
    """Commit, branch or tag on the hub; empty: `main`."""


@dataclass(frozen=True)
class LoraFile:
    """LoRA weights on this machine."""

    path: Path
    name: str
    """Hub id or name of the folder or file, with the file where there are several."""
    revision: str
    sha256: str


def read_choice(setting: str) -> LoraChoice:
    """The choice that a setting writes as `source`, `source:weight`, `source@revision` or `source@revision:weight`.

    Only ids on the hub have a revision: in the name of a folder or file an @ is a letter.

    Raises:
        ModelUnusable: the weight is no sensible number.
    """
    matched = _WEIGHTED.fullmatch(setting)
    if matched is None:
        return _at_revision(setting, 1.0)
    weight = float(matched["weight"])
    if not -_HEAVIEST <= weight <= _HEAVIEST:
        raise ModelUnusable(f"POSTCARDS_IMAGE_LORA: the weight must be -{_HEAVIEST:g} to {_HEAVIEST:g}, not {weight:g}")
    return _at_revision(matched["source"], weight)


def find_lora(choice: LoraChoice, install: str) -> LoraFile:
    """The file that is meant: from a folder or repository the only one, or the one with the usual name.

    Raises:
        ModelUnusable: there is none, or one of several would have to be guessed.
    """
    path = Path(choice.source).expanduser()
    if path.is_file():
        if path.suffix != ".safetensors":
            raise ModelUnusable(f"{path} is not a .safetensors file: other formats of LoRA weights are never opened")
        model = find_model(str(path.parent), patterns=[glob.escape(path.name)])
        return LoraFile(path, path.name, model.revision, model.files[path.name])
    model = find_model(
        choice.source, patterns=["*.safetensors"], revision=choice.revision, install=install, required=["*.safetensors"]
    )
    name = _the_one(model.files, model.name)
    return LoraFile(model.folder / name, f"{model.name}/{name}", model.revision, model.files[name])


def fuse(choice: LoraChoice, lora: LoraFile, parts: Mapping[str, Any]) -> None:
    """Adds the weights to those of the UNet and the text encoder among `parts`; they cost nothing afterwards.

    Raises:
        ModelUnusable: they are none, or of another kind of model.
    """
    diffusers: Any = import_module("diffusers")
    try:
        # diffusers knows the many ways in which such files are written; its pipeline is used for nothing else.
        pipeline = diffusers.StableDiffusionPipeline(
            **parts,
            scheduler=diffusers.PNDMScheduler(skip_prk_steps=True, steps_offset=1),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.load_lora_weights(lora.path.parent, weight_name=lora.path.name, use_safetensors=True)
        if not any(pipeline.get_list_adapters().values()):
            raise ModelUnusable(f"{lora.name} holds no LoRA weights for the UNet or the text encoder")
        pipeline.fuse_lora(lora_scale=choice.weight, safe_fusing=True)
        pipeline.unload_lora_weights()
    except ModelUnusable:
        raise
    except Exception as fault:
        raise ModelUnusable(f"the LoRA weights {lora.name} do not fit the model: {first_line(fault)}") from fault


def _at_revision(source: str, weight: float) -> LoraChoice:
    matched = _REVISED.fullmatch(source)
    if matched is None or not is_hub_id(matched["source"]) or Path(source).expanduser().exists():
        return LoraChoice(source, weight)
    return LoraChoice(matched["source"], weight, matched["revision"])


def _the_one(files: Mapping[str, str], model: str) -> str:
    if len(files) == 1:
        return next(iter(files))
    usual = [name for name in files if name.rsplit("/", 1)[-1] == _USUAL_NAME]
    if len(usual) == 1:
        return usual[0]
    raise ModelUnusable(
        f"{model} has several .safetensors files and none is called {_USUAL_NAME}: fetch the one that is "
        f"meant and name that file in POSTCARDS_IMAGE_LORA ({', '.join(sorted(files)[:4])}, ...)"
    )
