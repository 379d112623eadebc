"""Pods inside the cluster: an internal caller, in a namespace with the label, and a stranger, in one without."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.kubectl import get, kubectl

CALLER, STRANGER = "payments-e2e-caller", "payments-e2e-stranger"
CLIENT = "payments.nuveo.ai/client"
LOAD = Path(__file__).with_name("grpc_load.py").read_text()
TARGET = "dns:///payments-server-headless.payments:50051"

REACHES = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=4).close()
    print("reached")
except OSError as error:
    print(type(error).__name__)
"""


def make_callers() -> None:
    """Both, with the server's own image, which has Python, gRPC and the client package."""
    image = get("deployment", "payments-server")["spec"]["template"]["spec"]["containers"][0]["image"]
    for namespace in (CALLER, STRANGER):
        labels = {CLIENT: "true"} if namespace == CALLER else {}
        _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
        kubectl("delete", "pod", "caller", "--ignore-not-found", "--now", namespace=namespace)
        _apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "caller", "namespace": namespace}, "spec": pod_spec(image)})
        kubectl("wait", "pod/caller", "--for=condition=Ready", "--timeout=120s", namespace=namespace)


def remove_callers() -> None:
    for namespace in (CALLER, STRANGER):
        kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")


def pod_spec(image: str) -> dict[str, Any]:
    """One that sleeps, and that Pod Security lets in anywhere."""
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "caller",
                "image": image,
                "command": ["python", "-c", "import time; time.sleep(86400)"],
                "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }


@contextlib.contextmanager
def grpc_load(threads: int = 4) -> Iterator[dict[str, Any]]:
    """Calls from inside the cluster for as long as the context lasts; afterwards the value has `calls` and `failures`."""
    command = ["kubectl", "--namespace", CALLER, "exec", "--stdin", "caller", "--", "python", "-c", LOAD, TARGET, str(threads)]
    result: dict[str, Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout and process.stdout.readline() == "begun\n"
            yield result
        finally:
            output, _ = process.communicate("", timeout=60)
    result |= json.loads(output)


def _apply(manifest: dict[str, Any]) -> None:
    kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--filename",
        "-",
        stdin=json.dumps(manifest),
        namespace=manifest["metadata"].get("namespace", "default"),
    )
