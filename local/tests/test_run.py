"""`python -m local`, as a person starts and stops it."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.stack import HOST, Ports, temporary_folder
from server import embedded

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PAYMENT = b'{"data": {"order": 17}, "payment": 1234.50}'


class Run:
    """One run, its ports and all that it has printed so far."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.ports = Ports.free()
        self.output = folder / "output"
        ours = {
            "PAYMENTS_DATA_DIR": str(folder),
            "PAYMENTS_REST_PORT": str(self.ports.rest),
            "PAYMENTS_GRPC_PORT": str(self.ports.grpc),
            "PAYMENTS_SERVER_METRICS_PORT": str(self.ports.server_metrics),
            "PAYMENTS_GATEWAY_METRICS_PORT": str(self.ports.gateway_metrics),
        }
        with self.output.open("wb") as output:
            environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | ours | variables
            self.process = subprocess.Popen([sys.executable, "-m", "local"], env=environment, stdout=output, stderr=output)

    def ready(self) -> "Run":
        until(lambda: "Ctrl-C stops everything" in self.text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.text()
        return self

    def text(self) -> str:
        return self.output.read_text()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int | None = None) -> int:
        """The exit code, after a signal where one is given."""
        if number:
            self.process.send_signal(number)
        return self.process.wait(60)

    def request(self, path: str, body: bytes | None = None) -> str:
        request = urllib.request.Request(
            f"http://{HOST}:{self.ports.rest}{path}", body, {"Content-Type": "application/json"} if body else {}
        )
        with DIRECT.open(request, timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_stopped(run: Run, folder: Path, children: list[psutil.Process]) -> None:
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not (folder / "postgres" / "postmaster.pid").exists()
    for port in vars(run.ports).values():
        socket.create_server((HOST, port)).close()


def test_the_data_stay(folder: Path) -> None:
    run = Run(folder).ready()
    stored = run.request("/create", PAYMENT)
    assert run.end(signal.SIGINT) == 0
    again = Run(folder).ready()
    assert again.request("/list") == f"[{stored}]"
    assert again.end(signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "closed terminal"])
def test_a_signal_stops_everything(folder: Path, number: int) -> None:
    run = Run(folder).ready()
    children = run.children()
    assert run.end(number) == 0
    assert_stopped(run, folder, children)
    assert "Traceback" not in run.text()


def test_it_says_where_everything_is_and_the_curl_line_works(folder: Path) -> None:
    run = Run(folder).ready()
    ports = run.ports
    for address in (f"http://{HOST}:{ports.rest}/docs", f"gRPC      {HOST}:{ports.grpc}"):
        assert address in run.text()
    for port in (ports.server_metrics, ports.gateway_metrics):
        assert f"http://{HOST}:{port}/metrics" in run.text()
    line = re.search(r"^ +(curl .*)$", run.text(), re.MULTILINE)
    assert line
    if shutil.which("curl"):  # the line is for those who have it
        answer = subprocess.run(["sh", "-c", line[1]], capture_output=True, text=True, check=True, env=os.environ | {"no_proxy": HOST})
        assert '"payment":1234.50' in answer.stdout
    assert run.end(signal.SIGINT) == 0


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.2])
def test_a_signal_in_the_middle_of_the_start_leaves_nothing_behind(folder: Path, seconds: float) -> None:
    run = Run(folder)
    time.sleep(seconds)
    children = run.children()
    assert run.end(signal.SIGTERM) in (0, -signal.SIGTERM)  # the latter before Python has set its handlers
    assert_stopped(run, folder, children)
    assert "Traceback" not in run.text()


def test_a_port_in_use_is_one_line_with_the_variable_that_moves_it(folder: Path) -> None:
    with contextlib.closing(socket.create_server((HOST, 0))) as taken:
        port = taken.getsockname()[1]
        run = Run(folder, PAYMENTS_GATEWAY_METRICS_PORT=str(port))
        assert run.end() == 1
    assert run.text() == f"make run: port {port} is in use; set PAYMENTS_GATEWAY_METRICS_PORT to another one\n"
    assert not (folder / "postgres").exists()


@pytest.mark.parametrize("name", ["payments-server", "payments-gateway"])
def test_a_part_that_dies_is_named_and_the_rest_stops(folder: Path, name: str) -> None:
    run = Run(folder).ready()
    children = run.children()
    next(child for child in children if any(name in word for word in child.cmdline())).kill()
    assert run.end() == 1
    assert run.text().endswith(f"make run: {name} ended with exit code -9; stopping the rest\n")
    assert_stopped(run, folder, children)


def test_a_database_url_is_used_instead_of_the_embedded_postgresql(folder: Path) -> None:
    other = folder / "other"
    with embedded.start(other) as postgres:
        run = Run(folder, DATABASE_URL=postgres.url).ready()
        assert run.request("/status") == "ok"
        assert run.end(signal.SIGINT) == 0
        assert postgres.pid is not None
    assert not (folder / "postgres").exists()
