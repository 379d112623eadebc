"""Who may talk to whom, read as Kubernetes reads the policies."""

from tests.manifests.build import Manifest, containers, named, of_kind, pod_labels, selects, workloads

Overlay = tuple[str, list[Manifest]]
# Caller (namespace's labels, pod's labels) of each workload's port: whether it may.
HERE = {"kubernetes.io/metadata.name": "payments"}
SERVER = (HERE, {"app.kubernetes.io/name": "payments-server"})
GATEWAY = (HERE, {"app.kubernetes.io/name": "payments-gateway"})
MIGRATE = (HERE, {"app.kubernetes.io/name": "payments-migrate"})
FOREIGN = ({"kubernetes.io/metadata.name": "default"}, {"app.kubernetes.io/name": "payments-gateway"})
STRANGER = (HERE, {"app.kubernetes.io/name": "stranger"})
CLIENT = ({"kubernetes.io/metadata.name": "shop", "payments.nuveo.ai/client": "true"}, {})
NGINX = ({"kubernetes.io/metadata.name": "nginx-ingress"}, {"app.kubernetes.io/name": "nginx-ingress"})
SCRAPER = ({"kubernetes.io/metadata.name": "monitoring"}, {})
ALLOWED = {
    ("payments-server", "grpc"): (GATEWAY, CLIENT),
    ("payments-server", "metrics"): (SCRAPER,),
    ("payments-server", "health"): (),
    ("payments-gateway", "http"): (NGINX,),
    ("payments-gateway", "metrics"): (SCRAPER,),
    ("postgres", "postgres"): (SERVER, MIGRATE),
}
CALLERS = (SERVER, GATEWAY, MIGRATE, FOREIGN, STRANGER, CLIENT, NGINX, SCRAPER)


def _peer(peer: Manifest, namespace: dict[str, str], labels: dict[str, str]) -> bool:
    in_namespace = selects(peer["namespaceSelector"], namespace) if "namespaceSelector" in peer else namespace == HERE
    return in_namespace and selects(peer.get("podSelector", {}), labels)


def _may_call(manifests: list[Manifest], target: Manifest, port: str, namespace: dict[str, str], labels: dict[str, str]) -> bool:
    return any(
        any(_peer(peer, namespace, labels) for peer in rule["from"]) and port in [each["port"] for each in rule["ports"]]
        for policy in of_kind(manifests, "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], pod_labels(target))
        for rule in policy["spec"].get("ingress", [])
    )


def test_everything_is_denied_both_ways(overlay: Overlay) -> None:
    assert named(overlay[1], "NetworkPolicy", "deny-all")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_exactly_these_reach_each_port(overlay: Overlay) -> None:
    for workload in workloads(overlay[1]):
        for port in (port["name"] for container in containers(workload) for port in container.get("ports", [])):
            name = workload["metadata"]["name"]
            reached = [caller for caller in CALLERS if _may_call(overlay[1], workload, port, *caller)]
            assert reached == [caller for caller in CALLERS if caller in ALLOWED[name, port]], (name, port)


def test_every_pod_is_selected_by_a_policy_of_its_own(overlay: Overlay) -> None:
    policies = [policy["spec"]["podSelector"] for policy in of_kind(overlay[1], "NetworkPolicy") if policy["spec"]["podSelector"]]
    for workload in workloads(overlay[1]):
        assert any(selects(selector, pod_labels(workload)) for selector in policies), workload["metadata"]["name"]


def test_pods_call_nothing_but_each_other_names_and_their_database(overlay: Overlay) -> None:
    cidrs, ports = set(), set()
    for policy in of_kind(overlay[1], "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            ports |= {port["port"] for port in rule["ports"]}
            cidrs |= {peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer}
    expected = {
        "local": (set(), {53, "grpc", "postgres"}),
        "staging": ({"10.20.160.0/19", "169.254.170.23/32"}, {53, "grpc", 5432, 80}),
        "production": ({"10.30.160.0/19", "169.254.170.23/32"}, {53, "grpc", 5432, 80}),
    }
    assert (cidrs, ports) == expected[overlay[0]]


def test_the_range_of_the_component_is_nobodys(combination: list[Manifest]) -> None:
    """An overlay that forgets its subnets has a database that it cannot reach, and not one that everybody can."""
    for policy in of_kind(combination, "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            assert {peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer} <= {"192.0.2.0/24", "169.254.170.23/32"}
