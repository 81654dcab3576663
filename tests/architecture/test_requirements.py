"""The locked requirements: what stands in one environment agrees, and no lock names a build of torch."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = ("build", "embedded", "dev", "train", "models", "servers", "measure", "stable-audio")
TOGETHER = ("embedded", "dev", "train", "models", "servers")
PROJECTS = sorted(path for folder in ("libs", "services") for path in (ROOT / folder).glob("*/pyproject.toml"))


def pins(kind: str) -> set[tuple[str, str]]:
    """Each package of a lock, with its version and where it applies."""
    text = (REQUIREMENTS / f"{kind}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\\\n]+?)(?: \\)?$", text, re.MULTILINE)
    assert found
    return set(found)


def named(kind: str) -> set[str]:
    return {name for name, _ in pins(kind)}


@pytest.mark.parametrize("kind", LOCKS)
def test_every_locked_package_has_a_hash(kind):
    blocks = re.split(r"\n(?=\S)", (REQUIREMENTS / f"{kind}.txt").read_text(encoding="utf-8").strip())
    assert len(blocks) == len(pins(kind))
    assert not [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]


def test_what_stands_beside_each_other_agrees():
    for first, second in itertools.combinations(TOGETHER, 2):
        both = named(first) & named(second)
        assert both
        versions = [{pin for pin in pins(kind) if pin[0] in both} for kind in (first, second)]
        assert versions[0] == versions[1], (first, second)
    assert pins("embedded") <= pins("dev")
    assert pins("embedded") <= pins("train")
    assert pins("embedded") <= pins("models")


def test_only_one_file_names_torch():
    torch = (REQUIREMENTS / "torch.txt").read_text(encoding="utf-8")
    assert [line for line in torch.splitlines() if not line.startswith("#")] == ["torch==2.13.0"]
    for kind in LOCKS:
        assert not [name for name in named(kind) if re.match("(torch$|torchvision|triton|cuda|nvidia)", name)], kind


def test_the_embedded_services_need_nothing_of_training():
    heavy = {"torch", "diffusers", "transformers", "accelerate", "onnx", "datasets", "huggingface-hub"}
    assert not named("embedded") & heavy


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_the_locks_hold_whatever_is_declared(path):
    about = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    ours = {f"postcards-{project.parent.name}" for project in PROJECTS}

    def missing(requirements: list[str], lock: set[str]) -> set[str]:
        return {re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower() for requirement in requirements} - lock - ours

    assert not missing(about.get("dependencies", []), named("embedded"))
    extras = about.get("optional-dependencies", {})
    assert not missing(extras.get("train", []), named("train") | {"torch"})
    for extra in ("stable-diffusion", "stable-audio"):
        assert not missing(extras.get(extra, []), named("models") | {"torch"})
