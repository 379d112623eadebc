"""What can be done to a cluster by kubectl, each undone at its end. The name of a function is the kind of a fault in an experiment's file."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.e2e.kubectl import NAMESPACE, get, kubectl, until
from tests.e2e.service import HOST

_BUSY = "import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"


@contextlib.contextmanager
def kill(namespace: str = NAMESPACE, selector: str = "", every: bool = False) -> Iterator[None]:
    """One pod, or every one, of a selector, without a word to it; there are as many again in the end."""
    pods = _pods(namespace, selector)
    for name in sorted(pods) if every else sorted(pods)[:1]:
        kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false", namespace=namespace)
    yield
    until(lambda: len(_ready(namespace, selector)) >= len(pods), f"{len(pods)} pods of {selector} are ready")


@contextlib.contextmanager
def drain(selector: str) -> Iterator[None]:
    """The node of the first pod of a selector, of the pods of the service."""
    node = next(iter(_pods(NAMESPACE, selector).values()))["spec"]["nodeName"]
    try:
        kubectl("drain", node, "--ignore-daemonsets", "--pod-selector", "app.kubernetes.io/name in (payments-server, payments-gateway)")
        yield
    finally:
        kubectl("uncordon", node)


@contextlib.contextmanager
def rollout(deployments: list[str]) -> Iterator[None]:
    """Every pod of some Deployments is replaced."""
    for name in deployments:
        kubectl("rollout", "restart", f"deployment/{name}")
    yield
    for name in deployments:
        kubectl("rollout", "status", f"deployment/{name}", "--timeout=300s")


@contextlib.contextmanager
def cut(policy: str) -> Iterator[None]:
    """A NetworkPolicy that allows something is away, so that what it allowed is dropped."""
    allowed = get("networkpolicy", policy)
    kubectl("delete", "networkpolicy", policy)
    try:
        yield
    finally:
        for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
            allowed["metadata"].pop(field, None)
        kubectl("apply", "--filename", "-", stdin=json.dumps(allowed))


@contextlib.contextmanager
def scale(namespace: str, deployment: str, replicas: int) -> Iterator[None]:
    """A Deployment has another number of pods."""
    before = get("deployment", deployment, namespace=namespace)["spec"]["replicas"]
    kubectl("scale", f"deployment/{deployment}", f"--replicas={replicas}", namespace=namespace)
    try:
        yield
    finally:
        kubectl("scale", f"deployment/{deployment}", f"--replicas={before}", namespace=namespace)
        kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=240s", namespace=namespace)


@contextlib.contextmanager
def stress(selector: str, seconds: int, processes: int = 2) -> Iterator[None]:
    """Each pod of a selector computes beside its work, in so many processes, for so many seconds."""
    with contextlib.ExitStack() as running:
        for name in _pods(NAMESPACE, selector):
            for _ in range(processes):
                command = ["kubectl", "--namespace", NAMESPACE, "exec", name, "--", "python", "-c", _BUSY.format(seconds=seconds)]
                process = running.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                running.callback(process.terminate)
        yield


@contextlib.contextmanager
def rotate_certificate(secret: str, ca: str) -> Iterator[None]:
    """The host's certificate is another one, which is put into the file of those that clients trust before."""
    with tempfile.TemporaryDirectory() as name:
        key, certificate = Path(name, "tls.key"), Path(name, "tls.crt")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365",
             "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-addext", "extendedKeyUsage=serverAuth",
             "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
        )  # fmt: skip
        with Path(ca).open("a") as trusted:
            trusted.write(certificate.read_text())
        made = kubectl("create", "secret", "tls", secret, f"--cert={certificate}", f"--key={key}", "--dry-run=client", "--output=json")
        kubectl("apply", "--filename", "-", stdin=made)
    yield


KINDS: Mapping[str, Callable[..., AbstractContextManager[None]]] = {
    fault.__name__: fault for fault in (kill, drain, rollout, cut, scale, stress, rotate_certificate)
}


def made(described: Mapping[str, Any], **known: Any) -> AbstractContextManager[None]:
    """Of a file's description. `known`: what only the run knows, such as the file of trusted certificates. Raises KeyError and TypeError."""
    kind = KINDS[described["kind"]]
    arguments = {name: value for name, value in described.items() if name != "kind"}
    return kind(**arguments, **(known if kind is rotate_certificate else {}))


def _pods(namespace: str, selector: str) -> dict[str, Any]:
    return {pod["metadata"]["name"]: pod for pod in get("pods", "--selector", selector, namespace=namespace)}


def _ready(namespace: str, selector: str) -> list[str]:
    return [
        name
        for name, pod in _pods(namespace, selector).items()
        if "deletionTimestamp" not in pod["metadata"]
        and any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
    ]
