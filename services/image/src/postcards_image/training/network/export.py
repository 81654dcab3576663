"""What comes out of a training run: a model's folder in the format of diffusers, and an ONNX file."""

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from postcards_image.engines.ddpm.description import DESCRIPTION_FILE, ONNX_METADATA_KEY, ModelDescription
from postcards_image.engines.ddpm.unet.network import Network

ONNX_FILE = "model.onnx"
"""Name of the ONNX file in a model's folder."""

_OPSET = 17
_SMALL = 64
"""Tensors with fewer numbers than this stay float32: they weigh nothing."""


def write_folder(network: Network, description: ModelDescription, folder: Path) -> None:
    """Writes the model in both formats.

    The folder loads with diffusers' own `UNet2DModel` and `DDPMScheduler`, and, for a model without classes and
    patches, with `DDPMPipeline`.

    Raises:
        OSError: it could not be written.
    """
    scheduler = DDPMScheduler(
        num_train_timesteps=description.train_timesteps,
        beta_schedule=description.beta_schedule,
        beta_start=description.beta_start,
        beta_end=description.beta_end,
        prediction_type=description.prediction_type,
        clip_sample=description.data_scale == 1,
    )
    DDPMPipeline(network.unet, scheduler).save_pretrained(folder, safe_serialization=True)
    (folder / DESCRIPTION_FILE).write_text(description.to_json() + "\n", encoding="utf-8")
    write_onnx(network, description, folder / ONNX_FILE)


def write_onnx(network: Network, description: ModelDescription, path: Path) -> None:
    """Writes the ONNX file: weights as float16, arithmetic in float32.

    Inputs `sample` [rows, 3, resolution, resolution], `timestep` [rows] and, where there are classes, `class_weights`
    [rows, labels]; output `prediction` like `sample`. The initializers have the names of the network's parameters.

    Raises:
        OSError: it could not be written.
    """
    unfinished = path.with_suffix(".part")
    size = description.resolution
    # Two rows: an exporter that sees one takes the batch for a constant.
    inputs: dict[str, Tensor] = {"sample": torch.zeros(2, 3, size, size), "timestep": torch.zeros(2)}
    if description.labels:
        inputs["class_weights"] = torch.zeros(2, description.labels)
    plain = copy.deepcopy(network).cpu().float().eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                plain,
                tuple(inputs.values()),
                unfinished,
                input_names=list(inputs),
                output_names=["prediction"],
                dynamic_axes={name: {0: "rows"} for name in (*inputs, "prediction")},
                opset_version=_OPSET,
                # Folding would turn weights round and give them names of its own.
                do_constant_folding=False,
                dynamo=False,
            )
        model = _with_halved_weights(onnx.load(unfinished))
        helper.set_model_props(model, {ONNX_METADATA_KEY: description.to_json()})
        onnx.checker.check_model(model)
        onnx.save(model, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_weights(path: Path) -> tuple[Mapping[str, Tensor], ModelDescription]:
    """The network's weights and description from an ONNX file of ours or a model's folder, to train further.

    Raises:
        ValueError: it is no model of ours.
    """
    if path.is_dir():
        description_file = path / DESCRIPTION_FILE
        if not description_file.is_file():
            raise ValueError(f"{path} holds no {DESCRIPTION_FILE}")
        from postcards_image.engines.ddpm.unet.network import load

        description = ModelDescription.from_json(description_file.read_text(encoding="utf-8"))
        return load(path, description).state_dict(), description
    try:
        model = onnx.load(path)
    except Exception as fault:
        raise ValueError(f"{path} is no ONNX file: {fault}") from fault
    properties = {entry.key: entry.value for entry in model.metadata_props}
    if ONNX_METADATA_KEY not in properties:
        raise ValueError(f"{path} was not made by this trainer")
    description = ModelDescription.from_json(properties[ONNX_METADATA_KEY])
    weights = {
        tensor.name.removesuffix(_HALVED): torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))
        for tensor in model.graph.initializer
        if tensor.name.removesuffix(_HALVED).startswith("unet.")
    }
    return weights, description


_HALVED = "__float16"


def _with_halved_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its large float32 tensors stored as float16 and cast when they are loaded."""
    kept: list[onnx.TensorProto] = []
    casts: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        values = cast("np.ndarray[Any, np.dtype[Any]]", numpy_helper.to_array(tensor))
        if tensor.data_type != TensorProto.FLOAT or values.size < _SMALL:
            kept.append(tensor)
            continue
        halved = tensor.name + _HALVED
        kept.append(numpy_helper.from_array(values.astype(np.float16), halved))
        casts.append(helper.make_node("Cast", [halved], [tensor.name], to=TensorProto.FLOAT))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model
