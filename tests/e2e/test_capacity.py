"""Pods that come and go: deleted, drained, added, and scaled by load."""

import json
import threading
import time
from collections.abc import Iterator

import pytest

from tests.e2e.callers import grpc_load
from tests.e2e.kubectl import get, kubectl, names, patch, ready_pods, run_python, until
from tests.e2e.rest_load import rest_load
from tests.e2e.service import DEPLOYMENTS, Door

HANDLED = """
import re, urllib.request
text = urllib.request.urlopen("http://127.0.0.1:9464/metrics").read().decode()
lines = re.findall(r'^grpc_server_handled_total\\{(.*)\\} (\\S+)$', text, re.M)
print(sum(float(count) for labels, count in lines if 'grpc_service="payments.v1.PaymentService"' in labels))
"""


@pytest.fixture
def scaler() -> Iterator[None]:
    """The servers' autoscaler is as it was afterwards."""
    spec = get("hpa", "payments-server")["spec"]
    yield
    patch("hpa/payments-server", {"spec": {"minReplicas": spec["minReplicas"], "maxReplicas": spec["maxReplicas"]}})
    until(lambda: len(ready_pods("payments-server")) >= spec["minReplicas"], "the servers are back")


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deleted_pod_fails_no_request_and_is_replaced(door: Door, callers: None, name: str) -> None:
    pods = names(ready_pods(name))
    with rest_load(door) as rest, grpc_load() as grpc:
        kubectl("delete", "pod", min(pods), "--wait=false")
        until(lambda: len(names(ready_pods(name)) - {min(pods)}) >= len(pods), "a new pod")
        time.sleep(5)
    assert not rest.failures and not grpc["failures"], (rest.failures[:5], grpc["failures"][:5])


def test_a_drained_node_fails_no_request(door: Door, callers: None) -> None:
    """Of its pods those go of which there are several: nginx and PostgreSQL have one each here, and stay."""
    nodes = [node["metadata"]["name"] for node in get("nodes")]
    if len(nodes) < 2:
        pytest.skip("a cluster of one node has none to drain")
    node = ready_pods("payments-server")[0]["spec"]["nodeName"]
    with rest_load(door) as rest, grpc_load() as grpc:
        try:
            selector = f"app.kubernetes.io/name in ({', '.join(DEPLOYMENTS)})"
            kubectl("drain", node, "--ignore-daemonsets", "--pod-selector", selector, "--timeout=240s")
            assert not [pod for name in DEPLOYMENTS for pod in ready_pods(name) if pod["spec"]["nodeName"] == node]
        finally:
            kubectl("uncordon", node)
    assert rest.requests > 50 and not rest.failures and not grpc["failures"], (rest.failures[:5], grpc["failures"][:5])


def test_the_budget_lets_one_pod_go_at_a_time(callers: None) -> None:
    """The second eviction is refused while the first pod's replacement is not ready."""
    pods = sorted(names(ready_pods("payments-server")))
    assert len(pods) == 2
    assert _evict(pods[0]) == "" and "disruption budget" in _evict(pods[1])
    until(lambda: len(names(ready_pods("payments-server")) - {pods[0]}) == 2, "the replacement")


def test_servers_that_are_added_soon_have_their_share_of_calls(door: Door, callers: None, scaler: None) -> None:
    patch("hpa/payments-server", {"spec": {"minReplicas": 1, "maxReplicas": 1}})
    until(lambda: len(get("pods", "--selector", "app.kubernetes.io/name=payments-server")) == 1, "one server", 240)
    with rest_load(door) as rest, grpc_load() as grpc:
        patch("hpa/payments-server", {"spec": {"minReplicas": 3, "maxReplicas": 3}})
        until(lambda: len(ready_pods("payments-server")) == 3, "three servers")
        begin = time.monotonic()
        pods = sorted(names(ready_pods("payments-server")))
        until(lambda: all(_handled(pod) > 20 for pod in pods), "calls on every server", 60)
        seconds = time.monotonic() - begin
        first = {pod: _handled(pod) for pod in pods}
        time.sleep(20)
        shares = {pod: _handled(pod) - first[pod] for pod in pods}
    # A connection is left when it is 10 s old, and name servers keep what they know: 5 s on EKS, 30 s where kubeadm set them up.
    kept = 30 if "ttl 30" in get("configmap", "coredns", namespace="kube-system")["data"]["Corefile"] else 5
    assert seconds < 15 + kept
    assert min(shares.values()) > 0.15 * sum(shares.values()), shares
    assert not rest.failures and not grpc["failures"], (rest.failures[:5], grpc["failures"][:5])
    print(f"calls on every server after {seconds:.0f} s; in the next 20 s {sorted(shares.values())}")


def test_load_scales_the_gateways_out_and_its_end_scales_them_in(door: Door) -> None:
    """From many connections at the rate that nginx lets one address have."""
    before = get("hpa", "payments-gateway")["spec"]
    # The limit of nginx is on the way: a tenth of the usual use of a processor is the goal.
    metrics = json.loads(json.dumps(before["metrics"]))
    metrics[0]["resource"]["target"]["averageUtilization"] = 10
    kubectl("patch", "hpa", "payments-gateway", "--type=merge", "--patch", json.dumps({"spec": {"metrics": metrics}}))
    try:
        stop = threading.Event()
        threads = [threading.Thread(target=_list, args=(door, stop)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: len(ready_pods("payments-gateway")) == before["maxReplicas"], "scaled out", 240)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        until(lambda: len(ready_pods("payments-gateway")) == before["minReplicas"], "scaled in", 400)
    finally:
        kubectl("patch", "hpa", "payments-gateway", "--type=merge", "--patch", json.dumps({"spec": {"metrics": before["metrics"]}}))


def _list(door: Door, stop: threading.Event) -> None:
    rest = door.rest()
    while not stop.wait(0.05):
        rest.get("/list", params={"page_size": 100})


def _handled(pod: str) -> float:
    return float(run_python(pod, HANDLED))


def _evict(pod: str) -> str:
    """What was said against it."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "payments"}}
    said = kubectl(
        "create", "--raw", f"/api/v1/namespaces/payments/pods/{pod}/eviction", "--filename", "-", stdin=json.dumps(eviction), check=False
    )
    return said if "Error" in said else ""
