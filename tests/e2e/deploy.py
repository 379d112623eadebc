"""Deploys the local overlay, with the images that `make push` has pushed, and what it stands on."""

import subprocess
from pathlib import Path

import yaml

from tests.e2e.kubectl import get, ready_pods, until
from tests.e2e.service import DEPLOYMENTS

ROOT = Path(__file__).parents[2]
PUSHED = ROOT / "build" / "images" / "pushed"
OVERLAY = ROOT / "build" / "e2e"
# Whose clusters are made to be thrown away.
DISPOSABLE = ("", "kind", "k3s", "minikube", "lab")


def refuse_clusters_of_clouds() -> None:
    """The tests drain nodes and break releases: not where somebody may rely on them. Raises AssertionError."""
    providers = {str(node["spec"].get("providerID", "")).split(":")[0] for node in get("nodes")}
    assert providers <= set(DISPOSABLE), f"the nodes of this context are {providers}: the tests are for clusters that can be thrown away"


def images(tag: str) -> list[dict[str, str]]:
    """kustomize's `images`: by digest where they were pushed, else by a tag that the nodes have."""
    if not PUSHED.exists():
        return [{"name": name, "newTag": tag} for name in DEPLOYMENTS]
    pushed = []
    for line in PUSHED.read_text().splitlines():
        name, _, reference = line.partition("=")
        new_name, _, digest = reference.partition("@")
        pushed.append({"name": name, "newName": new_name, "digest": digest})
    return pushed


def write_overlay(tag: str) -> Path:
    """The local overlay with these images."""
    OVERLAY.mkdir(parents=True, exist_ok=True)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../../kustomize/overlays/local"],
        "images": images(tag),
    }
    (OVERLAY / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return OVERLAY


def deploy(tag: str) -> None:
    """Platform, service, and everything ready."""
    refuse_clusters_of_clouds()
    subprocess.run([ROOT / "kustomize/platform/apply", "local"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([ROOT / "kustomize/overlays/local/secrets"], check=True)
    subprocess.run([ROOT / "kustomize/deploy", write_overlay(tag)], check=True, stdout=subprocess.DEVNULL)
    for name in DEPLOYMENTS:
        until(lambda name=name: len(ready_pods(name)) >= 2, f"two pods of {name}")  # type: ignore[misc]
