"""A Prometheus within the cluster, in the platform's own namespace, under its policies and with its rights."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from monitoring.generate import RULES
from tests.e2e.deploy import PUSHED, ROOT
from tests.e2e.kubectl import kubectl
from tests.manifests.build import KUSTOMIZE, Manifest, build, named, of_kind

PLATFORM = KUSTOMIZE / "platform" / "monitoring"
UPSTREAM = "quay.io/prometheus/prometheus:v3.5.0"
INTERVAL = "5s"


class ScrapingPrometheus:
    """The pod `prometheus` of the namespace `monitoring`."""

    def query(self, expression: str) -> list[dict[str, Any]]:
        """As of now: series, each with `metric`, its labels, and `value`."""
        url = "http://127.0.0.1:9090"
        said = kubectl("exec", "prometheus", "--", "promtool", "query", "instant", "--format=json", url, expression, namespace="monitoring")
        found: list[dict[str, Any]] = json.loads(said)
        return found


@contextlib.contextmanager
def scraping_prometheus(folder: Path) -> Iterator[ScrapingPrometheus]:
    """Looks for pods as the component's PodMonitor says, evaluates the service's rules, and is gone afterwards."""
    platform = build(PLATFORM)
    wanted = [
        *of_kind(platform, "Namespace", "NetworkPolicy"),
        *(
            each
            for each in of_kind(platform, "ServiceAccount", "ClusterRole", "ClusterRoleBinding")
            if each["metadata"]["name"] == "prometheus"
        ),
        _configuration(folder),
        _pod(_image()),
    ]
    kubectl("apply", "--server-side", "--filename", "-", stdin=yaml.safe_dump_all(wanted), namespace="monitoring")
    try:
        kubectl("wait", "pod/prometheus", "--for=condition=Ready", "--timeout=180s", namespace="monitoring")
        yield ScrapingPrometheus()
    finally:
        kubectl("delete", "namespace", "monitoring", "--wait=false")
        for kind in ("clusterrole", "clusterrolebinding"):
            kubectl("delete", kind, "prometheus", "--ignore-not-found")


def _image() -> str:
    """Upstream's; Debian's, built and pushed, where images come from a registry of one's own, which may be all that the nodes reach."""
    if not PUSHED.exists() or not shutil.which("docker"):
        return UPSTREAM
    registry = PUSHED.read_text().split("=")[1].rpartition("/")[0]
    reference = f"{registry}/prometheus:e2e"
    dockerfile = ROOT / "tests/e2e/Dockerfile.prometheus"
    subprocess.run(["docker", "build", "--quiet", "--tag", reference, "-"], stdin=dockerfile.open(), check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["docker", "push", "--quiet", reference], check=True, stdout=subprocess.DEVNULL)
    return reference


def _configuration(folder: Path) -> Manifest:
    """What the operator would make of the PodMonitor, written by hand, and the rules as they stand."""
    monitor = named(_component(folder), "PodMonitor", "payments")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    (selector,) = monitor["selector"]["matchExpressions"]
    label = "__meta_kubernetes_pod_label_" + selector["key"].translate(str.maketrans("./-", "___"))
    job = "__meta_kubernetes_pod_label_" + monitor["jobLabel"].translate(str.maketrans("./-", "___"))
    scrape = {
        "job_name": "payments",
        "metrics_path": endpoint["path"],
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": ["payments"]}}],
        "relabel_configs": [
            {"source_labels": [label], "regex": "|".join(selector["values"]), "action": "keep"},
            {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": endpoint["port"], "action": "keep"},
            {"source_labels": [job], "target_label": "job"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        ],
    }
    configuration = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["/etc/prometheus/service.yaml", "/etc/prometheus/slo.yaml"],
        "scrape_configs": [scrape],
    }
    data = {"prometheus.yml": yaml.safe_dump(configuration), **{path.name: path.read_text() for path in RULES.glob("*.yaml")}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prometheus", "namespace": "monitoring"}, "data": data}


def _component(folder: Path) -> list[Manifest]:
    (folder / "component").symlink_to(KUSTOMIZE / "components" / "monitoring")
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "components": ["component"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return build(folder)


def _pod(image: str) -> Manifest:
    container = {
        "name": "prometheus",
        "image": image,
        "args": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"],
        "ports": [{"name": "web", "containerPort": 9090}],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": "web"}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "configuration", "mountPath": "/etc/prometheus"}, {"name": "data", "mountPath": "/data"}],
    }
    spec = {
        "serviceAccountName": "prometheus",
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "runAsGroup": 65534,
            "fsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": "prometheus"}}, {"name": "data", "emptyDir": {}}],
    }
    metadata = {"name": "prometheus", "namespace": "monitoring", "labels": {"app.kubernetes.io/name": "prometheus"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
