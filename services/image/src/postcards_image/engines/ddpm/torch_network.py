"""A network in a diffusers folder, run by torch."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from postcards_image.engines.ddpm.denoiser import Array
from postcards_image.engines.ddpm.description import DESCRIPTION_FILE, ModelDescription
from postcards_image.engines.ddpm.faults import INSTALL, ModelUnusable
from postcards_serving.device.choice import choose_device
from postcards_serving.models.find import find_model

WEIGHTS = "diffusion_pytorch_model.safetensors"
"""Name of the file that holds the weights."""
PICKLED = "diffusion_pytorch_model.bin"
"""Name of the file that is never opened."""


class TorchNetwork:
    """Runs the UNet of a `DDPMPipeline` folder, on a GPU where there is one."""

    def __init__(self, folder: Path, *, name: str, threads: int, commit: str = "") -> None:
        """Loads the UNet.

        Args:
            folder: a pipeline's folder, its parts in folders of their own or, as in old ones, side by side.
            name: id on the hub, or the folder's name.
            threads: cores for one call.
            commit: on the hub; empty: it is not from there.

        Raises:
            ModelUnusable: it cannot be read, is no such folder, or torch is missing.
        """
        unet, scheduler = _part(folder, "unet"), _part(folder, "scheduler")
        weights = unet / WEIGHTS
        if not weights.is_file():
            raise ModelUnusable(_without_weights(folder, unet))
        self.description: Final = _description(folder, name, unet, scheduler)
        self.name: Final = name
        parts = (weights, *_configurations(folder, unet, scheduler))
        files = find_model(str(folder), patterns=[path.relative_to(folder).as_posix() for path in parts])
        self.files: Final = files.files
        self.revision: Final = commit or files.revision
        torch, diffusers, network = _libraries(folder)
        torch.set_num_threads(threads)
        self._torch: Any = torch
        self.device: Final = choose_device("cuda" if torch.cuda.is_available() else "cpu", "float32")
        self.libraries: Final[Mapping[str, str]] = {"torch": torch.__version__, "diffusers": diffusers.__version__}
        try:
            loaded = diffusers.UNet2DModel.from_pretrained(
                unet, use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False
            )
            self._network: Any = network(loaded, self.description).to(self.device.name).eval()
        except Exception as fault:
            raise ModelUnusable(f"{unet} cannot be loaded: {str(fault).strip().splitlines()[0][:300]}") from fault

    def predict(self, sample: Array, timestep: Array, class_weights: Array | None) -> Array:
        """One call of the network on its device; the shapes are those of `Network.predict`."""
        with self._torch.inference_mode():
            classes = None if class_weights is None else self._tensor(class_weights)
            return self._network(self._tensor(sample), self._tensor(timestep), classes).cpu().numpy()

    def close(self) -> None:
        """Lets go of the weights."""
        self._network = None

    def _tensor(self, values: Array) -> Any:  # noqa: ANN401 - torch is imported at run time
        return self._torch.from_numpy(np.ascontiguousarray(values)).to(self.device.name)


def _libraries(folder: Path) -> tuple[Any, Any, Any]:
    try:
        torch, diffusers = import_module("torch"), import_module("diffusers")
        network = import_module("postcards_image.engines.ddpm.unet.network")
    except ImportError as fault:
        raise ModelUnusable(f"{folder} needs {fault.name or 'torch'}, which is not installed: {INSTALL}") from None
    return torch, diffusers, network.Network


def _part(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder


def _configurations(folder: Path, unet: Path, scheduler: Path) -> tuple[Path, ...]:
    """The files that say what the weights are: the last is our own description, or else the scheduler's."""
    own = folder / DESCRIPTION_FILE
    return unet / "config.json", own if own.is_file() else scheduler / "scheduler_config.json"


def _without_weights(folder: Path, unet: Path) -> str:
    if (unet / PICKLED).exists():
        return (
            f"{folder} holds its weights only as {PICKLED}, which is never opened because pickles can run code: "
            "save it again with safetensors (`pipeline.save_pretrained(folder)`)"
        )
    return (
        f"{folder} is no model: it has neither model.onnx nor {unet.relative_to(folder) / WEIGHTS} "
        "(pickled weights are never opened)"
    )


def _description(folder: Path, name: str, unet: Path, scheduler: Path) -> ModelDescription:
    try:
        own = folder / DESCRIPTION_FILE
        if own.is_file():
            return ModelDescription.from_json(own.read_text(encoding="utf-8"))
        configurations = (unet / "config.json", scheduler / "scheduler_config.json")
        unet_values, scheduler_values = (json.loads(path.read_text(encoding="utf-8")) for path in configurations)
        if unet_values.get("_class_name", "UNet2DModel") != "UNet2DModel":
            raise ModelUnusable(f"{folder} holds a {unet_values['_class_name']}; only UNet2DModel can be served here")
        return ModelDescription.from_diffusers(name, unet_values, scheduler_values)
    except OSError as fault:
        raise ModelUnusable(f"{folder} is no DDPMPipeline: cannot read {fault.filename}: {fault.strerror}") from None
    except (ValueError, AttributeError) as fault:
        raise ModelUnusable(f"{folder}: {fault}") from None
