"""From what the settings name to a network that runs."""

import re
from pathlib import Path
from typing import Literal

from postcards_image.engines.ddpm.denoiser import LoadedNetwork
from postcards_image.engines.ddpm.faults import INSTALL
from postcards_serving.device.choice import available_cores
from postcards_serving.models.find import ModelUnusable, find_model

SHIPPED = Path(__file__).parents[2] / "models" / "animals.onnx"
"""The model that comes with the package."""

ONNX_FILE = "model.onnx"
"""Name of the ONNX file in a model's folder."""

Runtime = Literal["auto", "onnx", "torch"]
"""What runs the network; "auto" takes onnxruntime wherever there is an ONNX file."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_HUB_FILES = ("*.json", "*.safetensors", ONNX_FILE)


def load_network(model: str = "", runtime: Runtime = "auto", threads: int = 0, revision: str = "") -> LoadedNetwork:
    """The network that is meant.

    Args:
        model: an ONNX file, a model's folder, or the id of one on the Hugging Face hub; empty: the shipped one.
        runtime: what runs it.
        threads: cores for one call; 0: all that this process may use.
        revision: commit, branch or tag of a model on the hub; empty: `main`.

    Raises:
        ModelUnusable: there is no such model, or it cannot be run here.
    """
    threads = threads or available_cores()
    path = Path(model).expanduser() if model else SHIPPED
    if not path.exists():
        if not model:
            raise ModelUnusable(f"the model that comes with the package is missing: {path}")
        if not _HUB_ID.fullmatch(model) or path.suffix == ".onnx":
            raise ModelUnusable(f"there is no file or folder {model}, and it is no id on the Hugging Face hub")
        found = find_model(model, patterns=_HUB_FILES, revision=revision, install=INSTALL)
        return _load(found.folder, runtime, threads, found.name, found.revision)
    return _load(path, runtime, threads, path.resolve().name if path.is_dir() else "")


def _load(path: Path, runtime: Runtime, threads: int, name: str, commit: str = "") -> LoadedNetwork:
    file = path / ONNX_FILE if path.is_dir() else path
    if file.suffix != ".onnx":
        raise ModelUnusable(f"{path} is neither an ONNX file (.onnx) nor a folder")
    if runtime == "torch" and not path.is_dir():
        raise ModelUnusable(
            f"torch runs a model's folder, not {path}: set POSTCARDS_IMAGE_RUNTIME=onnx, or name the folder"
        )
    if runtime == "onnx" and not file.is_file():
        raise ModelUnusable(f"{path} has no {ONNX_FILE}: set POSTCARDS_IMAGE_RUNTIME=torch")
    if runtime != "torch" and file.is_file():
        from postcards_image.engines.ddpm.onnx_network import OnnxNetwork

        return OnnxNetwork(file, threads=threads, name=name, commit=commit)
    from postcards_image.engines.ddpm.torch_network import TorchNetwork

    return TorchNetwork(path, name=name, threads=threads, commit=commit)
