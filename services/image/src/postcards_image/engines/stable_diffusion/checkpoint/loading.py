"""From what the operator chose to a checkpoint in memory: each part by its own loader, safetensors only."""

import gc
import json
import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TypeVar

import torch

from postcards_image.engines.stable_diffusion.checkpoint import files
from postcards_image.engines.stable_diffusion.checkpoint.autoencoder import Autoencoder
from postcards_image.engines.stable_diffusion.checkpoint.checkpoint import Checkpoint
from postcards_image.engines.stable_diffusion.checkpoint.files import INSTALL_LINE, find_files
from postcards_image.engines.stable_diffusion.checkpoint.lora import LoraFile, find_lora, fuse, read_choice
from postcards_image.engines.stable_diffusion.checkpoint.network import Network
from postcards_image.engines.stable_diffusion.checkpoint.safety_checker import SafetyChecker
from postcards_image.engines.stable_diffusion.checkpoint.text_encoder import TextReader
from postcards_image.engines.stable_diffusion.choices import Choices
from postcards_image.engines.stable_diffusion.samplers.batch import sampler_of, schedule_of
from postcards_serving.device.choice import Device, available_cores, choose_device
from postcards_serving.device.memory import bound_host_memory
from postcards_serving.errors import ModelUnusable
from postcards_serving.models.find import ModelFiles, first_line

_CHECKER: Final = "safety_checker"
_LIBRARIES: Final = ("torch", "diffusers", "transformers", "safetensors", "numpy", "pillow")
_MADE_FOR: Final = (
    "in_channels",
    "time_cond_proj_dim",
    "class_embed_type",
    "num_class_embeds",
    "addition_embed_type",
    "encoder_hid_dim_type",
)
"""What of a UNet's configuration tells other kinds of model from text-to-image ones."""

ValueT = TypeVar("ValueT")


def load_checkpoint(choices: Choices) -> Checkpoint:
    """Finds the files, loads the parts one after another, fuses the LoRA, moves everything to the device.

    Raises:
        ModelUnusable: something is missing or cannot be served here; one sentence that says what to do.
    """
    _hush_libraries()
    device = choose_device(choices.device, choices.dtype)
    torch.set_num_threads(choices.threads or available_cores())
    if device.name == "cpu":
        bound_host_memory()
    half, model = _find(choices, device)
    lora_choice = read_choice(choices.lora) if choices.lora else None
    lora = find_lora(lora_choice, INSTALL_LINE) if lora_choice else None
    parts = _Parts(model, device, half)
    unet = parts.unet()
    loaded = {
        "tokenizer": parts.tokenizer(),
        "text_encoder": parts.text_encoder(),
        "unet": unet,
        "vae": parts.autoencoder(),
    }
    if lora is not None and lora_choice is not None:
        fuse(lora_choice, lora, loaded)
    return _assembled(choices, device, model, loaded, parts, lora)


def _assembled(
    choices: Choices,
    device: Device,
    model: ModelFiles,
    loaded: Mapping[str, Any],
    parts: "_Parts",
    lora: LoraFile | None,
) -> Checkpoint:
    where, dtype = torch.device(device.name), _dtype(device)
    compiled = choices.compile == "compile" or (choices.compile == "auto" and where.type == "cuda")
    layout = torch.channels_last if where.type == "cuda" else torch.contiguous_format
    unet = loaded["unet"].to(where, memory_format=layout).eval().requires_grad_(False)
    vae = loaded["vae"].to(where, memory_format=layout).eval().requires_grad_(False)
    encoder = loaded["text_encoder"].to(where).eval().requires_grad_(False)
    gc.collect()
    # Its configuration may ask for float32 (force_upcast): that is meant for SDXL, and no pipeline of 1 and 2 heeds it.
    autoencoder = Autoencoder(vae, where, dtype)
    scheduler = parts.scheduler()
    hashes = dict(model.files) | ({f"lora/{lora.path.name}": lora.sha256} if lora else {})
    return Checkpoint(
        name=model.name,
        revision=model.revision,
        files=hashes,
        reader=TextReader(loaded["tokenizer"], encoder, where),
        network=Network(unet, where, dtype, compiled=compiled),
        autoencoder=autoencoder,
        checker=parts.checker(),
        scheduler=scheduler,
        default_sampler=sampler_of(scheduler),
        size=_sample_size(unet) * autoencoder.factor,
        device=device,
        settings={"lora": _lora_setting(choices, lora)},
        libraries=_versions((*_LIBRARIES, "peft") if lora else _LIBRARIES),
    )


class _Parts:
    """Loads the parts of a checkpoint; each failure names its part."""

    def __init__(self, model: ModelFiles, device: Device, half: bool) -> None:
        self._model = model
        self._dtype = _dtype(device)
        self._device = torch.device(device.name)
        self._half = half
        # Its names are made at run time: type checkers see none of them.
        self._diffusers: Any = import_module("diffusers")

    def tokenizer(self) -> Any:  # noqa: ANN401 - what transformers loads has no type of ours
        from transformers import CLIPTokenizer

        return self._loaded("tokenizer", lambda folder: CLIPTokenizer.from_pretrained(folder, local_files_only=True))

    def text_encoder(self) -> Any:  # noqa: ANN401
        from transformers import CLIPTextModel

        return self._loaded(
            "text_encoder",
            lambda folder: CLIPTextModel.from_pretrained(folder, **self._of_transformers("text_encoder")),
        )

    def unet(self) -> Any:  # noqa: ANN401
        configuration = self._configuration("unet/config.json")
        if complaint := _wrong_kind(configuration):
            raise ModelUnusable(f"{self._model.name} cannot be served: {complaint}")
        kind = self._diffusers.UNet2DConditionModel
        return self._loaded("unet", lambda folder: kind.from_pretrained(folder, **self._of_diffusers("unet")))

    def autoencoder(self) -> Any:  # noqa: ANN401
        kind = self._diffusers.AutoencoderKL
        return self._loaded("vae", lambda folder: kind.from_pretrained(folder, **self._of_diffusers("vae")))

    def scheduler(self) -> dict[str, Any]:
        """Its configuration, which at least one sampler understands."""
        configuration = self._configuration("scheduler/scheduler_config.json")
        try:
            schedule_of(configuration, sampler_of(configuration), 1)
        except ValueError as fault:
            raise ModelUnusable(f"{self._model.name} cannot be served: {fault}") from None
        return configuration

    def checker(self) -> SafetyChecker | None:
        """None: the checkpoint has none."""
        if not (self._model.folder / "safety_checker" / "config.json").is_file():
            if self._names_a_checker():
                raise ModelUnusable(
                    f"{self._model.name} names a safety_checker in its model_index.json, but has none: fetch it, or "
                    "write [null, null] there to do without"
                )
            return None
        from transformers import CLIPImageProcessorPil

        kind: Any = import_module("diffusers.pipelines.stable_diffusion").StableDiffusionSafetyChecker

        def load(folder: Path) -> Any:  # noqa: ANN401
            return kind.from_pretrained(folder, **self._of_transformers(_CHECKER))

        checker = self._loaded("safety_checker", load).to(self._device).eval()
        extractor = self._loaded("feature_extractor", CLIPImageProcessorPil.from_pretrained)
        return SafetyChecker(checker, extractor, self._device, self._dtype)

    def _names_a_checker(self) -> bool:
        index = self._model.folder / "model_index.json"
        named = self._configuration("model_index.json").get("safety_checker") if index.is_file() else None
        return isinstance(named, list) and named[:1] not in ([], [None])

    def _of_diffusers(self, part: str) -> dict[str, Any]:
        return {**self._of_transformers(part), "low_cpu_mem_usage": True}

    def _of_transformers(self, part: str) -> dict[str, Any]:
        halved = self._half and (self._model.folder / files.weights(part, half=True)).is_file()
        return {
            "use_safetensors": True,
            "variant": "fp16" if halved else None,
            "dtype": self._dtype,
            "local_files_only": True,
        }

    def _loaded(self, part: str, load: Callable[[Path], ValueT]) -> ValueT:
        try:
            return load(self._model.folder / part)
        except Exception as fault:
            raise ModelUnusable(f"{self._model.name}: its {part} cannot be loaded: {first_line(fault)}") from fault

    def _configuration(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self._model.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as fault:
            raise ModelUnusable(f"{self._model.name}: {name} cannot be read: {fault}") from None
        if not isinstance(content, dict):
            raise ModelUnusable(f"{self._model.name}: {name} is no configuration")
        return content


def _find(choices: Choices, device: Device) -> tuple[bool, ModelFiles]:
    """Whether the files are in half precision, and the files. Half the size is fetched where that loses nothing."""
    if device.dtype != "float32":
        try:
            model = find_files(choices, files.patterns(half=True), files.required(half=True))
        except ModelUnusable:
            # Not every checkpoint has such files; if something else is wrong, it is wrong with the others too.
            pass
        else:
            return True, _with_whole_checker(choices, model)
    return False, find_files(choices, files.patterns(half=False), files.required(half=False))


def _with_whole_checker(choices: Choices, model: ModelFiles) -> ModelFiles:
    """The model in half precision; with its safety checker in whole where that exists in no other."""
    if f"{_CHECKER}/config.json" not in model.files or files.weights(_CHECKER, half=True) in model.files:
        return model
    whole = files.weights(_CHECKER, half=False)
    return find_files(choices, (*files.patterns(half=True), whole), (*files.required(half=True), whole))


def _wrong_kind(configuration: Mapping[str, Any]) -> str:
    """Why a UNet with this configuration is none of a text-to-image checkpoint; empty when it is."""
    named = configuration.get("_class_name", "UNet2DConditionModel")
    if named != "UNet2DConditionModel":
        return f"its unet is a {named}"
    if configuration.get("addition_embed_type") is not None:
        return "it is of the SDXL family; only Stable Diffusion 1 and 2 are served"
    if configuration.get("in_channels", 4) != 4:
        return f"its unet takes {configuration['in_channels']} channels: it is made for inpainting, depth or editing"
    foreign = [name for name in _MADE_FOR[1:] if configuration.get(name) is not None]
    return f"its unet needs more than words ({', '.join(foreign)})" if foreign else ""


def _sample_size(unet: Any) -> int:  # noqa: ANN401
    size = unet.config.sample_size
    return int(size if isinstance(size, int) else min(size))


def _lora_setting(choices: Choices, lora: LoraFile | None) -> dict[str, object] | None:
    if lora is None:
        return None
    return {"name": lora.name, "revision": lora.revision, "weight": read_choice(choices.lora).weight}


def _dtype(device: Device) -> torch.dtype:
    return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[device.dtype]


def _versions(names: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _hush_libraries() -> None:
    """Keeps what these libraries write out of the server's log, and keeps them from reporting home."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "critical")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "critical")
    import transformers
    from diffusers.utils import logging as diffusers_logging

    for library_logging in (transformers.utils.logging, diffusers_logging):
        # What goes wrong is raised as well.
        library_logging.set_verbosity(logging.CRITICAL)
        library_logging.disable_progress_bar()
