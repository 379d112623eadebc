"""What is built is what Kubernetes takes: strict schemas, where a misspelt field is an error."""

import copy

import kubernetes_validate
import pytest
from kubernetes_validate import ValidationError

from tests.manifests.build import OVERLAYS, Manifest, build, named

# The oldest version that is promised: the sleep of preStop needs it, and the pinned clusters are newer.
KUBERNETES = "1.34"
# Kinds of others, whose schemas are in the cluster: `make platform` and a server-side dry run judge them.
CUSTOM = {
    "cert-manager.io",
    "gateway.networking.k8s.io",
    "monitoring.coreos.com",
    "secrets-store.csi.x-k8s.io",
    "vpcresources.k8s.aws",
}


def _check(manifest: Manifest) -> None:
    group = manifest["apiVersion"].rpartition("/")[0]
    if group in CUSTOM:
        assert manifest["metadata"]["name"] and "spec" in manifest
        return
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_every_overlay_is_valid(overlay: tuple[str, list[Manifest]]) -> None:
    for manifest in overlay[1]:
        _check(manifest)


def test_every_combination_of_components_is_valid(combination: list[Manifest]) -> None:
    for manifest in combination:
        _check(manifest)


def test_the_platform_is_valid(platform: list[Manifest]) -> None:
    for manifest in platform:
        _check(manifest)


def test_a_misspelt_field_is_found() -> None:
    deployment = copy.deepcopy(named(build(OVERLAYS[0]), "Deployment", "payments-server"))
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    with pytest.raises(ValidationError):
        _check(deployment)


def test_names_are_unique(combination: list[Manifest]) -> None:
    names = [(manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"]) for manifest in combination]
    assert len(names) == len(set(names))
