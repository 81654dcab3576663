"""The models that engines load: which files of them, how large they are, and what their licence asks."""

from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from postcards_weights.files import is_pickled


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


def _component(folder: str, stem: str, *, optional: bool = False, mark: str = "") -> tuple[Need, ...]:
    """Configuration and weights of one part of a checkpoint in the layout of diffusers, in one file or in several."""
    whole, shards = f"{folder}/{stem}{mark}.safetensors", f"{folder}/{stem}{mark}-*-of-*.safetensors"
    indexes = (f"{folder}/{stem}.safetensors.index{mark}.json", f"{folder}/{stem}{mark}.safetensors.index.json")
    return (
        Need((f"{folder}/config.json",), optional),
        Need((whole, shards), optional),
        Need(indexes, optional=True),
    )


def _checkpoint(mark: str = "") -> tuple[Need, ...]:
    """A checkpoint of Stable Diffusion; `mark` stands in the names of files in half precision."""
    return (
        _need("model_index.json"),
        _need("scheduler/scheduler_config.json"),
        _need("tokenizer/tokenizer_config.json"),
        _need("tokenizer/tokenizer.json", "tokenizer/vocab.json"),
        _maybe("tokenizer/*.json"),
        _maybe("tokenizer/merges.txt"),
        *_component("text_encoder", "model", mark=mark),
        *_component("unet", "diffusion_pytorch_model", mark=mark),
        *_component("vae", "diffusion_pytorch_model", mark=mark),
        *_component("safety_checker", "model", optional=True, mark=mark),
        _maybe("feature_extractor/preprocessor_config.json"),
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
    half_needs: tuple[Need, ...] = ()
    """The files in half precision, which it prefers on a GPU; none where it knows no such files."""
    companions: tuple["Companion", ...] = ()
    """Models that it loads besides, whichever model is named."""


@dataclass(frozen=True)
class Model:
    """A model on the Hugging Face hub."""

    model_id: str
    """Its id."""
    revision: str
    """The commit, branch or tag that is loaded."""
    variants: tuple[tuple[Need, ...], ...]
    """The files; where there are several variants, the first that the model has is loaded."""
    download_bytes: int = 0
    """Size of those files, about; 0: not known before the hub is asked."""
    licence: str = ""
    """Name of its licence; empty: not known."""
    gated: bool = False
    """Whether the hub hands it out only to those who accepted the licence."""


@dataclass(frozen=True)
class Companion:
    """A model that an engine loads beside its own, unless that brings it along."""

    model: Model
    """The model."""
    unless: str
    """Path within the engine's own model that makes it superfluous."""


@dataclass(frozen=True)
class Default:
    """The model that an engine loads where none is named."""

    model_id: str
    """Its id on the hub."""
    revision: str
    """The commit that is loaded where no revision is named."""
    licence: str
    """Name of its licence."""
    whole_bytes: int
    """Size of what is downloaded, about."""
    host_bytes: int
    """Memory that it takes on a CPU in float32, about."""
    gpu_bytes: int
    """Memory that it takes on a GPU in half precision, one request at a time, about."""
    half_bytes: int = 0
    """Size of what is downloaded in half precision, about; 0: there is no such."""
    gated: bool = False
    """See `Model.gated`."""


STABLE_DIFFUSION = Kind(
    part="image",
    engine="stable-diffusion",
    needs=_checkpoint(),
    half_needs=_checkpoint(".fp16"),
    packages=("torch", "diffusers", "transformers", "safetensors"),
)

T5 = Model(
    model_id="t5-base",
    revision="a9723ea7f1b39c1eae772870f3b547bf6ef7e6c1",
    variants=(
        (_need("config.json"), _need("model.safetensors"), _need("tokenizer.json"), _maybe("tokenizer_config.json")),
    ),
    download_bytes=893_000_000,
    licence="Apache-2.0",
)

STABLE_AUDIO = Kind(
    part="audio",
    engine="stable-audio",
    needs=(
        _need("model_config.json"),
        _need("model.safetensors"),
        _maybe("text_encoder/config.json"),
        _maybe("text_encoder/model.safetensors"),
        _maybe("tokenizer/tokenizer.json"),
        _maybe("tokenizer/tokenizer_config.json"),
    ),
    packages=("torch", "stable_audio_tools", "k_diffusion", "torchaudio", "torchsde", "transformers", "safetensors"),
    companions=(Companion(T5, unless="text_encoder/model.safetensors"),),
)

DDPM = Kind(
    part="image",
    engine="ddpm",
    needs=(
        _need("model.onnx", "unet/diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors"),
        _maybe("*.safetensors"),
        _maybe("*/*.safetensors"),
        _maybe("*.json"),
        _maybe("*/*.json"),
    ),
    packages=("onnxruntime",),
)

KINDS = {kind.engine: kind for kind in (STABLE_DIFFUSION, STABLE_AUDIO, DDPM)}
"""What loads weights, by engine."""

DEFAULTS = {
    "stable-diffusion": Default(
        model_id="stable-diffusion-v1-5/stable-diffusion-v1-5",
        revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        licence="CreativeML OpenRAIL-M",
        whole_bytes=5_483_000_000,
        half_bytes=2_742_000_000,
        host_bytes=5_200_000_000,
        gpu_bytes=3_000_000_000,
    ),
    "stable-audio": Default(
        model_id="stabilityai/stable-audio-open-1.0",
        revision="f21265c1e2710b3bd2386596943f0007f55f802e",
        licence="Stability AI Community License",
        whole_bytes=5_293_000_000,
        host_bytes=8_000_000_000,
        gpu_bytes=6_000_000_000,
        gated=True,
    ),
}
"""By engine. The services' own defaults are the same; a test compares them."""

LORA = ((_need("*.safetensors"), _maybe("*/*.safetensors")),)
"""The files of a LoRA."""


class Precision(StrEnum):
    """In which precision weights are stored, where a model has both."""

    WHOLE = "whole"
    """float32, for a CPU; a GPU can load it too."""
    HALF = "half"
    """float16, half the size, where the model has it; for a GPU."""
    BOTH = "both"
    """For a volume that both kinds of machine read."""


def model(engine: str, precision: Precision, model_id: str = "", revision: str = "") -> Model | None:
    """The model that an engine loads: the default one, or `model_id` at `revision`.

    None for an engine without weights of its own, or one (ddpm) whose default comes with the package.
    """
    kind, default = KINDS.get(engine), DEFAULTS.get(engine)
    name = model_id or (default.model_id if default else "")
    if kind is None or not name:
        return None
    variants = _variants(kind, precision)
    if default is None or name != default.model_id:
        return Model(name, revision or "main", variants)
    sizes = {Precision.WHOLE: 0, Precision.HALF: default.half_bytes, Precision.BOTH: default.half_bytes}
    size = sizes[precision] + (0 if precision is Precision.HALF and default.half_bytes else default.whole_bytes)
    return Model(name, revision or default.revision, variants, size, default.licence, default.gated)


def _variants(kind: Kind, precision: Precision) -> tuple[tuple[Need, ...], ...]:
    match precision:
        case Precision.HALF if kind.half_needs:
            return (kind.half_needs, kind.needs)
        case Precision.BOTH:
            return ((*kind.needs, *(replace(need, optional=True) for need in kind.half_needs)),)
        case _:
            return (kind.needs,)


def wanted(needs: tuple[Need, ...], paths: list[str]) -> list[str]:
    """Those of a model's files that the needs call for, sorted; pickles never are."""
    safe = [path for path in paths if not is_pickled(path)]
    return sorted({path for need in needs for path in need.among(safe)})


def missing(needs: tuple[Need, ...], paths: list[str]) -> list[Need]:
    """The needs that none of the paths answers."""
    safe = [path for path in paths if not is_pickled(path)]
    return [need for need in needs if not need.optional and not need.among(safe)]
