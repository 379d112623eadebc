"""What a Prometheus of the cluster sees of the service, through the policies of both namespaces."""

from pathlib import Path

from tests.e2e.callers import grpc_load
from tests.e2e.kubectl import names, ready_pods, until
from tests.e2e.prometheus import scraping_prometheus
from tests.e2e.rest_load import rest_load
from tests.e2e.service import DEPLOYMENTS, Door


def test_every_pod_is_scraped_and_the_objectives_have_numbers(door: Door, callers: None, tmp_path: Path) -> None:
    with scraping_prometheus(tmp_path) as prometheus, rest_load(door, 2), grpc_load(2):
        expected = {(name, pod) for name in DEPLOYMENTS for pod in names(ready_pods(name))}
        until(
            lambda: {(each["metric"]["job"], each["metric"]["pod"]) for each in prometheus.query("up == 1")} == expected, "all pods are up"
        )
        for objective in ("rest-availability", "rest-latency", "grpc-availability", "grpc-latency"):
            ratio = f'slo:error_ratio:rate5m{{slo="{objective}",namespace="payments"}} >= 0'
            until(lambda ratio=ratio: prometheus.query(ratio), ratio)  # type: ignore[misc]
        assert prometheus.query('slo:requests:rate5m{slo="grpc-availability"} > 1')
        assert not prometheus.query('ALERTS{alertstate="firing"}')
