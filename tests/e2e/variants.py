"""The deployed overlay with a component more, and back again."""

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml

from tests.e2e.deploy import OVERLAY, ROOT


@contextlib.contextmanager
def with_component(name: str, patches: list[dict[str, Any]] | None = None) -> Iterator[None]:
    """Rolled out as a release is; afterwards the overlay as it was. What the component alone has stays behind."""
    folder = OVERLAY.with_name(f"e2e-{name}")
    folder.mkdir(exist_ok=True)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "payments",
        "resources": ["../e2e"],
        "components": [f"../../kustomize/components/{name}"],
        "patches": patches or [],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    deploy = ROOT / "kustomize/deploy"
    try:
        subprocess.run([deploy, folder], check=True, stdout=subprocess.DEVNULL, timeout=600)
        yield
    finally:
        subprocess.run([deploy, OVERLAY], check=True, stdout=subprocess.DEVNULL, timeout=600)
