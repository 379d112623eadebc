"""A service that works, with proxies before both of its APIs that have a fault."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.stack import Stack
from tests.broken.faults import Faults
from tests.broken.grpc_proxy import GrpcProxy
from tests.broken.rest_proxy import RestProxy

SHAPES = """
allow = ["127.0.0.1"]
targets.broken = {{ rest = "{rest}", grpc = "{grpc}", grpc_tls = {tls}, ca = "{ca}" }}
[scenarios]
life = ["create", "get", "update", "delete", "gone"]
create = ["create"]
[shapes.long]
scenario = "life"
concurrency = 64
timeout = 3
phases = [{{ rate = 55, seconds = 20 }}]
thresholds = {{ p50 = 500, p99 = 1500, "p99.5" = 1500, errors = 0.001, reached = 0.98 }}
[shapes.waiting]
scenario = "create"
concurrency = 8
timeout = 10
phases = [{{ rate = 8, seconds = 5 }}]
thresholds = {{ p50 = 10000, errors = 1, reached = 0.2 }}
[shapes.short]
scenario = "life"
concurrency = 64
timeout = 3
phases = [{{ rate = 30, seconds = 5 }}]
thresholds = {{ p50 = 500, p99 = 1500, "p99.5" = 1500, errors = 0.001, reached = 0.98 }}
"""


@dataclass(frozen=True)
class Broken:
    """Where both APIs of the service with the fault are. `ca`: PEM file of the authority of their certificates, where they have TLS."""

    rest: str
    grpc: str
    folder: Path
    ca: str = ""

    @property
    def _reached(self) -> list[str]:
        return [self.rest, "--grpc", self.grpc, *(["--grpc-tls", "--ca", self.ca] if self.ca else [])]

    def smoke(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return _run("-m", "tests.smoke", *self._reached, *(["--days", "0"] if self.ca else []), *arguments)

    def load(self, shape: str) -> "subprocess.CompletedProcess[str]":
        path = self.folder / "shapes.toml"
        path.write_text(SHAPES.format(rest=self.rest, grpc=self.grpc, tls="true" if self.ca else "false", ca=self.ca))
        return _run("-m", "loadtest.cli", shape, "--file", str(path), "--target", "broken", "--out", str(self.folder / "report"))

    def ledger(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return _run("-m", "tests.resilience.running", *self._reached, *arguments)


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=170, check=False)


Breaking = Callable[..., Broken]


@pytest.fixture
def breaking(running: Stack, tmp_path: Path) -> Iterator[Breaking]:
    with contextlib.ExitStack() as ending:

        def start(faults: Faults, certificate: tuple[Path, Path] | None = None, ca: str = "") -> Broken:
            rest, grpc = RestProxy(running.rest_url, faults, certificate), GrpcProxy(running.grpc_target, faults, certificate)
            ending.callback(rest.close)
            ending.callback(grpc.close)
            ending.callback(faults.ended.set)
            return Broken(rest.url, grpc.target, tmp_path, ca)

        yield start
