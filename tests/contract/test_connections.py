"""As many connections as clients open, whatever limit on open files the gateway's shell had."""

import contextlib
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

from local.stack import HOST, Ports, Stack
from tests.rest import Rest

FEW, MANY = 64, 400


def test_a_low_soft_limit_on_open_files_limits_no_connections(running: Stack) -> None:
    ports = Ports.free()
    gateway = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("payments-gateway")),
            "serve",
            *("--listen", f"{HOST}:{ports.rest}", "--metrics-listen", f"{HOST}:{ports.gateway_metrics}", "--server", running.grpc_target),
        ],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                if Rest(f"http://{HOST}:{ports.rest}").get("/status").status_code == 200:
                    break
            assert time.monotonic() < deadline, "the gateway did not start"
            time.sleep(0.05)
        with contextlib.ExitStack() as opened:
            connections = [opened.enter_context(socket.create_connection((HOST, ports.rest), timeout=10)) for _ in range(MANY)]
            for connection in connections:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: payments\r\n\r\n")
            assert {connection.recv(15) for connection in connections} == {b"HTTP/1.1 200 OK"}
    finally:
        gateway.terminate()
        assert gateway.wait(20) == 0
