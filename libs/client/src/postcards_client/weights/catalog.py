"""The models that engines load: which files of them, how large they are, and what their licence asks."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
"""Endings of files that can run code when they are read: never fetched, never loaded."""


@dataclass(frozen=True)
class Need:
    """One thing that an engine loads from a model; where several files would do, the first that is there is taken."""

    choices: tuple[str, ...]
    """Patterns of paths within the model; `*` stands for anything but a slash."""
    optional: bool = False
    """Whether the engine does without it."""

    def among(self, paths: list[str]) -> list[str]:
        """The paths that answer it."""
        for pattern in self.choices:
            found = [path for path in paths if matches(path, pattern)]
            if found:
                return found
        return []


def matches(path: str, pattern: str) -> bool:
    """Whether a path within a model matches a pattern, folder by folder."""
    parts, patterns = path.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _need(*choices: str) -> Need:
    return Need(choices)


def _maybe(*choices: str) -> Need:
    return Need(choices, optional=True)


def _component(folder: str, stem: str, *, optional: bool = False) -> tuple[Need, ...]:
    """Configuration and weights of one part of a checkpoint in the layout of diffusers, in one file or in several."""
    shards = Need((f"{folder}/{stem}.safetensors", f"{folder}/{stem}-*-of-*.safetensors"), optional)
    return (
        Need((f"{folder}/config.json",), optional),
        shards,
        Need((f"{folder}/{stem}.safetensors.index.json",), optional=True),
    )


@dataclass(frozen=True)
class Kind:
    """What an engine needs of any model that it can load."""

    part: str
    """"image" or "audio"."""
    engine: str
    """Name of the engine."""
    needs: tuple[Need, ...]
    """The files."""
    packages: tuple[str, ...]
    """What is imported to run it, beside what the embedded engines need."""
    companions: tuple["Model", ...] = ()
    """Models that it loads besides, whichever model is named."""


@dataclass(frozen=True)
class Model:
    """A model on the Hugging Face hub."""

    model_id: str
    """Its id."""
    revision: str
    """The commit that is loaded when none is named."""
    needs: tuple[Need, ...]
    """The files."""
    download_bytes: int
    """Size of those files, about."""
    licence: str
    """Name of its licence."""
    gated: bool = False
    """Whether the hub hands it out only to those who accepted the licence."""
    host_bytes: int = 0
    """Memory that it takes on a CPU in float32, about."""
    gpu_bytes: int = 0
    """Memory that it takes on a GPU in half precision, one request at a time, about."""


STABLE_DIFFUSION = Kind(
    part="image",
    engine="stable-diffusion",
    needs=(
        _need("model_index.json"),
        _need("scheduler/scheduler_config.json"),
        _need("tokenizer/tokenizer.json", "tokenizer/vocab.json"),
        _maybe("tokenizer/vocab.json"),
        _maybe("tokenizer/merges.txt"),
        _maybe("tokenizer/tokenizer_config.json"),
        _maybe("tokenizer/special_tokens_map.json"),
        *_component("text_encoder", "model"),
        *_component("unet", "diffusion_pytorch_model"),
        *_component("vae", "diffusion_pytorch_model"),
        *_component("safety_checker", "model", optional=True),
        _maybe("feature_extractor/preprocessor_config.json"),
    ),
    packages=("torch", "diffusers", "transformers", "safetensors"),
)

T5 = Model(
    model_id="t5-base",
    revision="a9723ea7f1b39c1eae772870f3b547bf6ef7e6c1",
    needs=(
        _need("config.json"),
        _need("model.safetensors", "model-*-of-*.safetensors"),
        _need("tokenizer.json", "spiece.model"),
        _maybe("spiece.model"),
        _maybe("tokenizer_config.json"),
        _maybe("generation_config.json"),
    ),
    download_bytes=894_000_000,
    licence="Apache-2.0",
)

STABLE_AUDIO = Kind(
    part="audio",
    engine="stable-audio",
    needs=(_need("model_config.json"), _need("model.safetensors")),
    packages=("torch", "stable_audio_tools", "transformers", "safetensors"),
    companions=(T5,),
)

DDPM = Kind(
    part="image",
    engine="ddpm",
    needs=(
        _need("model.onnx", "unet/diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors"),
        _maybe("unet/diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors"),
        _maybe("*.json"),
        _maybe("*/*.json"),
    ),
    packages=("onnxruntime",),
)

KINDS = {kind.engine: kind for kind in (STABLE_DIFFUSION, STABLE_AUDIO, DDPM)}
"""What loads weights, by engine."""

DEFAULTS = {
    "stable-diffusion": Model(
        model_id="stable-diffusion-v1-5/stable-diffusion-v1-5",
        revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        needs=STABLE_DIFFUSION.needs,
        download_bytes=5_483_000_000,
        licence="CreativeML OpenRAIL-M",
        host_bytes=5_200_000_000,
        gpu_bytes=3_000_000_000,
    ),
    "stable-audio": Model(
        model_id="stabilityai/stable-audio-open-1.0",
        revision="f21265c1e2710b3bd2386596943f0007f55f802e",
        needs=STABLE_AUDIO.needs,
        download_bytes=4_855_000_000,
        licence="Stability AI Community License",
        gated=True,
        host_bytes=8_000_000_000,
        gpu_bytes=5_000_000_000,
    ),
}
"""The model of each engine where none is named. The services' own defaults are the same; a test compares them."""

LORA_NEEDS = (_need("pytorch_lora_weights.safetensors", "*.safetensors"),)
"""The files of a LoRA."""


def model(engine: str, model_id: str = "", revision: str = "") -> Model | None:
    """The model that an engine loads: the default one, or `model_id` at `revision`, of which nothing is known yet.

    None for an engine without weights of its own, or one (ddpm) whose default comes with the package.
    """
    default = DEFAULTS.get(engine)
    if default is not None and model_id in ("", default.model_id):
        if not revision or revision == default.revision:
            return default
        model_id = default.model_id
    kind = KINDS.get(engine)
    if kind is None or not model_id:
        return None
    gated = default is not None and model_id == default.model_id and default.gated
    licence = default.licence if default is not None and model_id == default.model_id else ""
    return Model(model_id, revision or "main", kind.needs, 0, licence, gated)


def wanted(needs: tuple[Need, ...], paths: list[str]) -> list[str]:
    """Those of a model's files that the needs call for, sorted; pickles never are."""
    safe = [path for path in paths if not path.lower().endswith(PICKLED)]
    return sorted({path for need in needs for path in need.among(safe)})


def missing(needs: tuple[Need, ...], paths: list[str]) -> list[Need]:
    """The needs that none of the paths answers."""
    safe = [path for path in paths if not path.lower().endswith(PICKLED)]
    return [need for need in needs if not need.optional and not need.among(safe)]
