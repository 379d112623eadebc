"""As many connections as clients open, whatever limit on open files the gateway's shell had."""

import contextlib
import socket

from gateway.tests.gateway_process import ANY, COMMAND, NOWHERE
from process.tests.running_process import RunningProcess

FEW, MANY = 64, 400


def test_a_low_soft_limit_on_open_files_limits_no_connections() -> None:
    gateway = [str(COMMAND), "serve", "--listen", ANY, "--metrics-listen", ANY, "--server", NOWHERE]
    with RunningProcess(["sh", "-c", f'ulimit -S -n {FEW}; exec "$@"', "sh", *gateway], {}) as process:
        host, port = process.line(r"REST listening on (\S+),")[1].rsplit(":")
        with contextlib.ExitStack() as opened:
            connections = [opened.enter_context(socket.create_connection((host, int(port)), timeout=10)) for _ in range(MANY)]
            for connection in connections:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: payments\r\n\r\n")
            assert {connection.recv(15) for connection in connections} == {b"HTTP/1.1 200 OK"}
        assert process.stop()[0] == 0
