"""Whatever is chosen renders, and is what the API server and the operators take."""

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest

kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")

SCHEMAS = Path(__file__).parent / "schemas"


@cache
def own_schema(kind: str) -> dict:
    path = SCHEMAS / f"{kind}.json"
    assert path.exists(), f"no schema for {kind}: neither is it Kubernetes' own, nor is there {path.name}"
    return json.loads(path.read_text())


@cache
def complaint(text: str) -> str:
    """What is wrong with a resource; equal ones of several variants are looked at once."""
    resource = json.loads(text)
    try:
        kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        try:
            jsonschema.validate(resource, own_schema(resource["kind"]))
        except jsonschema.ValidationError as problem:
            return f"{problem.json_path}: {problem.message}"
    except kubernetes_validate.ValidationError as problem:
        return str(problem)
    return ""


def test_every_resource_fits_its_schema(rendered):
    assert rendered.resources
    complaints = {
        f"{resource['kind']}/{resource['metadata']['name']}": complaint(json.dumps(resource, sort_keys=True))
        for resource in rendered.resources
    }
    assert {name: text for name, text in complaints.items() if text} == {}


def test_all_is_in_the_namespace_and_named_once(rendered):
    names = [(resource["kind"], resource["metadata"]["name"]) for resource in rendered.resources]
    assert len(names) == len(set(names))
    namespaces = {r["metadata"].get("namespace") for r in rendered.resources if r["kind"] != "Namespace"}
    assert namespaces == {"postcards"}
    assert {r["metadata"]["labels"]["app.kubernetes.io/part-of"] for r in rendered.resources} == {"postcards"}


def test_no_secret_is_rendered(rendered):
    assert rendered.of("Secret") == []


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("ScaledObject", lambda r: r["spec"].update(minReplicas=1)),
        ("ScaledObject", lambda r: r["spec"]["triggers"][0]["metadata"].update(threshold=3)),
        ("PodMonitor", lambda r: r["spec"]["podMetricsEndpoints"][0].pop("port")),
        ("PrometheusRule", lambda r: r["spec"]["groups"][0]["rules"][0].pop("expr")),
        ("GRPCRoute", lambda r: r["spec"]["rules"][0]["backendRefs"][0].pop("port")),
        ("Gateway", lambda r: r["spec"]["listeners"][0]["tls"].update(mode="Nothing")),
        ("HTTPRoute", lambda r: r["spec"]["rules"][0]["matches"][0].update(method="GRAB")),
        ("Deployment", lambda r: r["spec"].update(replica=1)),
    ],
)
def test_the_schemas_find_what_is_wrong(render, kind, spoil):
    resource = json.loads(json.dumps(render("overlays/production").of(kind)[0]))
    assert complaint(json.dumps(resource, sort_keys=True)) == ""
    spoil(resource)
    assert complaint(json.dumps(resource, sort_keys=True)) != ""
