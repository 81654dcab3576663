"""The pods of deploy/kubernetes in real containers: with the user, the file systems, the settings and the secrets that
their manifests give them, and their probes asked from outside. `make e2e` builds the images and runs this.

No cluster: names and secrets are Docker's here, and the store is SeaweedFS (deploy/e2e).
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from postcards_serving.testing import eventually

ROOT = Path(__file__).parents[2]
VERSION = os.environ.get("POSTCARDS_VERSION") or (ROOT / "VERSION").read_text(encoding="utf-8").strip()
REGISTRY = os.environ.get("POSTCARDS_REGISTRY", "postcards")
SERVICES = ("image", "audio", "language", "composer")
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
PATIENCE = 150.0

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif("POSTCARDS_CONTAINERS" not in os.environ, reason="builds and runs containers: make e2e"),
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders the manifests: it is not installed"),
]


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
    return done.stdout.strip()


def rendered(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True)
    return {(r["kind"], r["metadata"]["name"]): r for r in yaml.safe_load_all(done.stdout)}


@dataclass(frozen=True)
class Node:
    """Where pods run: a network of their own, and a folder with their secrets."""

    network: str
    secrets: Path

    def start(self, workload: dict[str, Any], *, arguments: list[str] | None = None, image: str = "") -> str:
        """Starts the pod of a workload; the name of its container."""
        pod = workload["spec"]["template"]["spec"]
        [container] = pod["containers"]
        name = f"{self.network}-{workload['metadata']['name']}"
        known = container["image"].removeprefix("postcards/").partition(":")[0]
        aliases = [workload["metadata"]["name"]] if workload["kind"] == "Deployment" else []
        docker(
            *("run", "--detach", "--name", name, "--network", self.network, "--pull", "never"),
            *(f"--network-alias={alias}" for alias in aliases),
            *("--publish", "127.0.0.1::50051"),
            *_confined(pod["securityContext"], container),
            *(f"--env={variable['name']}={variable['value']}" for variable in container["env"]),
            *(option for mount in container["volumeMounts"] for option in self._mounted(mount, pod)),
            image or f"{REGISTRY}/{known}:{VERSION}",
            *(arguments or container.get("args", [])),
        )
        return name

    def start_store(self) -> str:
        name = f"{self.network}-store"
        docker(
            *("run", "--detach", "--name", name, "--network", self.network, "--pull=never"),
            *("--network-alias=store", "--network-alias=store.postcards"),
            *("--user=65532:65532", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true"),
            *("--env=HOME=/tmp", "--tmpfs=/tmp:mode=1777", "--tmpfs=/data:uid=65532,gid=65532"),
            f"--volume={self.secrets / 'store-keys'}:/run/store-keys:ro",
            f"{REGISTRY}/store-e2e:{VERSION}",
        )
        return name

    def _mounted(self, mount: dict[str, Any], pod: dict[str, Any]) -> list[str]:
        [volume] = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
        if "secret" in volume:
            return [f"--volume={self.secrets / volume['secret']['secretName']}:{mount['mountPath']}:ro"]
        # An emptyDir belongs to the pod's group; a claim that nobody has filled looks the same.
        group = pod["securityContext"]["fsGroup"]
        return [f"--tmpfs={mount['mountPath']}:uid=0,gid={group},mode=2770"]


def _confined(pod: dict[str, Any], container: dict[str, Any]) -> list[str]:
    """Docker's options for what the security contexts and limits say."""
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    return [
        f"--user={pod['runAsUser']}:{pod['runAsGroup']}",
        "--read-only",
        *(f"--cap-drop={capability}" for capability in context["capabilities"]["drop"]),
        "--security-opt=no-new-privileges:true",
        f"--memory={container['resources']['limits']['memory'].removesuffix('i').lower()}",
    ]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    tmp_path.chmod(0o755)
    keys = tmp_path / "store-keys"
    keys.mkdir()
    for key, value in (("access-key", "postcards"), ("secret-key", secrets.token_hex(16))):
        (keys / key).write_text(value)
    for folder in tmp_path.parents:
        # The engine mounts by path, and containers read as another user.
        if folder.owner() == tmp_path.owner() and folder != Path("/tmp"):  # noqa: S108
            folder.chmod(folder.stat().st_mode | 0o011)
    name = f"pods-{secrets.token_hex(4)}"
    docker("network", "create", name)
    try:
        yield Node(name, tmp_path)
    finally:
        if names := docker("ps", "--all", "--quiet", "--filter", f"network={name}").split():
            docker("rm", "--force", "--volumes", *names)
        docker("network", "rm", name)


def address(container: str) -> str:
    return docker("port", container, "50051").splitlines()[0]


async def health(container: str, probe: dict[str, Any]) -> int:
    async with grpc.aio.insecure_channel(address(container)) as channel:
        request = health_pb2.HealthCheckRequest(service=probe["grpc"].get("service", ""))
        try:
            return (await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)).status
        except grpc.aio.AioRpcError:
            return health_pb2.HealthCheckResponse.UNKNOWN


def probes(workload: dict[str, Any]) -> dict[str, dict[str, Any]]:
    [container] = workload["spec"]["template"]["spec"]["containers"]
    return {kind: container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")}


def ended(container: str) -> dict[str, Any] | None:
    state = json.loads(docker("inspect", container))[0]["State"]
    return state if state["Status"] == "exited" else None


async def finished(container: str) -> tuple[int, str]:
    """Exit code and last words of a container that ends by itself."""
    state = await eventually(lambda: ended(container), timeout=PATIENCE, interval=0.5)
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    return state["ExitCode"], done.stdout + done.stderr


async def test_the_pods_make_a_jungle_and_end_when_they_are_told(node):
    base = rendered(ROOT / "deploy/kubernetes/base")
    node.start_store()
    started = {name: node.start(base["Deployment", name]) for name in SERVICES}
    for name, container in started.items():
        for probe in probes(base["Deployment", name]).values():
            await eventually(lambda c=container, p=probe: _says(c, p, SERVING), timeout=PATIENCE, interval=0.5)

    jungle = rendered(ROOT / "deploy/kubernetes/jobs/jungle")["Job", "jungle"]
    code, said = await finished(node.start(jungle, arguments=_with(jungle, "--count=1")))
    assert code == 0, said
    assert "1 of 1 postcards are complete" in said

    load = rendered(ROOT / "deploy/kubernetes/jobs/load")["Job", "load"]
    code, said = await finished(node.start(load, arguments=_with(load, "--ramp=1,2", "--duration=1s", "--warm-up=0")))
    assert code == 0, said

    grace = max(base["Deployment", n]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] for n in SERVICES)
    docker("stop", f"--time={grace}", *started.values())
    assert {name: ended(container)["ExitCode"] for name, container in started.items()} == dict.fromkeys(SERVICES, 0)


async def test_a_pod_that_waits_for_its_model_is_alive_and_not_ready(node, tmp_path):
    """With the image that computes: it has no Stable Diffusion, so that the model never comes."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    kubernetes = os.path.relpath(ROOT / "deploy/kubernetes", overlay.resolve())
    parts = {"resources": [f"{kubernetes}/base"], "components": [f"{kubernetes}/components/gpu"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(parts))
    workload = rendered(overlay)["Deployment", "image"]
    asked = probes(workload)
    container = node.start(workload, image=f"{REGISTRY}/image:{VERSION}")
    await eventually(lambda: _says(container, asked["startup"], SERVING), timeout=PATIENCE, interval=0.5)
    await eventually(lambda: "cannot start" in _log(container), timeout=PATIENCE, interval=0.5)
    assert await health(container, asked["readiness"]) == NOT_SERVING
    assert await health(container, asked["liveness"]) == SERVING
    docker("stop", "--time=60", container)
    assert ended(container)["ExitCode"] == 0


async def _says(container: str, probe: dict[str, Any], status: int) -> bool:
    return await health(container, probe) == status


def _log(container: str) -> str:
    return subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True).stderr


def _with(job: dict[str, Any], *changes: str) -> list[str]:
    """The arguments of a job, some of them with other values."""
    changed = {change.partition("=")[0]: change for change in changes}
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert changed.keys() <= {argument.partition("=")[0] for argument in arguments}
    return [changed.get(argument.partition("=")[0], argument) for argument in arguments]
