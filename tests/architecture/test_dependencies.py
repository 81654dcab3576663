"""Each container installs only what its service declares: whatever a package imports, it must declare."""

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(path.parent for folder in ("libs", "services") for path in (ROOT / folder).glob("*/pyproject.toml"))
STUBS = "postcards-stubs"
DISTRIBUTIONS = packages_distributions()
EXTRAS = {"torch", "diffusers", "transformers", "accelerate", "safetensors", "onnx", "datasets", "huggingface_hub"}
EXTRAS |= {"peft", "einops", "torchsde"}
"""Modules of extras, which need not be installed here; each is named as its distribution."""
BEHIND = {"peft", "einops", "einops-exts", "alias-free-torch", "torchsde", "torchdiffeq", "tqdm", "scipy", "accelerate"}
"""What diffusers and stable-audio-tools import when we call them, and do not or cannot bring themselves."""
BEHIND |= {"postcards-weights"}
"""What postcards_serving.models.find fetches with, for the engines that need it."""
APART = {"stable_audio_tools", "k_diffusion", "torchaudio"}
"""Modules that no package can declare beside gRPC: requirements/stable-audio.txt says why."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def project(package: Path) -> dict:
    return tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {normal(re.match(r"[A-Za-z0-9._-]+", requirement)[0]) for requirement in requirements}


def declared(package: Path) -> set[str]:
    about = project(package)
    return names(about.get("dependencies", [])).union(*map(names, about.get("optional-dependencies", {}).values()))


def installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def imported(package: Path) -> dict[str, str]:
    """Full names of the imported modules that are not the standard library's, with a file that imports each."""
    found = {}
    for path in sorted((package / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            match node:
                case ast.Call(func=ast.Name("import_module"), args=[ast.Constant(str(name)), *_]):
                    modules.append(name)
            found |= {module: path.name for module in modules if module.split(".")[0] not in sys.stdlib_module_names}
    return found


def distributions(module: str) -> set[str]:
    """Distributions that a module may come from. Google's namespace is shared, so it is told apart by hand."""
    root = module.split(".")[0]
    if module.startswith("google.protobuf"):
        return {"protobuf"}
    if module.startswith("google.rpc"):
        return {"googleapis-common-protos"}
    if root == "pydantic_core":
        return {"pydantic"}
    if root == "postcards":
        return {STUBS}
    if root.startswith("postcards_"):
        return {normal(root)}
    if root in EXTRAS:
        return {normal(root)}
    return {normal(name) for name in DISTRIBUTIONS.get(root, [])}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_what_is_imported_is_declared(package):
    own = normal(project(package)["name"])
    missing = {
        module: file
        for module, file in imported(package).items()
        if own not in distributions(module)
        and not distributions(module) & declared(package)
        and module.split(".")[0] not in APART
    }
    assert not missing


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_what_is_declared_is_used(package):
    used = {name for module in imported(package) for name in distributions(module)}
    assert {name for name in declared(package) if installed(name)} <= used | BEHIND


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_says_its_licence_and_python(package):
    about = project(package)
    assert about["license"] == "Apache-2.0"
    assert about["requires-python"] == ">=3.11"
    assert about["description"]
    assert (package / "src" / about["name"].replace("-", "_") / "py.typed").exists() or about["name"] == STUBS
