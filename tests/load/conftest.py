"""A file of shapes that are over in a moment, and payments-load as a person calls it."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stack import Stack

PROGRAM = Path(sys.executable).with_name("payments-load")
SHAPES = """
allow = ["127.0.0.1"]
targets.local = {{ rest = "{rest}", grpc = "{grpc}", metrics = [{metrics}] }}
[scenarios]
life = ["create", "get", "update", "delete", "gone"]
pair = ["create", "get"]
[shapes.short]
scenario = "pair"
concurrency = 16
processes = 2
phases = [{{ rate = 20, step = 20, seconds = 2 }}]
thresholds = {{ p50 = 2000, p99 = 5000, errors = 0.01, reached = 0.95 }}
[shapes.impossible]
scenario = "pair"
concurrency = 16
phases = [{{ rate = 20, seconds = 1 }}]
thresholds = {{ p50 = 0.01, errors = 0, reached = 1 }}
[shapes.endless]
scenario = "life"
concurrency = 16
phases = [{{ rate = 20, seconds = 7200 }}]
thresholds = {{ p50 = 5000, errors = 0.01, reached = 0.9 }}
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def shapes(running: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    ports = running.ports
    metrics = ", ".join(f'"http://127.0.0.1:{port}/metrics"' for port in (ports.server_metrics, ports.gateway_metrics))
    path = tmp_path_factory.mktemp("shapes") / "shapes.toml"
    path.write_text(SHAPES.format(rest=running.rest_url, grpc=running.grpc_target, metrics=metrics))
    return path


@pytest.fixture
def start(shapes: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts payments-load with the file; none outlives the test."""
    started = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        command = [str(PROGRAM), *arguments, "--file", str(shapes)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def ghz() -> None:
    if not (shutil.which("ghz") or PROGRAM.with_name("ghz").exists()):
        pytest.skip("ghz is not installed: make tools")
