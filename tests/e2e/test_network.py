"""Who reaches whom, tried by real connections from real pods."""

import time

import pytest

from tests.e2e.callers import CALLER, REACHES, STRANGER, TARGET, grpc_load
from tests.e2e.kubectl import get, ready_pods, run_python


def _address(name: str) -> str:
    (pod, *_) = ready_pods(name)
    address: str = pod["status"]["podIP"]
    return address


@pytest.mark.parametrize(
    ("target", "port"), [("payments-server", 50051), ("payments-gateway", 8080), ("postgres", 5432), ("payments-server", 9464)]
)
def test_a_foreign_pod_reaches_nothing(callers: None, target: str, port: int) -> None:
    assert run_python("caller", REACHES, _address(target), str(port), namespace=STRANGER).strip() != "reached"


def test_a_labelled_namespace_reaches_the_servers_grpc(callers: None) -> None:
    assert run_python("caller", REACHES, _address("payments-server"), "50051", namespace=CALLER).strip() == "reached"
    with grpc_load(1) as load:
        time.sleep(2)
    assert load["calls"] > 0 and not load["failures"], TARGET


@pytest.mark.parametrize(("target", "port"), [("payments-gateway", 8080), ("postgres", 5432), ("payments-server", 9464)])
def test_a_labelled_namespace_reaches_nothing_else(callers: None, target: str, port: int) -> None:
    assert run_python("caller", REACHES, _address(target), str(port), namespace=CALLER).strip() != "reached"


def test_the_gateway_reaches_no_database_and_nobody_the_outside() -> None:
    (gateway, *_), (server, *_) = ready_pods("payments-gateway"), ready_pods("payments-server")
    postgres = _address("postgres")
    assert run_python(gateway["metadata"]["name"], REACHES, postgres, "5432").strip() != "reached"
    api = get("service", "kubernetes", namespace="default")["spec"]["clusterIP"]
    for pod in (gateway, server):
        assert run_python(pod["metadata"]["name"], REACHES, api, "443").strip() != "reached"
    # What fails above fails for the policy, and not for the program.
    assert run_python(server["metadata"]["name"], REACHES, postgres, "5432").strip() == "reached"
