"""What kustomize makes of the folders, as Python's values."""

import functools
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

KUSTOMIZE = Path(__file__).parents[2] / "kustomize"
OVERLAYS = sorted(file.parent for file in KUSTOMIZE.glob("overlays/*/kustomization.yaml"))
PLATFORM = sorted(file.parent for file in KUSTOMIZE.glob("platform/**/kustomization.yaml"))
COMPONENTS = sorted(file.parent.name for file in KUSTOMIZE.glob("components/*/kustomization.yaml"))
DATABASES = ("postgres", "rds")  # one of them; any other component may be there or not
AFTER = {"secrets-manager": "api-keys"}  # replaces what the other one made

Manifest = dict[str, Any]


def _combinations() -> Iterator[tuple[str, ...]]:
    others = [name for name in COMPONENTS if name not in DATABASES]
    for database in DATABASES:
        for chosen in itertools.product(*((name, None) for name in others)):
            names = [name for name in chosen if name]
            if all(before in names for name, before in AFTER.items() if name in names):
                yield (database, *sorted(names, key=AFTER.__contains__))


COMBINATIONS = list(_combinations())


def program() -> list[str]:
    """kustomize, or kubectl, which has one within."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    raise FileNotFoundError("neither kustomize nor kubectl is installed: https://kubectl.docs.kubernetes.io/installation/kustomize/")


@functools.cache
def build(folder: Path) -> list[Manifest]:
    """The folder's manifests. What kustomize warns of is an error: it speaks of what will go."""
    done = subprocess.run([*program(), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def build_combination(components: tuple[str, ...], folder: Path) -> list[Manifest]:
    """The base with the components, by a kustomization that is written into the folder."""
    here = Path(os.path.relpath(KUSTOMIZE, folder.resolve()))
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "payments",
        "resources": [str(here / "base")],
        "components": [str(here / "components" / name) for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return build(folder)


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    found = [manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} of {kind}/{name}"
    return found[0]


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    return of_kind(manifests, "Deployment", "StatefulSet", "DaemonSet", "Job")


def pod(workload: Manifest) -> Manifest:
    """The pod template's spec."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def containers(workload: Manifest) -> list[Manifest]:
    return [*pod(workload).get("initContainers", []), *pod(workload)["containers"]]


def pod_labels(workload: Manifest) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector of Kubernetes selects these labels; of its expressions those that are used here."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True
