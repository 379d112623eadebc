"""The CIS benchmark of a node (docs/security-scan.md): what it needs of a node is admitted in its own namespace."""

from scanning.scans.cluster import job
from tests.e2e.kubectl import get, until


def test_the_benchmarks_pod_is_admitted_and_goes_with_its_namespace() -> None:
    with job():
        (pod,) = until(lambda: get("pods", namespace="kube-bench"), "a pod of the benchmark", timeout=60)
        assert pod["spec"]["hostPID"] is True
    assert not [each for each in get("namespaces") if each["metadata"]["name"] == "kube-bench"]
