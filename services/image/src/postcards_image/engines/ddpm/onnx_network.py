"""A network in an ONNX file, run by onnxruntime: no torch in the process."""

from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from postcards_image.engines.ddpm.denoiser import Array
from postcards_image.engines.ddpm.description import ONNX_METADATA_KEY, ModelDescription
from postcards_image.engines.ddpm.faults import ModelUnusable
from postcards_serving.device.choice import Device

_ERRORS_ONLY = 3


class OnnxNetwork:
    """Runs an ONNX file on the processor."""

    def __init__(self, path: Path, *, threads: int, name: str = "", commit: str = "") -> None:
        """Loads `path`.

        Args:
            path: the file; its metadata describe the model.
            threads: cores for one call.
            name: id on the hub or name of the folder that holds it; empty: what its metadata call it.
            commit: on the hub; empty: it is not from there.

        Raises:
            ModelUnusable: it cannot be read, is no ONNX file, or not one of ours.
        """
        onnxruntime: Any = import_module("onnxruntime")
        onnxruntime.disable_telemetry_events()
        onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
        data = _read(path)
        self.files: Final[Mapping[str, str]] = {path.name: sha256(data).hexdigest()}
        self.revision: Final = commit or f"sha256:{self.files[path.name]}"
        self.device: Final = Device(name="cpu", dtype="float32", description="cpu")
        self.libraries: Final[Mapping[str, str]] = {"onnxruntime": onnxruntime.__version__}
        self._session: Any = _session(onnxruntime, data, path, threads)
        self.description: Final = _description(self._session, path)
        self.name: Final = name or self.description.name
        self._inputs: Final[set[str]] = {entry.name for entry in self._session.get_inputs()}
        self._try_out(path)

    def predict(self, sample: Array, timestep: Array, class_weights: Array | None) -> Array:
        """One call of the network on the processor; the shapes are those of `Network.predict`."""
        feeds: dict[str, Array] = {"sample": sample, "timestep": timestep}
        if class_weights is not None:
            feeds["class_weights"] = class_weights
        return self._session.run(["prediction"], feeds)[0]

    def close(self) -> None:
        """Lets go of the weights."""
        self._session = None

    def _try_out(self, path: Path) -> None:
        """Runs the smallest call, so that a file that does not fit fails now and not in the first picture."""
        model = self.description
        expected = {"sample", "timestep", "class_weights"} if model.labels else {"sample", "timestep"}
        if self._inputs != expected:
            raise ModelUnusable(
                f"{path} takes {', '.join(sorted(self._inputs))}, not {', '.join(sorted(expected))}: "
                "serve what postcards-train exports"
            )
        sample = np.zeros((1, 3, model.resolution, model.resolution), np.float32)
        classes = np.zeros((1, model.labels), np.float32) if model.labels else None
        try:
            answer = self.predict(sample, np.zeros(1, np.float32), classes)
        except Exception as fault:
            raise ModelUnusable(f"{path} does not run: {_first_line(fault)}") from fault
        if answer.shape != sample.shape or not np.isfinite(answer).all():
            raise ModelUnusable(f"{path} answers {answer.shape} to a picture of {sample.shape}, or not in numbers")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise ModelUnusable(f"cannot read {path}: {fault.strerror}") from None


def _session(onnxruntime: Any, data: bytes, path: Path, threads: int) -> Any:  # noqa: ANN401 - it has no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # Threads that spin between calls would take the cores from those that draw and print.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as fault:
        raise ModelUnusable(f"{path} is no ONNX file that can be run: {_first_line(fault)}") from fault


def _description(session: Any, path: Path) -> ModelDescription:  # noqa: ANN401 - onnxruntime has no types
    text: str | None = session.get_modelmeta().custom_metadata_map.get(ONNX_METADATA_KEY)
    if text is None:
        raise ModelUnusable(f"{path} does not say how it was trained: serve what postcards-train exports")
    try:
        return ModelDescription.from_json(text)
    except ValueError as fault:
        raise ModelUnusable(f"{path}: {fault}") from None


def _first_line(fault: Exception) -> str:
    return str(fault).strip().splitlines()[0][:300] if str(fault).strip() else type(fault).__name__
