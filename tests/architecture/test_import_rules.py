"""Who may import whom: the rules of docs/architecture.md, read from the source and tried in fresh processes."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("image", "audio", "language", "composer")
OURS = {"postcards", "postcards_species", "postcards_serving", "postcards_client"} | {
    f"postcards_{service}" for service in SERVICES
}
WIRE = {"grpc", "grpc_health", "grpc_reflection", "grpc_status", "google", "postcards"}
TRAINING = {"torch", "diffusers", "accelerate", "safetensors", "onnx", "datasets"}
HEAVY = TRAINING | {"transformers", "onnxruntime", "openai"}
TRAINER = ROOT / "services/image/src/postcards_image/training"
TORCH_ENGINE = "services/image/src/postcards_image/engines/ddpm/torch_network.py"
BEHIND_A_DOOR = ROOT / "services/image/src/postcards_image/engines/stable_diffusion"
"""Stands on torch as a whole: its `opening` imports the rest when the engine is loaded, if torch is installed."""
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "managers", "util", "helper", "misc"}


def sources(*folders: str) -> list[Path]:
    found = sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts
    )
    assert found, folders
    return found


def package_of(path: Path) -> str:
    parts = path.parts
    return ".".join(parts[parts.index("src") + 1 : -1])


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """Full names of the modules that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        else:
            yield from by_name(node)


def by_name(node: ast.AST) -> Iterator[str]:
    """The module of `import_module("...")`."""
    match node:
        case ast.Call(func=ast.Name("import_module"), args=[ast.Constant(str(name)), *_]):
            yield name


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def offenders(paths: list[Path], forbidden: set[str]) -> dict[str, set[str]]:
    found = {relative(path): roots(path) & forbidden for path in paths}
    return {path: names for path, names in found.items() if names}


def test_stubs_import_nothing_of_ours():
    assert not offenders(sources("libs/stubs/src"), OURS - {"postcards"})


def test_species_is_standard_library_alone():
    allowed = set(sys.stdlib_module_names) | {"postcards_species"}
    foreign = {relative(path): roots(path) - allowed for path in sources("libs/species/src")}
    assert not {path: names for path, names in foreign.items() if names}


def test_serving_imports_neither_stubs_nor_services():
    assert not offenders(sources("libs/serving/src"), OURS - {"postcards_serving"})


def test_the_client_imports_stubs_only():
    assert not offenders(sources("libs/client/src"), OURS - {"postcards", "postcards_client"})


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_no_other_service_and_no_client(service):
    others = {f"postcards_{other}" for other in SERVICES if other != service} | {"postcards_client"}
    assert not offenders(sources(f"services/{service}/src"), others)


@pytest.mark.parametrize("service", SERVICES[:3])
def test_engines_know_nothing_of_the_wire(service):
    folder = f"services/{service}/src/postcards_{service}"
    engines = sources(f"{folder}/engines")
    assert not offenders(engines, WIRE)
    values = ("engine", "work", "errors")
    models = ("batching", "batch_room", "compiled", "models", "model_provenance", "devices")
    allowed = tuple(f"postcards_serving.{module}." for module in (*values, *models))
    for path in [*engines, ROOT / folder / "engine.py"]:
        strangers = [
            name for name in imports(path) if name.startswith("postcards_serving") and not name.startswith(allowed)
        ]
        assert not strangers, relative(path)


@pytest.mark.parametrize("service", SERVICES[:3])
def test_the_face_of_an_engine_is_standard_library_and_values(service):
    path = ROOT / f"services/{service}/src/postcards_{service}/engine.py"
    allowed = set(sys.stdlib_module_names) | {"postcards_serving", "postcards_species"}
    assert roots(path) <= allowed


@pytest.mark.parametrize("service", SERVICES)
def test_a_servicer_computes_nothing(service):
    path = ROOT / f"services/{service}/src/postcards_{service}/servicer.py"
    assert not roots(path) & (HEAVY | {"numpy", "scipy", "PIL", "soundfile"})


def serving(service: str) -> list[Path]:
    """The modules of a service that are there to serve; the trainer is a program of its own beside them."""
    return [path for path in sources(f"services/{service}/src") if TRAINER not in path.parents]


@pytest.mark.parametrize("service", SERVICES)
def test_heavy_libraries_are_imported_inside_functions_of_engines(service):
    for path in serving(service):
        if path.parent == BEHIND_A_DOOR:
            continue
        assert not {name.split(".")[0] for name in imports(path, top_level_only=True)} & HEAVY, relative(path)


@pytest.mark.parametrize("service", SERVICES)
def test_only_main_sees_the_engines(service):
    folder = ROOT / f"services/{service}/src/postcards_{service}"
    engines = f"postcards_{service}.engines"
    for path in serving(service):
        if path == folder / "__main__.py" or "engines" in path.relative_to(folder).parts:
            continue
        assert not [name for name in imports(path) if name.startswith(engines)], relative(path)


def test_no_module_is_named_after_nothing():
    found = [relative(path) for path in sources("libs", "services") if path.stem in FORBIDDEN_NAMES]
    found += [
        relative(path)
        for folder in ("libs", "services")
        for path in (ROOT / folder).rglob("*")
        if path.is_dir() and path.name in FORBIDDEN_NAMES
    ]
    assert not found


def test_no_path_is_bent():
    bent = [relative(path) for path in sources("libs", "services") if "sys.path" in path.read_text(encoding="utf-8")]
    assert not bent


def test_torch_is_for_the_trainer_and_for_models_without_an_onnx_file():
    others = [path for path in serving("image") if path.parent != BEHIND_A_DOOR]
    assert [relative(path) for path in others if roots(path) & TRAINING] == [TORCH_ENGINE]
    assert [relative(path) for path in serving("image") if trainer_of(path)] == [TORCH_ENGINE]


def test_the_trainer_uses_no_engine_but_the_one_it_trains_for():
    for path in TRAINER.rglob("*.py"):
        engines = [name for name in imports(path) if name.startswith("postcards_image.engines.")]
        assert not [name for name in engines if not name.startswith("postcards_image.engines.ddpm.")], relative(path)
        assert not roots(path) & WIRE, relative(path)


def trainer_of(path: Path) -> list[str]:
    return [name for name in imports(path) if name.startswith("postcards_image.training")]


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
    modules = ("engine", "work", "errors", "batching", "models", "devices", "fallback")
    assert not loaded("import " + ", ".join(f"postcards_serving.{module}" for module in modules)) & (
        HEAVY | {"grpc", "google", "numpy"}
    )


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
