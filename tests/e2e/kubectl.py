"""kubectl on the current context, and waiting for what a cluster does in its own time."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

NAMESPACE = "payments"
Resource = dict[str, Any]


def kubectl(*arguments: str, namespace: str = NAMESPACE, check: bool = True, stdin: str | None = None, timeout: float = 300) -> str:
    """What it prints; with `check` its failure is an error that has what it said. An empty `namespace` leaves each manifest its own."""
    where = ["--namespace", namespace] if namespace else []
    done = subprocess.run(["kubectl", *where, *arguments], capture_output=True, text=True, input=stdin, timeout=timeout)
    if check and done.returncode:
        raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout if check else done.stdout + done.stderr


def get(*arguments: str, namespace: str = NAMESPACE) -> Any:
    """Parsed JSON; of a list its items."""
    found = json.loads(kubectl("get", *arguments, "--output", "json", namespace=namespace))
    return found["items"] if found["kind"] == "List" else found


def patch(resource: str, change: Any, namespace: str = NAMESPACE) -> None:
    """By a strategic merge."""
    kubectl("patch", resource, "--patch", json.dumps(change), namespace=namespace)


def run_python(pod: str, program: str, *arguments: str, namespace: str = NAMESPACE) -> str:
    """What the program prints that runs within a pod of an image with Python."""
    return kubectl("exec", pod, "--", "python", "-c", program, *arguments, namespace=namespace)


def ready_pods(name: str) -> list[Resource]:
    """Of a Deployment, without those that are going."""
    return [
        pod
        for pod in get("pods", "--selector", f"app.kubernetes.io/name={name}")
        if "deletionTimestamp" not in pod["metadata"]
        and any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
    ]


def names(pods: list[Resource]) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods}


def until(condition: Callable[[], Any], what: str, timeout: float = 180, pause: float = 1.0) -> Any:
    """The condition's first true value. AssertionError where there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        time.sleep(pause)


def roll_out(name: str) -> None:
    """Waits until the newest version of a Deployment is all that there is."""
    kubectl("rollout", "status", f"deployment/{name}", "--timeout=240s")
