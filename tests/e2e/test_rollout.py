"""Rolling updates under load, in which no request fails, and releases that are bad."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.callers import grpc_load
from tests.e2e.deploy import OVERLAY
from tests.e2e.kubectl import get, kubectl, names, ready_pods, roll_out, until
from tests.e2e.rest_load import rest_load
from tests.e2e.service import DEPLOYMENTS, Door

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_rolling_update_fails_no_request(door: Door, callers: None, name: str) -> None:
    before = names(ready_pods(name))
    with rest_load(door) as rest, grpc_load() as grpc:
        kubectl("rollout", "restart", f"deployment/{name}")
        roll_out(name)
        until(lambda: not before & {pod["metadata"]["name"] for pod in get("pods")}, "the old pods are gone")
    assert not rest.failures, rest.failures[:5]
    assert not grpc["failures"], grpc["failures"][:5]
    assert rest.requests > 200 and grpc["calls"] > 200
    print(f"{name}: REST {rest.requests} requests, {rest.reconnects} idle connections closed; gRPC {grpc['calls']} calls")


def test_an_image_that_does_not_start_takes_no_traffic_and_is_undone(door: Door) -> None:
    serving = names(ready_pods("payments-server"))
    with rest_load(door, 1) as rest:
        # It is there, and it is another program: the gateway's image has no server.
        gateway = get("deployment", "payments-gateway")["spec"]["template"]["spec"]["containers"][0]["image"]
        kubectl("set", "image", "deployment/payments-server", f"server={gateway}")
        until(lambda: _new_pods(serving), "a pod of the bad release")
        until(lambda: "Startup probe failed" in kubectl("events", "--types=Warning"), "it fails its probe")
        assert names(ready_pods("payments-server")) == serving
        kubectl("rollout", "undo", "deployment/payments-server")
        roll_out("payments-server")
    assert not rest.failures and rest.requests > 20, rest.failures[:5]


def test_a_migration_that_fails_stops_the_deployment_before_anything_is_rolled_out(door: Door, tmp_path: Path) -> None:
    generations = {name: get("deployment", name)["metadata"]["generation"] for name in DEPLOYMENTS}
    broken = OVERLAY.with_name("e2e-broken")
    broken.mkdir(exist_ok=True)
    # A role that is not there; and a setting that would roll the server, to see that it does not.
    change = [
        {"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": ["migrate", "--app-role", "nobody"]},
        {"op": "replace", "path": "/spec/backoffLimit", "value": 0},
    ]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../e2e"],
        "patches": [
            {"target": {"kind": "Job"}, "patch": json.dumps(change)},
            {
                "target": {"kind": "Deployment", "name": "payments-server"},
                "patch": '[{"op": "add", "path": "/spec/template/metadata/annotations", "value": {"release": "broken"}}]',
            },
        ],
    }
    (broken / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    try:
        done = subprocess.run([ROOT / "kustomize/deploy", broken], capture_output=True, text=True, timeout=300)
        assert done.returncode == 1 and "the migration failed" in done.stderr, done.stdout + done.stderr
        assert {name: get("deployment", name)["metadata"]["generation"] for name in DEPLOYMENTS} == generations
        assert door.rest().get("/status").status_code == 200
    finally:
        subprocess.run([ROOT / "kustomize/deploy", OVERLAY], check=True, stdout=subprocess.DEVNULL, timeout=600)


def _new_pods(serving: set[str]) -> list[dict[str, object]]:
    return [pod for pod in get("pods", "--selector", "app.kubernetes.io/name=payments-server") if pod["metadata"]["name"] not in serving]
