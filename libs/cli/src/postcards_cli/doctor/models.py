"""Looks whether an engine that loads weights has what it needs: packages, weights, licence, disk, device, memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from postcards_cli.doctor import device
from postcards_cli.doctor.finding import Finding, Level, good, missing, warning
from postcards_cli.local.services import EMBEDDED
from postcards_weights.cache import Cache, is_offline
from postcards_weights.catalog import DEFAULTS, KINDS, Model
from postcards_weights.choice import Choice, choices, engine_of
from postcards_weights.state import State, state_in_cache, state_of_folder
from postcards_weights.token import hub_token

_ENGINES = {"image": ("creature", "ddpm", "stable-diffusion"), "audio": ("vocal-tract", "stable-audio")}
_WORK = {"image": "pictures", "audio": "calls"}
_INSTALL = {"ddpm": "make setup"}
_GIGABYTE = 1e9
_TOKENS_PAGE = "https://huggingface.co/settings/tokens"


@dataclass(frozen=True)
class Engine:
    """An engine that loads weights, and how it stands with them."""

    part: str
    """"image" or "audio"."""
    name: str
    """Its name."""
    choice: Choice
    """What it is to load."""
    states: tuple[tuple[Model, State], ...]
    """What there is of each model that it loads from the hub's cache."""


def engine_in(part: str, settings: Mapping[str, str], cache: Cache) -> Engine | None:
    """The engine that the environment names for a part; None for one that loads no weights."""
    name = engine_of(part, settings)
    if name not in KINDS or name not in _ENGINES[part]:
        return None
    (choice,) = choices((part,), settings)
    return Engine(part, name, choice, tuple((model, state_in_cache(cache, model)) for model in _models(choice, cache)))


def look(part: str, engine: Engine | None, settings: Mapping[str, str], cache: Cache) -> Iterator[Finding]:
    """Whether the engine of a part can work."""
    if engine is None:
        yield _without_weights(part, settings)
        return
    yield good(part, f"{part} engine", engine.name)
    findings = [*_findings(engine, settings, cache)]
    fallback = settings.get(f"POSTCARDS_{part.upper()}_FALLBACK", "").strip()
    if not fallback or all(finding.ok for finding in findings):
        yield from findings
        return
    # Postcards can be made: the other engine makes this part.
    yield from (finding if finding.ok else replace(finding, level=Level.WARNING) for finding in findings)
    advice = "mend what is above, and it stands by only"
    yield warning(part, "fallback", f"{fallback} makes the {_WORK[part]} instead of {engine.name}", advice)


def _without_weights(part: str, settings: Mapping[str, str]) -> Finding:
    name = engine_of(part, settings) or EMBEDDED[part]
    if name in _ENGINES[part]:
        return good(part, f"{part} engine", f"{name}, which needs no model")
    advice = f"set POSTCARDS_{part.upper()}_ENGINE to one of {', '.join(_ENGINES[part])}"
    return missing(part, f"{part} engine", f"{name!r} is no engine", advice)


def _findings(engine: Engine, settings: Mapping[str, str], cache: Cache) -> Iterator[Finding]:
    part, choice = engine.part, engine.choice
    yield _packages(part, engine.name, settings)
    if choice.folder is not None:
        yield _folder(part, choice)
    elif choice.model is None:
        yield _shipped(part)
    for model, state in engine.states:
        yield _weights(part, model, state, cache, settings)
        if model.gated:
            yield from _licence(part, model, state, settings)
    if engine.name in DEFAULTS and find_spec("torch") is not None:
        yield _device(part, engine.name, settings)


def _packages(part: str, engine: str, settings: Mapping[str, str]) -> Finding:
    names = KINDS[engine].packages + (("peft",) if part == "image" and settings.get("POSTCARDS_IMAGE_LORA") else ())
    absent = [name for name in names if find_spec(name) is None]
    check = f"{part} packages"
    if absent:
        found = f"{engine} needs {', '.join(name.replace('_', '-') for name in absent)}, not installed"
        return missing(part, check, found, f"run {_INSTALL.get(engine, 'make setup-models')}")
    return good(part, check, ", ".join(name.replace("_", "-") for name in names))


def _models(choice: Choice, cache: Cache) -> list[Model]:
    """What the engine loads from the hub's cache."""
    folder = choice.folder
    found: list[Model] = []
    if choice.model is not None:
        found.append(choice.model)
        folder = state_in_cache(cache, choice.model).folder
    # Of a model that is not there, only fetching shows whether it brings its companions along.
    if folder is not None and folder.is_dir():
        found += [
            companion.model
            for companion in choice.companions
            if not companion.unless or not (folder / companion.unless).is_file()
        ]
    return found


def _folder(part: str, choice: Choice) -> Finding:
    folder, variable = choice.folder or Path(), f"POSTCARDS_{part.upper()}_MODEL"
    if not folder.exists():
        advice = f"set {variable} to a model's folder, or to its id on the Hugging Face hub"
        return missing(part, f"{part} weights", f"there is no folder {folder}", advice)
    if folder.is_file():
        if choice.engine == "ddpm" and folder.suffix == ".onnx":
            return good(part, f"{part} weights", str(folder))
        return missing(part, f"{part} weights", f"{folder} is a file", f"set {variable} to the folder of the model")
    kind = KINDS[choice.engine]
    states = [state_of_folder(folder, needs) for needs in (kind.needs, kind.half_needs) if needs]
    state = next((state for state in states if state.complete), states[0])
    if state.complete:
        return good(part, f"{part} weights", f"{size(state.bytes)} in {folder}")
    return missing(part, f"{part} weights", *_shortcoming(str(folder), state, "put the whole model there"))


def _shipped(part: str) -> Finding:
    found = find_spec(f"postcards_{part}")
    home = Path(found.origin).parent if found is not None and found.origin else None
    if home is None or not list((home / "models").glob("*.onnx")):
        return missing(part, f"{part} weights", "the model of the package is not there", "make setup")
    return good(part, f"{part} weights", "the model that comes with the package")


def _weights(part: str, model: Model, state: State, cache: Cache, settings: Mapping[str, str]) -> Finding:
    check = f"{part} weights"
    if state.complete:
        return good(part, check, f"{model.model_id}, {size(state.bytes)} in {cache.folder}")
    fetch = f"postcards fetch-models {part}"
    if is_offline(settings):
        fetch = f"unset HF_HUB_OFFLINE once and run {fetch}"
    if state.unfinished_bytes:
        of_all = f" of {size(model.download_bytes)}" if model.download_bytes else ""
        found = (
            f"{model.model_id} is there in part: its download broke off after {size(state.unfinished_bytes)}{of_all}"
        )
        return missing(part, check, found, f"{fetch} (it goes on from there)")
    if state.folder is None:
        total = f"; {size(model.download_bytes)} to download" if model.download_bytes else ""
        return missing(part, check, f"{model.model_id} is not in {cache.folder}{total}", fetch)
    return missing(part, check, *_shortcoming(model.model_id, state, fetch))


def _shortcoming(name: str, state: State, advice: str) -> tuple[str, str]:
    """What is wrong with a model that is there, and the step that mends it."""
    if state.pickled:
        found = f"{name} has only pickled weights ({state.pickled[0]}), which can run code and are never loaded"
        return found, "use a model, or a revision of it, that has safetensors"
    if state.damaged:
        return f"{name} is damaged: {state.damaged[0]}", advice
    lacking = [need.choices[0] for need in state.missing] or list(state.unfetched)
    return f"{name} is there in part: {', '.join(lacking[:3])} is missing", advice


def _licence(part: str, model: Model, state: State, settings: Mapping[str, str]) -> Iterator[Finding]:
    """What the hub asks before it hands a gated model out."""
    page = f"https://huggingface.co/{model.model_id}"
    token, name = hub_token(settings), model.licence or "its licence"
    if state.complete:
        yield good(part, "licence", f"{name}: accepted when the weights were fetched ({page})")
        return
    yield warning(part, "licence", f"{model.model_id} is gated by the {name}", f"accept it at {page}")
    if token.fault:
        yield missing(part, "token", token.fault, "name a file that holds the token")
    elif not token.value:
        found = f"the hub hands {model.model_id} only to those whom it knows, and there is no token"
        advice = f"make one at {_TOKENS_PAGE}, then set HF_TOKEN (or HF_TOKEN_FILE)"
        yield missing(part, "token", found, advice)
    elif not token.value.startswith("hf_"):
        found = f"what {token.source} holds does not look like a token (hf_...)"
        yield warning(part, "token", found, f"copy it again from {_TOKENS_PAGE}")
    else:
        yield good(part, "token", f"from {token.source}")


def _device(part: str, engine: str, settings: Mapping[str, str]) -> Finding:
    wanted, torch = device.device_of(part, settings), device.torch_here()
    check, variable = f"{part} device", f"POSTCARDS_{part.upper()}_DEVICE"
    if not device.is_device(wanted):
        found = f"{variable}={wanted} is no device"
        return missing(part, check, found, f"set {variable} to auto, cpu, cuda, cuda:N or mps")
    if torch.fault:
        return missing(part, check, f"torch cannot be loaded: {torch.fault}", "run make setup-models")
    if (number := device.gpu_number(wanted, torch)) is not None:
        if number < len(torch.gpus):
            gpu = torch.gpus[number]
            return good(part, check, f"cuda:{number} {gpu.name}, {size(gpu.free)} of {size(gpu.total)} free")
        found = f"{variable}={wanted}, and torch {torch.version} sees {len(torch.gpus) or 'no'} GPU"
        return missing(part, check, found, _way_to_a_gpu(torch) or f"set {variable}=auto")
    if wanted == "mps" or (wanted == "auto" and torch.mps):
        if torch.mps:
            return good(part, check, "mps, the GPU of this Mac")
        return missing(part, check, f"{variable}=mps, and there is no such GPU", f"set {variable}=auto")
    if wanted == "cpu":
        return good(part, check, f"cpu, as {variable} says")
    found = f"no GPU: {engine} computes on the processor, which takes minutes for what a GPU does in seconds"
    return warning(part, check, found, _way_to_a_gpu(torch) or f"let it, or set {way_without_model(part)}")


def _way_to_a_gpu(torch: device.Torch) -> str:
    """What keeps torch from a GPU that is there."""
    if not device.nvidia_gpus():
        return ""
    if not torch.cuda:
        return "there is an NVIDIA GPU, but this torch was built without CUDA: install one with it (pytorch.org)"
    return "there is an NVIDIA GPU that torch cannot use: look at nvidia-smi and CUDA_VISIBLE_DEVICES"


def way_without_model(part: str) -> str:
    """The setting that makes a part without any model."""
    return f"POSTCARDS_{part.upper()}_ENGINE={EMBEDDED[part]}"


def size(count: int) -> str:
    """A size in words."""
    if count < _GIGABYTE / 1000:
        return f"{count / 1e3:.0f} kB"
    return f"{count / _GIGABYTE:.1f} GB" if count >= _GIGABYTE / 10 else f"{count / 1e6:.0f} MB"
