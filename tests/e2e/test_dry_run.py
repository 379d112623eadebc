"""The API server's own word on every manifest of these folders, those for AWS too: a server-side dry run."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.kubectl import get, kubectl, until
from tests.manifests.build import AFTER, COMPONENTS, DATABASES, KUSTOMIZE, OVERLAYS, PLATFORM, Manifest, build, build_combination, of_kind

CRDS = ("cert-manager/cert-manager", "prometheus-operator/prometheus-operator", "kubernetes-sigs/gateway-api")
# Brought by EKS's add-on, and in no file of a version that is pinned here.
WITHOUT_CRD = {"SecretProviderClass"}
PIPELINE = ("--as=pipeline", "--as-group=payments-deployers")
OTHERS = tuple(sorted((name for name in COMPONENTS if name not in DATABASES), key=AFTER.__contains__))


@pytest.fixture(scope="module")
def kinds(deployed: None) -> Iterator[None]:
    """The kinds of others, fetched as an administrator does, and the platform's namespaces; gone afterwards."""
    done = subprocess.run([KUSTOMIZE / "platform" / "crds", *CRDS], capture_output=True, text=True, timeout=300)
    if done.returncode and "curl:" in done.stderr:
        pytest.skip(f"CRDs cannot be fetched from here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    there = {namespace["metadata"]["name"] for namespace in get("namespaces")}
    namespaces = {each["metadata"]["name"]: each for path in PLATFORM for each in of_kind(build(path), "Namespace")}
    made = [each for name, each in namespaces.items() if name not in there]
    kubectl("apply", "--server-side", "--filename", "-", stdin=yaml.safe_dump_all(made))
    # A Job cannot be changed, which kustomize/deploy knows too.
    kubectl("delete", "job", "payments-migrate", "--ignore-not-found")
    try:
        yield
    finally:
        for namespace in made:
            kubectl("delete", "namespace", namespace["metadata"]["name"], "--wait=false")
        groups = ("cert-manager.io", "monitoring.coreos.com", "gateway.networking.k8s.io")
        crds = [crd["metadata"]["name"] for crd in get("crds") if crd["spec"]["group"].endswith(groups)]
        kubectl("delete", "crd", *crds)
        until(
            lambda: not {each["metadata"]["name"] for each in get("namespaces")} & {each["metadata"]["name"] for each in made},
            "namespaces go",
        )


def _dry_run(manifests: list[Manifest], *who: str) -> None:
    """A warning, such as Pod Security's, is an error too."""
    known = [each for each in manifests if each["kind"] not in WITHOUT_CRD]
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--warnings-as-errors", "--field-manager=dry-run", *who)
    kubectl("apply", *options, "--filename", "-", stdin=yaml.safe_dump_all(known), namespace="")


@pytest.mark.parametrize("folder", [*OVERLAYS, *PLATFORM], ids=lambda path: str(path.relative_to(KUSTOMIZE)))
def test_the_api_server_takes_every_folder(kinds: None, folder: Path) -> None:
    _dry_run(build(folder))


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda path: path.name)
def test_the_pipelines_role_is_enough_for_every_overlay(kinds: None, folder: Path) -> None:
    _dry_run(build(folder), *PIPELINE)


@pytest.mark.parametrize(("verb", "what"), [("get", "secrets"), ("create", "pods/exec"), ("create", "pods"), ("create", "rolebindings")])
def test_the_pipelines_role_is_not_enough_for_more(verb: str, what: str) -> None:
    assert kubectl("auth", "can-i", verb, what, *PIPELINE, check=False).strip() == "no"


@pytest.mark.parametrize("components", list(itertools.product(DATABASES, [OTHERS])), ids=lambda each: each[0])
def test_the_api_server_takes_every_component(kinds: None, components: tuple[str, tuple[str, ...]], tmp_path: Path) -> None:
    database, others = components
    _dry_run(build_combination((database, *others), tmp_path))
