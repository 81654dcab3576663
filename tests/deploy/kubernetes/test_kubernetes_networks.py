"""The network policies, judged as a network plugin judges them: who reaches whom."""

import ipaddress

import pytest

PARTS = ("image", "audio", "language")
OUTSIDE = "203.0.113.7"
CLUSTER = "10.96.0.10"
NODE_CACHE = "169.254.20.10"


class Network:
    """The pods of a rendering, and what its policies allow."""

    def __init__(self, rendered, jobs=()):
        self.policies = rendered.of("NetworkPolicy")
        self.pods = {
            w["metadata"]["name"]: w["spec"]["template"]["metadata"]["labels"]
            for variant in (rendered, *jobs)
            for w in variant.workloads
        }
        self.ports = {
            w["metadata"]["name"]: {
                port["name"]: port["containerPort"]
                for port in w["spec"]["template"]["spec"]["containers"][0].get("ports", [])
            }
            for w in rendered.workloads
        }

    def reaches(self, source, target, port):
        """Whether a pod reaches a pod."""
        here = {"kubernetes.io/metadata.name": "postcards"}
        out = self._leaves(source, port, pod=self.pods[target], namespace=here)
        return out and self.enters(target, port, pod=self.pods[source], namespace=here, local=True)

    def reaches_address(self, source, address, port):
        return self._leaves(source, port, address=address)

    def reaches_namespace(self, source, namespace, port, protocol="TCP"):
        labels = {"kubernetes.io/metadata.name": namespace}
        return self._leaves(source, port, pod={}, namespace=labels, local=False, protocol=protocol)

    def enters(self, target, port, *, pod, namespace, local=False):
        rules = self._rules(target, "Ingress", "ingress")
        return rules is None or any(
            _port(rule, port, "TCP", self.ports.get(target, {}))
            and _peer(rule.get("from"), pod, namespace, None, local)
            for rule in rules
        )

    def _leaves(self, source, port, *, pod=None, namespace=None, address=None, local=True, protocol="TCP"):
        rules = self._rules(source, "Egress", "egress")
        return rules is None or any(
            _port(rule, port, protocol, {}) and _peer(rule.get("to"), pod, namespace, address, local) for rule in rules
        )

    def _rules(self, name, kind, field):
        """The rules that hold for a pod; None where no policy speaks of it."""
        binding = [p["spec"] for p in self.policies if kind in p["spec"]["policyTypes"] and self._binds(p, name)]
        return [rule for spec in binding for rule in spec.get(field, [])] if binding else None

    def _binds(self, policy, name):
        return _matches(policy["spec"]["podSelector"], self.pods[name])


def _matches(selector, labels):
    terms = selector.get("matchExpressions", [])
    assert all(term["operator"] == "In" for term in terms)
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(term["key"]) in term["values"] for term in terms
    )


def _port(rule, port, protocol, names):
    return "ports" not in rule or any(
        p["protocol"] == protocol and names.get(p["port"], p["port"]) == port for p in rule["ports"]
    )


def _peer(peers, pod, namespace, address, local):
    return peers is None or any(_is(peer, pod, namespace, address, local) for peer in peers)


def _is(peer, pod, namespace, address, local):
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        if address is None:
            return False
        place = ipaddress.ip_address(address)
        return place in ipaddress.ip_network(block["cidr"]) and not any(
            place in ipaddress.ip_network(hole) for hole in block.get("except", [])
        )
    if pod is None:
        return False
    if "namespaceSelector" in peer:
        near = _matches(peer["namespaceSelector"], namespace)
        return near and ("podSelector" not in peer or _matches(peer["podSelector"], pod))
    return local and _matches(peer["podSelector"], pod)


@pytest.fixture
def network(render):
    jobs = [render("jobs/jungle")]
    return lambda name: Network(render(name), jobs)


@pytest.fixture(params=["overlays/production", "overlays/gpu"])
def guarded(request, network):
    return network(request.param)


def test_parts_are_reached_by_the_composer_alone(guarded):
    for part in PARTS:
        assert [name for name in guarded.pods if guarded.reaches(name, part, 50051)] == ["composer"]


def test_parts_reach_nobody(guarded):
    for part in PARTS:
        for target in guarded.pods:
            assert not any(guarded.reaches(part, target, port) for port in (50051, 9464, 9000))


def test_the_store_is_reached_by_the_composer_and_by_callers(network):
    production = network("overlays/production")
    assert {name for name in production.pods if production.reaches(name, "store", 9000)} == {"composer", "jungle"}


def test_the_composer_is_reached_by_callers_that_are_labelled(guarded):
    assert [name for name in guarded.pods if guarded.reaches(name, "composer", 50051)] == ["jungle"]
    stranger, friend = {"kubernetes.io/metadata.name": "other"}, {"postcards/caller": "true"}
    assert not guarded.enters("composer", 50051, pod={}, namespace=stranger)
    assert guarded.enters("composer", 50051, pod={}, namespace=friend)


def test_metrics_are_read_from_the_monitoring_namespace_alone(guarded):
    for name in (*PARTS, "composer"):
        assert guarded.enters(name, 9464, pod={}, namespace={"kubernetes.io/metadata.name": "monitoring"})
        assert not guarded.enters(name, 9464, pod={}, namespace={"kubernetes.io/metadata.name": "other"})
        assert not guarded.enters(name, 50051, pod={}, namespace={"kubernetes.io/metadata.name": "monitoring"})
        assert not any(guarded.reaches(source, name, 9464) for source in guarded.pods)


def test_everyone_may_ask_for_names_and_nothing_else_of_other_namespaces(guarded):
    for name in guarded.pods:
        assert guarded.reaches_namespace(name, "kube-system", 53, "UDP")
        assert guarded.reaches_address(name, NODE_CACHE, 53)
        assert not guarded.reaches_address(name, CLUSTER, 53)
        assert not guarded.reaches_namespace(name, "kube-system", 443)
        assert not guarded.reaches_namespace(name, "other", 53, "UDP")


@pytest.mark.parametrize(
    ("overlay", "outgoing"),
    [
        ("overlays/production", {"jungle"}),
        ("overlays/gpu", {"language", "fetch-models", "composer", "jungle"}),
        ("base+network-policies", {"jungle"}),
    ],
)
def test_only_who_must_reaches_the_world_and_then_by_https(network, overlay, outgoing):
    found = network(overlay)
    assert {name for name in found.pods if found.reaches_address(name, OUTSIDE, 443)} == outgoing
    for name in found.pods:
        assert not found.reaches_address(name, OUTSIDE, 80)
        assert not found.reaches_address(name, CLUSTER, 443), "the API server"
        assert not found.reaches_address(name, "169.254.169.254", 443), "the cloud's metadata"


def test_every_policy_binds_some_pod_somewhere(every_variant):
    bound: dict[str, bool] = {}
    for variant in every_variant:
        found = Network(variant, [v for v in every_variant if v.name.startswith("jobs/")])
        for policy in found.policies:
            name = policy["metadata"]["name"]
            bound[name] = bound.get(name, False) or any(found._binds(policy, pod) for pod in found.pods)
    assert bound
    assert all(bound.values()), bound


def test_without_policies_everyone_reaches_everyone(network):
    assert network("base").reaches("image", "audio", 50051)


def test_traces_leave_for_the_collector_where_there_are_traces(every_variant, guarded):
    names = {"network-policies", "tracing"}
    traced = next(Network(variant) for variant in every_variant if names <= set(variant.name.split("+")))
    for name in (*PARTS, "composer"):
        assert traced.reaches_namespace(name, "observability", 4318)
        assert not traced.reaches_namespace(name, "observability", 443)
        assert not traced.reaches_namespace(name, "other", 4318)
        assert not guarded.reaches_namespace(name, "observability", 4318)
