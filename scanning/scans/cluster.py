"""A running cluster, the one of the current context: its objects by trivy, a node by the CIS benchmark of EKS in kube-bench."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from scanning.finding import Finding, Result, Severity
from scanning.program import ROOT, ScannerFailed, run

KUBE_BENCH = ROOT / "kustomize" / "platform" / "kube-bench"
# What a benchmark's check came to. WARN are those that people have to look at.
RATED = {"FAIL": Severity.HIGH, "WARN": Severity.MEDIUM}


def objects() -> Result:
    """Mistakes in what runs, and rights that are wide. Images are scanned where they are built."""
    done = run(
        *("trivy", "k8s", "--report", "all", "--format", "json", "--quiet", "--scanners", "misconfig,rbac", "--skip-check-update"),
        *("--disable-node-collector", "--timeout", "10m"),
    )
    findings, seen = [], 0
    for resource in json.loads(done.stdout).get("Resources", []):
        seen += 1
        where = "/".join(filter(None, (resource.get("Namespace", ""), resource["Kind"], resource["Name"])))
        findings += [
            Finding(each["ID"], where, Severity[each["Severity"]], each["Title"], each["Message"])
            for result in resource.get("Results", [])
            for each in result.get("Misconfigurations", [])
            if each["Status"] == "FAIL"
        ]
    return Result("objects of the cluster", "trivy k8s", findings, f"{seen} objects")


def benchmark() -> Result:
    """On one node of EKS. What the benchmark asks of a node is said of EKS's alone."""
    if not kubectl("get", "nodes", "--selector", "eks.amazonaws.com/nodegroup", "--output", "name"):
        return Result("CIS benchmark of EKS", "kube-bench", looked_at="nothing: the nodes are not EKS's")
    with job():
        kubectl("wait", "--for=condition=complete", "job/kube-bench", "--timeout=310s")
        return benchmark_result(kubectl("logs", "job/kube-bench"))


def benchmark_result(output: str) -> Result:
    """From what kube-bench prints with --json."""
    findings, checks = [], 0
    for control in json.loads(output)["Controls"]:
        for group in control["tests"]:
            for check in group["results"]:
                checks += 1
                if rated := RATED.get(check["status"]):
                    name = f"CIS-{control['version']}-{check['test_number']}"
                    findings.append(Finding(name, f"node/{control['node_type']}", rated, check["test_desc"], check["actual_value"]))
    return Result("CIS benchmark of EKS", "kube-bench", findings, f"{checks} checks")


@contextmanager
def job() -> Iterator[None]:
    try:
        kubectl("apply", "--server-side", "--kustomize", str(KUBE_BENCH))
        yield
    finally:
        kubectl("delete", "namespace", "kube-bench", "--ignore-not-found")


def kubectl(*arguments: str) -> str:
    done = subprocess.run(["kubectl", "--namespace", "kube-bench", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise ScannerFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


SCANS = (objects, benchmark)
