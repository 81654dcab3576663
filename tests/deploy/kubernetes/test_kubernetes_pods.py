"""Every pod: what it may do, how it is watched, how it ends, and which settings it gets."""

import re

import pytest

from postcards_audio.settings import AudioSettings
from postcards_composer.settings import ComposerSettings
from postcards_composer.store.opening import open_store
from postcards_image.settings import ImageSettings
from postcards_language.settings import LanguageSettings
from postcards_serving.settings import FILE_SUFFIX, PREFIX, read_settings

SETTINGS = {
    "image": ImageSettings,
    "audio": AudioSettings,
    "language": LanguageSettings,
    "composer": ComposerSettings,
}
OF_THE_HUB = {"HF_HOME", "HF_HUB_OFFLINE", "HF_TOKEN_FILE"}
OF_THE_STORE = {
    "MINIO_ROOT_USER_FILE",
    "MINIO_ROOT_PASSWORD_FILE",
    "MINIO_BROWSER",
    "MINIO_UPDATE",
    "MINIO_REGION",
    "HOME",
}
LAST_WORDS_SECONDS = 6
"""What a server takes beyond its pause and its grace, at most."""


def pods(rendered):
    for workload in rendered.workloads:
        pod = workload["spec"]["template"]["spec"]
        [container] = pod["containers"]
        yield workload, pod, container


def variables(container):
    return {variable["name"]: variable["value"] for variable in container["env"]}


def service_of(container):
    """Which of our services a container is; None for others."""
    name = re.fullmatch(r"postcards/(\w+):.*", container["image"])
    return name[1] if name and name[1] in SETTINGS else None


def names_of(settings):
    return {(info.validation_alias or f"{PREFIX}{field}").upper() for field, info in settings.model_fields.items()}


def test_the_security_context_is_the_restricted_one_everywhere(rendered):
    for _, pod, container in pods(rendered):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == 65532
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert "hostPort" not in str(container.get("ports"))
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108


def test_no_variable_of_a_service_can_be_taken_for_a_setting(rendered):
    """A Service named postcards would bring POSTCARDS_PORT=tcp://10.0.0.1:50051."""
    assert all(pod["enableServiceLinks"] is False for _, pod, _ in pods(rendered))


def test_the_namespace_admits_restricted_pods_only(rendered):
    for namespace in rendered.of("Namespace"):
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_memory_is_bounded_and_processor_time_is_not(rendered):
    for _, _, container in pods(rendered):
        resources = container["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys()
        assert "memory" in resources["limits"]
        assert "cpu" not in resources["limits"]


def test_alive_is_who_answers_and_ready_is_who_serves(rendered):
    for _, _, container in pods(rendered):
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        if service_of(container):
            asked = {kind: container[f"{kind}Probe"]["grpc"] for kind in ("startup", "liveness", "readiness")}
            assert asked["startup"] == asked["liveness"] == {"port": ports["grpc"], "service": "liveness"}
            assert asked["readiness"] == {"port": ports["grpc"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if "httpGet" in container.get(probe, {}):
                assert container[probe]["httpGet"]["port"] in ports


def test_a_pod_may_take_longer_to_end_than_its_server_needs(rendered):
    for _, pod, container in pods(rendered):
        service = service_of(container)
        if service is None:
            continue
        settings = variables(container)
        needed = float(settings["POSTCARDS_DRAIN_PAUSE_SECONDS"]) + float(settings["POSTCARDS_GRACE_SECONDS"])
        needed += float(settings.get("POSTCARDS_FINISH_SECONDS", 0)) + LAST_WORDS_SECONDS
        assert pod["terminationGracePeriodSeconds"] > needed


def test_the_longest_job_may_end_before_its_pod(rendered):
    from postcards_composer.postcards.create_request import DEFAULT_TIMEOUT_SECONDS

    for _, _, container in pods(rendered):
        if service_of(container) not in (None, "composer"):
            assert float(variables(container)["POSTCARDS_GRACE_SECONDS"]) >= DEFAULT_TIMEOUT_SECONDS


@pytest.fixture
def as_in_the_pod(monkeypatch, tmp_path):
    """Sets the environment of a container, its secrets in files that exist here."""
    import os

    def enter(container):
        for name in list(os.environ):
            if name.startswith((PREFIX, "MINIO_", "OPENAI_", "HF_")):
                monkeypatch.delenv(name)
        for name, value in variables(container).items():
            if name.endswith(FILE_SUFFIX):
                path = tmp_path / name
                path.write_text("secret-value\n")
                monkeypatch.setenv(name, str(path))
            else:
                monkeypatch.setenv(name, value)

    return enter


def test_every_variable_is_a_setting_and_every_value_is_taken(rendered, as_in_the_pod):
    for workload, _, container in pods(rendered):
        service = service_of(container)
        given = variables(container)
        if service is None:
            known = OF_THE_STORE if workload["metadata"]["name"] == "store" else OF_THE_HUB | CLIENT_SETTINGS
            assert given.keys() <= known
            continue
        kind = SETTINGS[service]
        assert {name.removesuffix(FILE_SUFFIX) for name in given} <= names_of(kind) | OF_THE_HUB
        as_in_the_pod(container)
        settings = read_settings(kind)
        if service == "composer":
            open_store(settings)


CLIENT_SETTINGS = {"POSTCARDS_ADDRESS", "POSTCARDS_IMAGE_ENGINE", "POSTCARDS_AUDIO_ENGINE"}


def test_secrets_come_as_files_whose_keys_are_documented(rendered, documented_secrets):
    for _, pod, container in pods(rendered):
        mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
        secrets = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
        read = set()
        for name, value in variables(container).items():
            assert not re.search(r"(KEY|TOKEN|PASSWORD|SECRET)$", name), f"{name} is to be given as {name}_FILE"
            if name.endswith(FILE_SUFFIX):
                folder, _, key = value.rpartition("/")
                mount = mounts[folder]
                assert mount["readOnly"] is True
                assert key in documented_secrets[secrets[mount["name"]]]
                read.add(mount["name"])
        assert read == secrets.keys()


def test_the_client_takes_the_arguments_of_the_jobs(every_variant):
    import typer.main

    from postcards_cli.app import app

    command = typer.main.get_command(app)
    jobs = {str(c["args"]): c["args"] for variant in every_variant for w, _, c in pods(variant) if w["kind"] == "Job"}
    assert len(jobs) >= 2
    for name, *rest in jobs.values():
        subcommand = command.commands[name]
        assert subcommand.make_context(name, list(rest)).params


def test_gpu_services_are_replaced_not_doubled(rendered):
    models = [(w, p, c) for w, p, c in pods(rendered) if c["image"].endswith("-models")]
    assert {w["metadata"]["name"] for w, _, _ in models} in (set(), {"image", "audio"})
    for workload, pod, container in models:
        assert workload["spec"]["strategy"] == {"type": "Recreate"}
        assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod["tolerations"]
        assert {"name": "models", "mountPath": "/models", "readOnly": True} in container["volumeMounts"]
        assert variables(container)["HF_HOME"] == "/models"
    if models:
        fetch = rendered.one("Job", "fetch-models")["spec"]["template"]["spec"]["containers"][0]
        assert "--home=/models" in fetch["args"]
        assert {"name": "models", "mountPath": "/models"} in fetch["volumeMounts"]
        for part in ("image", "audio"):
            [served] = [c for w, _, c in models if w["metadata"]["name"] == part]
            engine = f"POSTCARDS_{part.upper()}_ENGINE"
            assert variables(fetch)[engine] == variables(served)[engine]
