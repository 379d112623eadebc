"""What an administrator applies beside the service: the same rules for its pods, and CRDs by checksum alone."""

import contextlib
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.manifests.build import KUSTOMIZE, PLATFORM, Manifest, build, containers, named, of_kind, pod, pod_labels, selects, workloads

# A benchmark that reads what root alone can read, for a minute, in a namespace of its own.
PRIVILEGED = {"kube-bench"}
CRDS = KUSTOMIZE / "platform" / "crds"
PROJECT, TAG, FILE = "some/project", "v1.0.0", "crds/things.yaml"


@pytest.fixture(params=[path for path in PLATFORM if path.name not in PRIVILEGED], ids=lambda path: path.name)
def platform(request: pytest.FixtureRequest) -> list[Manifest]:
    return build(request.param)


def test_pods_are_neither_root_nor_able_to_become_it(platform: list[Manifest]) -> None:
    for workload in workloads(platform):
        context = pod(workload)["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(workload):
            context = container["securityContext"]
            assert not context["allowPrivilegeEscalation"] and context["readOnlyRootFilesystem"]
            assert context["capabilities"]["drop"] == ["ALL"]
            # Port 443; Pod Security's level restricted allows it.
            assert context["capabilities"].get("add", []) in ([], ["NET_BIND_SERVICE"])


def test_pods_have_limits_probes_exact_images_and_an_account_of_their_own(platform: list[Manifest]) -> None:
    for workload in workloads(platform):
        assert pod(workload)["serviceAccountName"] == workload["metadata"]["name"]
        for container in containers(workload):
            assert container["resources"]["limits"] == {"memory": container["resources"]["requests"]["memory"]}
            assert re.fullmatch(r"[\w./-]+:v?\d+(\.\d+)+", container["image"]), container["image"]
        for container in pod(workload)["containers"]:
            assert container["startupProbe"] and container["livenessProbe"]


def test_every_pod_is_selected_by_a_policy_of_its_own_namespace(platform: list[Manifest]) -> None:
    for workload in workloads(platform):
        policies = [
            policy["spec"]
            for policy in of_kind(platform, "NetworkPolicy")
            if policy["metadata"]["namespace"] == workload["metadata"]["namespace"]
            and selects(policy["spec"]["podSelector"], pod_labels(workload))
        ]
        assert {"Ingress", "Egress"} == {each for policy in policies for each in policy["policyTypes"]}, workload["metadata"]["name"]


def test_what_has_several_pods_has_a_budget(platform: list[Manifest]) -> None:
    for workload in of_kind(platform, "Deployment", "Prometheus", "Alertmanager"):
        if workload["spec"].get("replicas", 1) > 1:
            assert named(platform, "PodDisruptionBudget", workload["metadata"]["name"])["spec"]["maxUnavailable"] == 1


def test_namespaces_are_restricted(platform: list[Manifest]) -> None:
    for namespace in of_kind(platform, "Namespace"):
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_file_has_a_secret(platform: list[Manifest]) -> None:
    assert not of_kind(platform, "Secret")


@pytest.fixture
def crds(tmp_path: Path) -> Path:
    """The command, with a lock file of its own."""
    shutil.copy(CRDS, tmp_path / "crds")
    return tmp_path / "crds"


@contextlib.contextmanager
def _published(folder: Path, content: str) -> Iterator[dict[str, str]]:
    """A server of the project's file; the environment that points the command at it, and at no cluster."""
    file = folder / "published" / PROJECT / TAG / FILE
    file.parent.mkdir(parents=True)
    file.write_text(content)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder / "published"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            yield {**os.environ, "CRDS_FROM": address, "KUBECONFIG": str(folder / "none"), "no_proxy": "127.0.0.1"}
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("checksum", "message"),
    [(hashlib.sha256(b"another").hexdigest(), "is not the file that crds.lock means"), ("-", "has no checksum yet")],
)
def test_a_crd_that_is_not_the_one_of_its_checksum_is_not_applied(crds: Path, tmp_path: Path, checksum: str, message: str) -> None:
    (tmp_path / "crds.lock").write_text(f"{checksum} {PROJECT} {TAG} {FILE}\n")
    with _published(tmp_path, "kind: CustomResourceDefinition\n") as environment:
        done = subprocess.run([crds, PROJECT], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and message in done.stderr and "kubectl" not in done.stderr, done.stderr


def test_checksums_of_a_new_version_are_written_for_somebody_to_commit(crds: Path, tmp_path: Path) -> None:
    lock = tmp_path / "crds.lock"
    lock.write_text(f"# kept\n- {PROJECT} {TAG} {FILE}\n")
    with _published(tmp_path, "new") as environment:
        subprocess.run([crds, "--lock", PROJECT], env=environment, check=True, timeout=60)
    assert lock.read_text() == f"# kept\n{hashlib.sha256(b'new').hexdigest()} {PROJECT} {TAG} {FILE}\n"


def test_a_project_that_is_not_in_the_lock_is_an_error(crds: Path, tmp_path: Path) -> None:
    (tmp_path / "crds.lock").write_text("")
    done = subprocess.run([crds, PROJECT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "is not in crds.lock" in done.stderr
