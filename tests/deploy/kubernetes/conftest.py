"""Renders bases, components and overlays, each combination once."""

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "deploy/kubernetes"
HOW_TO = ROOT / "docs/how-to/run-on-kubernetes.md"
Resource = dict[str, Any]

CHOICES = (
    ("", "gpu"),
    ("", "openai"),
    ("", "network-policies"),
    ("", "monitoring"),
    ("", "dashboards"),
    ("", "tracing"),
    ("", "autoscaling", "autoscaling scale-to-zero", "autoscaling-by-cpu"),
    ("", "tls-ready", "tls-ready public-store"),
    ("", "external-store"),
)
"""What can be chosen of each kind of component; components that stand together need each other in this order."""


def _possible(choice: tuple[str, ...]) -> bool:
    return not ("tls-ready public-store" in choice and "external-store" in choice)


def _pairs(choice: tuple[str, ...]) -> set[tuple[tuple[int, str], ...]]:
    return set(itertools.combinations(enumerate(choice), 2))


def combinations() -> list[tuple[str, ...]]:
    """Few combinations of components in which every possible pair occurs."""
    candidates = [choice for choice in itertools.product(*CHOICES) if _possible(choice)]
    missing = set().union(*map(_pairs, candidates))
    chosen: list[tuple[str, ...]] = []
    while missing:
        best = max(candidates, key=lambda choice: len(_pairs(choice) & missing))
        missing -= _pairs(best)
        chosen.append(best)
    return chosen


def _variants() -> dict[str, tuple[str, ...]]:
    """What is rendered, by name: folders below deploy/kubernetes, the first as a resource, the others as components."""
    alone = [(part,) for choice in CHOICES for part in choice if part]
    components = [" ".join(filter(None, choice)).split() for choice in (*alone, *combinations())]
    mixed = {"+".join(["base", *names]): ("base", *(f"components/{name}" for name in names)) for names in components}
    shipped = {
        f"{kind}/{folder.name}": (f"{kind}/{folder.name}",)
        for kind in ("overlays", "jobs")
        for folder in sorted((KUBERNETES / kind).iterdir())
    }
    return {"base": ("base",)} | mixed | shipped


VARIANTS = _variants()


@dataclass(frozen=True)
class Rendered:
    """What `kubectl apply` would get."""

    name: str
    resources: list[Resource]

    def of(self, *kinds: str) -> list[Resource]:
        return [resource for resource in self.resources if resource["kind"] in kinds]

    def one(self, kind: str, name: str) -> Resource:
        found = [resource for resource in self.of(kind) if resource["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name}"
        return found[0]

    @property
    def workloads(self) -> list[Resource]:
        return self.of("Deployment", "StatefulSet", "Job")

    @property
    def whole(self) -> bool:
        """Whether the services are there, not a job alone."""
        return bool(self.of("Deployment"))


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Rendered]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: https://kubernetes.io/docs/tasks/tools/ (the command alone is enough)")

    def overlay(text: str) -> Path:
        folder = tmp_path_factory.mktemp("overlay")
        there = os.path.relpath(KUBERNETES, folder.resolve())
        (folder / "kustomization.yaml").write_text(text.replace("../postcards/deploy/kubernetes", there))
        return folder

    @cache
    def rendered(name: str) -> Rendered:
        if name == "how-to":
            return Rendered(name, _kustomize(overlay(_documented_overlay())))
        first, *components = (f"../postcards/deploy/kubernetes/{path}" for path in VARIANTS[name])
        if not components:
            return Rendered(name, _kustomize(KUBERNETES / VARIANTS[name][0]))
        mixed = {"namespace": "postcards", "resources": [first], "components": components}
        return Rendered(name, _kustomize(overlay(yaml.safe_dump(mixed))))

    return rendered


def _kustomize(folder: Path) -> list[Resource]:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _documented_overlay() -> str:
    [text] = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    return text


@pytest.fixture(params=sorted(VARIANTS))
def rendered(request: pytest.FixtureRequest, render: Callable[[str], Rendered]) -> Rendered:
    return render(request.param)


@pytest.fixture(scope="session")
def every_variant(render: Callable[[str], Rendered]) -> list[Rendered]:
    return [render(name) for name in sorted(VARIANTS)]


@pytest.fixture(scope="session")
def kubernetes_folder() -> Path:
    return KUBERNETES


@pytest.fixture(scope="session")
def documented_secrets() -> dict[str, set[str]]:
    """Keys of the secrets that the how-to creates, by secret."""
    commands = re.sub(r"\\\n\s*", " ", HOW_TO.read_text())
    found = {
        name: set(re.findall(r"--from-(?:literal|file)=([\w.-]+)=", options))
        for name, options in re.findall(r"create secret generic ([\w-]+)([^\n]*)", commands)
    }
    return found | {name: {"tls.crt", "tls.key"} for name in re.findall(r"create secret tls ([\w-]+)", commands)}


@pytest.fixture(scope="session")
def containers() -> Callable[[Resource], Iterator[Resource]]:
    def all_of(workload: Resource) -> Iterator[Resource]:
        pod = workload["spec"]["template"]["spec"]
        yield from pod["containers"]
        yield from pod.get("initContainers", [])

    return all_of
