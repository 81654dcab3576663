"""From what the settings name to a model that runs."""

import copy
import os
from typing import Any, Literal

from postcards_audio.engines.stable_audio.checkpoint.description import ModelDescription, read_description
from postcards_audio.engines.stable_audio.checkpoint.libraries import INSTALL, Libraries, Tensor, import_libraries
from postcards_audio.engines.stable_audio.checkpoint.model import StableAudioModel
from postcards_audio.engines.stable_audio.checkpoint.text_encoder import find_text_encoder, load_text_conditioner
from postcards_serving.device.choice import Device, available_cores, choose_device
from postcards_serving.device.memory import bound_host_memory
from postcards_serving.errors import ModelUnusable
from postcards_serving.models.find import ModelFiles, find_model, first_line

DEFAULT_MODEL = "stabilityai/stable-audio-open-1.0"
"""Gated: its licence must be accepted on the hub."""
DEFAULT_REVISION = "f21265c1e2710b3bd2386596943f0007f55f802e"
"""Of `DEFAULT_MODEL`."""

WEIGHTS_FILE = "model.safetensors"
"""Name of the file that holds the weights."""
FILES = (
    "model_config.json",
    WEIGHTS_FILE,
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
)
"""What is fetched and hashed of a model."""
NEEDED = ("model_config.json", WEIGHTS_FILE)

Compile = Literal["auto", "none", "compile"]
"""Whether torch compiles the network; "auto" does not."""


def load_model(
    model: str = "",
    *,
    revision: str = "",
    device: str = "auto",
    dtype: str = "auto",
    compilation: Compile = "auto",
    threads: int = 0,
) -> StableAudioModel:
    """The model that is meant.

    Args:
        model: a folder, or the id of a model on the Hugging Face hub; empty: `DEFAULT_MODEL`.
        revision: commit, branch or tag on the hub; empty: the pinned one of `DEFAULT_MODEL`, else `main`.
        device: see `postcards_serving.device.choice.choose_device`.
        dtype: of the network; the autoencoder computes in float32 everywhere.
        compilation: see `Compile`.
        threads: cores for one step; 0: all that this process may use.

    Raises:
        ModelUnusable: there is no such model, it is of another kind, or it cannot be run here.
    """
    model = model or DEFAULT_MODEL
    revision = revision or (DEFAULT_REVISION if model == DEFAULT_MODEL else "")
    files = find_model(model, patterns=FILES, required=NEEDED, revision=revision, install=INSTALL)
    description = read_description(files.folder, files.name)
    text_files = find_text_encoder(files, description)
    # What libraries would report home.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    libraries = import_libraries()
    chosen = choose_device(device, dtype)
    if chosen.kind == "cpu":
        bound_host_memory()
    libraries.torch.set_num_threads(threads or available_cores())
    configuration, settings = _without_text_encoder(description)
    width = configuration["model"]["conditioning"]["cond_dim"]
    text = load_text_conditioner(libraries, text_files, settings, width, chosen)
    network = _filled(libraries, files, configuration, text)
    return StableAudioModel(
        _placed(libraries, network, chosen),
        libraries,
        description,
        chosen,
        name=files.name,
        revision=files.revision,
        files={**files.files, **text_files.hashes},
        compiled=compilation == "compile",
    )


def _without_text_encoder(description: ModelDescription) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration of everything but the encoder, which the library would load by its name; and the encoder's."""
    configuration = copy.deepcopy(dict(description.configuration))
    conditioning = configuration["model"]["conditioning"]
    settings = next(entry["config"] for entry in conditioning["configs"] if entry["type"] == "t5")
    conditioning["configs"] = [entry for entry in conditioning["configs"] if entry["type"] != "t5"]
    return configuration, settings


def _filled(
    libraries: Libraries,
    files: ModelFiles,
    configuration: dict[str, Any],
    text_conditioner: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """The network with its weights. It is built without memory first: to fill a billion random weights takes long."""
    network = _built(libraries, files, configuration, text_conditioner, place="meta")
    _fill(libraries, files, network)
    if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        # What a file does not hold of a network (tables that follow from its configuration) must be made after all.
        network = _built(libraries, files, configuration, text_conditioner, place="cpu")
        _fill(libraries, files, network)
    return network


def _built(
    libraries: Libraries,
    files: ModelFiles,
    configuration: dict[str, Any],
    text_conditioner: Any,  # noqa: ANN401
    *,
    place: str,
) -> Any:  # noqa: ANN401
    try:
        with libraries.torch.device(place):
            network = libraries.create_model(configuration)
    except Exception as fault:
        raise ModelUnusable(
            f"{files.name} cannot be built from its model_config.json: {type(fault).__name__}: {first_line(fault)}"
        ) from fault
    network.conditioner.conditioners["prompt"] = text_conditioner
    return network


def _fill(libraries: Libraries, files: ModelFiles, network: Any) -> None:  # noqa: ANN401
    """Loads the weights. What the library takes for granted is looked after: no layer may keep random weights."""
    path = files.folder / WEIGHTS_FILE
    try:
        weights: dict[str, Tensor] = libraries.load_weights(str(path))
        missing = set(network.load_state_dict(weights, strict=False, assign=True).missing_keys)
    except Exception as fault:
        raise ModelUnusable(f"{path} cannot be loaded: {first_line(fault)}") from fault
    lacking = sorted(missing & {name for name, _ in network.named_parameters()})
    if lacking:
        raise ModelUnusable(f"{path} lacks {len(lacking)} of the weights of its model_config.json, e.g. {lacking[0]}")


def _placed(libraries: Libraries, network: Any, device: Device) -> Any:  # noqa: ANN401
    """The network on its device. The autoencoder stays exact: it works once where the transformer works 150 times."""
    network.eval().requires_grad_(False)
    network.model.to(device.name, getattr(libraries.torch, device.dtype))
    network.conditioner.to(device.name, libraries.torch.float32)
    network.pretransform.to(device.name, libraries.torch.float32)
    network.pretransform.model_half = False
    # Pieces are cut here, with the margin that makes them exact.
    network.pretransform.chunked = False
    return network
