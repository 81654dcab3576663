"""What refers to something else finds it: selectors, ports, targets, volumes, accounts."""

import re
import tomllib

SERVICES = {"image", "audio", "language", "composer"}


def pod_labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def selected(selector, workloads):
    """Names of the workloads whose pods a selector takes."""
    wanted = selector.get("matchLabels", {})
    terms = selector.get("matchExpressions", [])
    return {
        w["metadata"]["name"]
        for w in workloads
        if wanted.items() <= pod_labels(w).items()
        and all(t["operator"] == "In" and pod_labels(w).get(t["key"]) in t["values"] for t in terms)
    }


def port_numbers(container):
    return {port["name"]: port["containerPort"] for port in container.get("ports", [])}


def test_workloads_select_their_own_pods_only(rendered):
    for workload in rendered.of("Deployment", "StatefulSet"):
        assert selected(workload["spec"]["selector"], rendered.workloads) == {workload["metadata"]["name"]}


def test_services_lead_to_ports_that_are_listened_on(rendered):
    for service in rendered.of("Service"):
        [name] = selected({"matchLabels": service["spec"]["selector"]}, rendered.workloads)
        assert name == ("composer" if service["metadata"]["name"] == "postcards" else service["metadata"]["name"])
        [workload] = [w for w in rendered.workloads if w["metadata"]["name"] == name]
        known = port_numbers(workload["spec"]["template"]["spec"]["containers"][0])
        for port in service["spec"]["ports"]:
            assert known[port["targetPort"]] == port["port"]


def test_callers_of_the_four_services_see_every_pod(rendered):
    headless = {s["metadata"]["name"] for s in rendered.of("Service") if s["spec"].get("clusterIP") == "None"}
    if rendered.whole:
        assert headless >= SERVICES
        env = environment(rendered.one("Deployment", "composer"))
        for part in ("image", "audio", "language"):
            assert env[f"POSTCARDS_{part.upper()}_ADDRESS"] == f"dns:///{part}:50051"


def environment(workload):
    [container] = workload["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"]}


def test_what_the_composer_and_the_jobs_call_exists(render, rendered):
    services = {s["metadata"]["name"]: s for s in (rendered if rendered.whole else render("base")).of("Service")}
    for workload in rendered.workloads:
        for name, value in environment(workload).items():
            if name.endswith("_ADDRESS") and ":" in value:
                host, port = value.removeprefix("dns:///").split(":")
                assert int(port) in {p["port"] for p in services[host]["spec"]["ports"]}
    if rendered.whole and "store" in services:
        assert environment(rendered.one("Deployment", "composer"))["MINIO_ENDPOINT"] == "http://store.postcards:9000"


def test_budgets_cover_each_service_and_let_single_pods_move(rendered):
    covered = [
        selected(budget["spec"]["selector"], rendered.workloads) for budget in rendered.of("PodDisruptionBudget")
    ]
    assert all(len(names) == 1 for names in covered)
    standing = {workload["metadata"]["name"] for workload in rendered.of("Deployment", "StatefulSet")}
    assert set().union(*covered) == standing
    assert all(budget["spec"]["maxUnavailable"] == 1 for budget in rendered.of("PodDisruptionBudget"))


def test_pods_are_spread_among_their_own_kind(rendered):
    for workload in rendered.of("Deployment"):
        spreads = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [spread["topologyKey"] for spread in spreads] == [
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        ]
        for spread in spreads:
            assert workload["metadata"]["name"] in selected(spread["labelSelector"], rendered.workloads)
            keys = set(spread["matchLabelKeys"])
            assert keys == {"app.kubernetes.io/name", "pod-template-hash"}
            assert not keys & spread["labelSelector"]["matchLabels"].keys()
            assert "app.kubernetes.io/name" in pod_labels(workload)


def test_accounts_exist_and_carry_no_token(render, rendered):
    accounts = {a["metadata"]["name"]: a for a in (rendered if rendered.whole else render("base")).of("ServiceAccount")}
    for workload in rendered.workloads:
        pod = workload["spec"]["template"]["spec"]
        assert accounts[pod["serviceAccountName"]]["automountServiceAccountToken"] is False
        assert pod["automountServiceAccountToken"] is False
    used = {w["spec"]["template"]["spec"]["serviceAccountName"] for w in rendered.workloads}
    if rendered.whole:
        assert accounts.keys() - used <= {"client"}


def test_what_is_mounted_is_there(rendered, documented_secrets, containers):
    claims = {claim["metadata"]["name"] for claim in rendered.of("PersistentVolumeClaim")}
    for workload in rendered.workloads:
        pod = workload["spec"]["template"]["spec"]
        own = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {mount["name"] for container in containers(workload) for mount in container["volumeMounts"]}
        assert mounted == volumes.keys() | own
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
            elif "secret" in volume:
                assert volume["secret"]["secretName"] in documented_secrets
                assert volume["secret"]["defaultMode"] == 0o440
            else:
                assert volume["emptyDir"]["sizeLimit"]


def test_routes_lead_from_a_listener_to_a_service(rendered, documented_secrets):
    services = {s["metadata"]["name"]: {p["port"] for p in s["spec"]["ports"]} for s in rendered.of("Service")}
    listeners = {
        (gateway["metadata"]["name"], listener["name"]): listener
        for gateway in rendered.of("Gateway")
        for listener in gateway["spec"]["listeners"]
    }
    for route in rendered.of("GRPCRoute", "HTTPRoute"):
        [parent] = route["spec"]["parentRefs"]
        listener = listeners.pop((parent["name"], parent["sectionName"]))
        assert listener["hostname"] in route["spec"]["hostnames"]
        assert {"kind": route["kind"]} in listener["allowedRoutes"]["kinds"]
        assert all(ref["name"] in documented_secrets for ref in listener["tls"]["certificateRefs"])
        for rule in route["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                assert backend["port"] in services[backend["name"]]
    assert not listeners, "a listener without a route"


def test_the_gateway_lets_through_services_that_exist(render):
    from grpc_health.v1 import health_pb2
    from postcards.composer.v1 import composer_pb2

    served = {
        service.full_name
        for file in (composer_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR)
        for service in file.services_by_name.values()
    }
    route = render("overlays/production").one("GRPCRoute", "postcards")
    assert {m["method"]["service"] for rule in route["spec"]["rules"] for m in rule["matches"]} == served


def test_images_are_ours_in_this_version(every_variant, kubernetes_folder, containers):
    project = kubernetes_folder.parents[1] / "services/composer/pyproject.toml"
    version = tomllib.loads(project.read_text())["project"]["version"]
    ours = {f"postcards/{name}:{version}" for name in (*SERVICES, "client")}
    found = {c["image"] for variant in every_variant for w in variant.workloads for c in containers(w)}
    store = {image for image in found if image.startswith("docker.io/pgsty/silo:RELEASE.")}
    assert len(store) == 1
    assert found == ours | {f"postcards/{name}:{version}-models" for name in ("image", "audio")} | store
    compose = kubernetes_folder.parents[1] / "docker-compose.yml"
    assert store.pop() in compose.read_text()


def test_the_overlay_of_the_how_to_changes_every_name(render, containers):
    variant = render("how-to")
    text = str(variant.resources)
    assert "example.com" not in text
    ours = {c["image"].rpartition("/")[0] for w in variant.of("Deployment") for c in containers(w)}
    assert ours == {"registry.example.net/postcards"}
    hosts = {listener["hostname"] for listener in variant.one("Gateway", "postcards")["spec"]["listeners"]}
    assert hosts == {"postcards.example.net", "store.example.net"}
    assert environment(variant.one("Deployment", "composer"))["MINIO_PUBLIC_ENDPOINT"] == "https://store.example.net"


def test_the_how_to_knows_every_component_and_overlay(kubernetes_folder):
    text = (kubernetes_folder.parents[1] / "docs/how-to/run-on-kubernetes.md").read_text()
    components = {folder.name for folder in (kubernetes_folder / "components").iterdir()} - {"restricted"}
    rows = set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE))
    assert rows == components
    assert all(f"`{folder.name}`" in text for folder in (kubernetes_folder / "overlays").iterdir())
    assert all(f"jobs/{folder.name}" in text for folder in (kubernetes_folder / "jobs").iterdir())
