"""Scaling and watching: what autoscalers ask for is what running services tell."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

SERVICES = ("image", "audio", "language", "composer")
SELECTOR = re.compile(r"(postcards_\w+)\{([^}]*)\}")
WHERE_THEY_RUN = {"job", "service"}
"""Labels that the scraping adds."""


def queries(scaler):
    return [trigger["metadata"]["query"] for trigger in scaler["spec"]["triggers"]]


def series(query):
    """Every series that a query names, as (name, labels)."""
    return [(name, dict(re.findall(r'(\w+)="([^"]*)"', labels))) for name, labels in SELECTOR.findall(query)]


async def started(service, folder):
    quiet = {"POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", "POSTCARDS_DRAIN_PAUSE_SECONDS": "0"}
    environment = os.environ | quiet | {"POSTCARDS_STORE_URL": folder.as_uri(), "OMP_NUM_THREADS": "1"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"postcards_{service}", env=environment, stderr=asyncio.subprocess.PIPE
    )


async def first_line(process):
    while line := json.loads(await process.stderr.readline()):
        if line["message"] == "serving":
            return line
    raise AssertionError("it ended before it served")


def scraped(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return [(s.name, s.labels) for family in text_string_to_metric_families(text) for s in family.samples]


async def health(address, service):
    async with grpc.aio.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        return (await health_pb2_grpc.HealthStub(channel).Check(request, timeout=10)).status


@pytest.fixture(scope="module")
def living(tmp_path_factory):
    """Series and health of the four services as they run."""
    folder = tmp_path_factory.mktemp("store")

    async def look():
        found = {}
        async with contextlib.AsyncExitStack() as stack:
            for service in SERVICES:
                process = await started(service, folder)
                stack.push_async_callback(process.communicate)
                stack.callback(process.terminate)
                line = await asyncio.wait_for(first_line(process), 60)
                answers = {name: await health(line["address"], name) for name in ("", "liveness")}
                found[service] = (await asyncio.to_thread(scraped, line["metrics_port"]), answers)
        return found

    return asyncio.run(look())


@pytest.mark.long
def test_every_series_of_a_trigger_is_told_by_a_living_service(every_variant, living):
    asked = {query for variant in every_variant for scaler in variant.of("ScaledObject") for query in queries(scaler)}
    named = [one for query in asked for one in series(query)]
    assert {name for name, _ in named} == {
        "postcards_queue_depth",
        "postcards_in_flight_rows",
        "postcards_in_flight",
        "postcards_parts_wanted",
    }
    for name, labels in named:
        assert labels["job"] == "postcards"
        told, _ = living[labels["service"]]
        wanted = {key: value for key, value in labels.items() if key not in WHERE_THEY_RUN}
        assert any(found == name and wanted.items() <= have.items() for found, have in told), (name, labels)


def test_what_the_probes_ask_is_answered_by_living_services(every_variant, living):
    asked = {
        container[probe]["grpc"].get("service", "")
        for variant in every_variant
        for workload in variant.of("Deployment")
        for container in workload["spec"]["template"]["spec"]["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    for _, answers in living.values():
        assert {answers[service] for service in asked} == {health_pb2.HealthCheckResponse.SERVING}


def test_every_scaler_has_a_target_of_its_own_whose_replicas_nobody_else_sets(rendered):
    targets = [s["spec"]["scaleTargetRef"]["name"] for s in rendered.of("ScaledObject", "HorizontalPodAutoscaler")]
    assert len(targets) == len(set(targets))
    for name in targets:
        assert "replicas" not in rendered.one("Deployment", name)["spec"]
    for scaler in rendered.of("ScaledObject"):
        assert scaler["spec"]["minReplicaCount"] < scaler["spec"]["maxReplicaCount"]
        assert all(
            {"service": scaler["metadata"]["name"]}.items() <= labels.items()
            for q in queries(scaler)
            for name, labels in series(q)
            if name != "postcards_parts_wanted"
        )


def test_who_is_scaled_to_nothing_is_woken_by_the_composer(rendered):
    """A service without a pod tells nothing of itself."""
    for scaler in rendered.of("ScaledObject"):
        name, spec = scaler["metadata"]["name"], scaler["spec"]
        wakers = [series(query) for query in queries(scaler) if "postcards_parts_wanted" in query]
        if spec["minReplicaCount"] > 0:
            assert not wakers
            continue
        assert name in ("image", "audio")
        assert wakers == [[("postcards_parts_wanted", {"job": "postcards", "service": "composer", "part": name})]]
        assert all(t["metadata"]["activationThreshold"] == "0" for t in spec["triggers"])
        [container] = rendered.one("Deployment", "composer")["spec"]["template"]["spec"]["containers"]
        patience = next(v["value"] for v in container["env"] if v["name"] == "POSTCARDS_PART_PATIENCE_SECONDS")
        assert float(patience) > 600
        assert spec["fallback"]["replicas"] >= 1


def test_nothing_shrinks_for_want_of_numbers(every_variant):
    """By default KEDA sets as many replicas as the fallback names, however many there are."""
    scalers = [scaler for rendered in every_variant for scaler in rendered.of("ScaledObject")]
    assert scalers
    assert {scaler["spec"]["fallback"]["behavior"] for scaler in scalers} == {"currentReplicasIfHigher"}


def test_prometheus_understands_the_queries(every_variant, tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    asked = {query for variant in every_variant for scaler in variant.of("ScaledObject") for query in queries(scaler)}
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(sorted(asked))]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_those_of_prometheus(render, kubernetes_folder):
    folder = kubernetes_folder.parent / "prometheus/rules"
    groups = [group for path in sorted(folder.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    rule = render("base+monitoring").one("PrometheusRule", "postcards")
    assert rule["spec"]["groups"] == groups, "run: python scripts/prometheus_rule.py"


def test_pods_are_scraped_with_the_labels_that_rules_know(render):
    variant = render("overlays/production")
    spec = variant.one("PodMonitor", "postcards")["spec"]
    [term] = spec["selector"]["matchExpressions"]
    assert set(term["values"]) == set(SERVICES)
    [endpoint] = spec["podMetricsEndpoints"]
    by_target = {r["targetLabel"]: r for r in endpoint["relabelings"]}
    assert by_target["job"]["replacement"] == "postcards"
    assert by_target["service"]["sourceLabels"] == ["__meta_kubernetes_pod_label_app_kubernetes_io_name"]
    for workload in variant.of("Deployment"):
        template = workload["spec"]["template"]
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] in term["values"]
        ports = [port["name"] for port in template["spec"]["containers"][0]["ports"]]
        assert endpoint["port"] in ports


def test_every_dashboard_is_small_enough_to_be_applied_and_collected(render, kubernetes_folder):
    maps = render("base+dashboards").of("ConfigMap")
    found = {name: text for config in maps for name, text in config["data"].items()}
    folder = kubernetes_folder.parent / "grafana/dashboards"
    assert found == {path.name: path.read_text() for path in folder.glob("*.json")}
    for config in maps:
        assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
        # `kubectl apply` keeps a copy in an annotation.
        assert len(json.dumps(config)) < 256 * 1024
