"""Who may import whom, as docs/explanation/architecture.md says: read from the source, tried in fresh processes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import imports_of, modules

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("image", "audio", "language", "composer")
PART_SERVICES = SERVICES[:3]
WIRE = {"grpc", "grpc_health", "grpc_reflection", "grpc_status", "google", "postcards"}
TRAINING = {"torch", "diffusers", "accelerate", "safetensors", "onnx", "datasets"}
HEAVY = TRAINING | {"transformers", "onnxruntime", "openai"}
TERMINAL = {"typer", "rich", "PIL", "click"}

MAY_IMPORT = {
    "postcards_species": set[str](),
    "postcards_weights": set[str](),
    "postcards_serving": {"postcards_weights"},
    "postcards_client": {"postcards"},
    "postcards_cli": {"postcards", "postcards_client", "postcards_species", "postcards_weights"},
    "postcards_image": {"postcards", "postcards_species", "postcards_serving"},
    "postcards_audio": {"postcards", "postcards_species", "postcards_serving"},
    "postcards_language": {"postcards", "postcards_species", "postcards_serving"},
    "postcards_composer": {"postcards", "postcards_species", "postcards_serving", "postcards_client"},
}
"""Which of our packages each may import besides itself."""

ROOMS_OF_ENGINES = {"errors", "engine", "batching", "device", "models"}
"""The folders of `postcards_serving` that engines may use: values, steps, devices, model files; nothing of servers."""

TRAINER = "postcards_image.training"
TORCH_ENGINE = "postcards_image.engines.ddpm.torch_network"
ON_TORCH = ("postcards_image.engines.stable_diffusion", "postcards_image.engines.ddpm.unet")
"""Stand on torch as a whole: the first one's `lazy_loading` imports the rest when the engine is loaded, if torch is
installed; the second is imported by `torch_network` where it is needed."""


def within(*folders: str) -> dict[str, Path]:
    """The modules of these folders and below."""
    found = {name: path for name, path in modules().items() if any(is_in(name, folder) for folder in folders)}
    assert found, folders
    return found


def is_in(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}.")


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports_of(path)}


def on_torch(name: str) -> bool:
    return any(is_in(name, folder) for folder in ON_TORCH)


def at_the_top(path: Path) -> set[str]:
    """The roots of what a module imports as soon as it is imported."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def offenders(paths: dict[str, Path], forbidden: set[str]) -> dict[str, set[str]]:
    found = {name: roots(path) & forbidden for name, path in paths.items()}
    return {name: names for name, names in found.items() if names}


def test_the_rules_name_every_package():
    assert {name.split(".")[0] for name in modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_no_other_of_ours_than_it_may(package):
    ours = {*MAY_IMPORT, "postcards"}
    assert not offenders(within(package), ours - MAY_IMPORT[package] - {package})


def test_nothing_of_ours_is_imported_relatively_or_by_a_bent_path():
    for path in modules().values():
        text = path.read_text(encoding="utf-8")
        assert "sys.path" not in text, path
        assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.level], path


def test_stubs_import_nothing_of_ours():
    for path in (ROOT / "libs/stubs/src").rglob("*.py"):
        assert not roots(path) & set(MAY_IMPORT), path


@pytest.mark.parametrize("package", ["postcards_species", "postcards_weights"])
def test_what_is_the_standard_library_alone(package):
    allowed = set(sys.stdlib_module_names) | {package}
    fetching = {"httpx"} if package == "postcards_weights" else set[str]()
    foreign = {name: roots(path) - allowed - fetching for name, path in within(package).items()}
    assert not {name: names for name, names in foreign.items() if names}


def test_the_client_is_a_library_without_a_terminal():
    assert not offenders(within("postcards_client"), TERMINAL | {"httpx", "numpy"})


@pytest.mark.parametrize("service", PART_SERVICES)
def test_engines_know_nothing_of_the_wire_and_nothing_of_servers(service):
    package = f"postcards_{service}"
    engines = within(f"{package}.engines", f"{package}.engine")
    assert not offenders(engines, WIRE)
    strangers = {
        (name, imported)
        for name, path in engines.items()
        for imported in imports_of(path)
        if is_in(imported, "postcards_serving") and imported.split(".")[1] not in ROOMS_OF_ENGINES
    }
    assert not strangers


@pytest.mark.parametrize("service", PART_SERVICES)
def test_the_face_of_an_engine_is_standard_library_and_values(service):
    allowed = set(sys.stdlib_module_names) | {"postcards_serving", "postcards_species"}
    assert roots(modules()[f"postcards_{service}.engine"]) <= allowed


@pytest.mark.parametrize(
    "servicer", [*(f"postcards_{part}.servicer" for part in PART_SERVICES), "postcards_composer.api.servicer"]
)
def test_a_servicer_computes_nothing(servicer):
    assert not roots(modules()[servicer]) & (HEAVY | {"numpy", "scipy", "PIL", "soundfile"})


def serving(package: str) -> dict[str, Path]:
    """The modules of a service that are there to serve; the trainer is a program of its own beside them."""
    return {name: path for name, path in within(package).items() if not is_in(name, TRAINER)}


@pytest.mark.parametrize("service", SERVICES)
def test_heavy_libraries_are_imported_inside_functions_of_engines(service):
    for name, path in serving(f"postcards_{service}").items():
        if not on_torch(name):
            assert not at_the_top(path) & HEAVY, name


@pytest.mark.parametrize("service", PART_SERVICES)
def test_only_the_choice_of_an_engine_sees_the_engines(service):
    package = f"postcards_{service}"
    seers = {
        name
        for name, path in serving(package).items()
        if not is_in(name, f"{package}.engines")
        for imported in imports_of(path)
        if is_in(imported, f"{package}.engines")
    }
    assert seers == {f"{package}.engine_choice"}


def test_torch_is_for_the_trainer_and_for_models_without_an_onnx_file():
    others = {name: path for name, path in serving("postcards_image").items() if not on_torch(name)}
    assert set(offenders(others, TRAINING)) == {TORCH_ENGINE}


def test_no_engine_needs_the_trainer_and_the_trainer_no_engine_but_the_one_it_trains_for():
    served = serving("postcards_image")
    assert not [name for name, path in served.items() for found in imports_of(path) if is_in(found, TRAINER)]
    for name, path in within(TRAINER).items():
        engines = [found for found in imports_of(path) if is_in(found, "postcards_image.engines")]
        assert not [found for found in engines if not is_in(found, "postcards_image.engines.ddpm")], name
        assert not roots(path) & WIRE, name


def loaded(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("service", SERVICES)
def test_starting_a_service_brings_no_heavy_library(service):
    assert not loaded(f"import postcards_{service}.__main__") & HEAVY


ENGINES = {
    "image": "postcards_image.engines.creature",
    "audio": "postcards_audio.engines.vocal_tract",
    "language": "postcards_language.engines.phonotactic",
}


@pytest.mark.parametrize("service", ENGINES)
def test_the_embedded_engine_brings_no_heavy_library(service):
    assert not loaded(f"import {ENGINES[service]}") & (HEAVY | {"grpc", "google"})


def test_what_engines_need_brings_neither_grpc_nor_protobuf():
    names = [name for room in sorted(ROOMS_OF_ENGINES) for name in within(f"postcards_serving.{room}")]
    assert not loaded("import " + ", ".join(names)) & (HEAVY | {"grpc", "google", "numpy"})


@pytest.mark.parametrize(
    "module",
    [
        "postcards_image.engines.ddpm.engine",
        "postcards_image.engines.stable_diffusion",
        "postcards_image.training.command",
    ],
)
def test_a_module_that_may_need_a_heavy_library_brings_none_by_itself(module):
    assert not loaded(f"import {module}") & HEAVY


def test_the_species_brings_nothing():
    assert not loaded("import postcards_species.species") & (HEAVY | WIRE | {"numpy"})
