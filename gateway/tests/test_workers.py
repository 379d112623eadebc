"""`payments-gateway serve --workers`: one address, one set of metrics and one end for several processes."""

import contextlib
import http.client
import signal
import socket
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from gateway.tests.gateway_process import ANY, COMMAND, Gateway
from process.tests.running_process import gone, ports

UNFINISHED = b'{"data": {}, "payment": 1'


def clients_of(worker: psutil.Process, gateway: Gateway) -> int:
    """The connections that the worker has accepted."""
    return sum(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == gateway.port for each in worker.net_connections("tcp"))


def get(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextlib.contextmanager
def unfinished_create(gateway: Gateway) -> Iterator[http.client.HTTPConnection]:
    """A request whose body is not whole yet."""
    with contextlib.closing(gateway.connect()) as connection:
        connection.putrequest("POST", "/create")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(UNFINISHED) + 1))
        connection.endheaders(UNFINISHED)
        yield connection


def finish(connection: http.client.HTTPConnection) -> int:
    connection.send(b"}")
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_two_workers_answer_on_one_port() -> None:
    with Gateway("--workers", "2") as gateway, contextlib.ExitStack() as opened:
        workers = gateway.ready(2)
        connections = [opened.enter_context(contextlib.closing(gateway.connect())) for _ in range(32)]
        assert {get(connection, "/livez") for connection in connections} == {200}
        assert sum(clients_of(worker, gateway) for worker in workers) == 32
        assert all(clients_of(worker, gateway) for worker in workers)
        assert all(ports(worker) == {gateway.port} for worker in workers)


def test_one_worker_is_one_process_with_metrics_of_its_own() -> None:
    with Gateway() as gateway:
        assert get(gateway.connect(), "/livez") == 200
        assert not psutil.Process(gateway.process.pid).children()
        assert gateway.metrics()["process_resident_memory_bytes"] > 0


def test_the_metrics_of_workers_are_served_by_their_parent() -> None:
    with Gateway("--workers", "2") as gateway:
        gateway.ready(2)
        assert not [name for name in gateway.metrics() if name.startswith("process_")]


def test_the_environment_sets_workers_too() -> None:
    with Gateway(PAYMENTS_GATEWAY_WORKERS="3") as gateway:
        assert len(gateway.ready(3)) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_workers_request_in_flight_finish(number: signal.Signals) -> None:
    with Gateway("--workers", "2") as gateway:
        workers = gateway.ready(2)
        with unfinished_create(gateway) as connection:
            gateway.wait_until(lambda: sum(clients_of(worker, gateway) for worker in workers) == 1)
            [idle] = [worker for worker in workers if not clients_of(worker, gateway)]
            gateway.process.send_signal(number)
            assert gone([idle], 10)
            assert gateway.process.poll() is None
            assert finish(connection) == 503
        assert gateway.ended() == 0
        assert gateway.text.count("gateway: stopped") == 2


def test_a_killed_worker_ends_the_command_once_the_others_have_finished() -> None:
    with Gateway("--workers", "2") as gateway:
        workers = gateway.ready(2)
        with unfinished_create(gateway) as connection:
            gateway.wait_until(lambda: sum(clients_of(worker, gateway) for worker in workers) == 1)
            [idle] = [worker for worker in workers if not clients_of(worker, gateway)]
            idle.kill()
            gateway.line("SIGTERM: stopping")
            assert finish(connection) == 503
        assert gateway.ended() == 1
        assert f"(process {idle.pid}) was ended by signal 9" in gateway.lines[-1]
        assert "Traceback" not in gateway.text


def test_workers_whose_parent_is_killed_end() -> None:
    with Gateway("--workers", "2") as gateway:
        workers = gateway.ready(2)
        gateway.process.kill()
        assert gone(workers)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_one_clear_line(workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        address = f"127.0.0.1:{owner.getsockname()[1]}"
        for options in (("--listen", address, "--metrics-listen", ANY), ("--listen", ANY, "--metrics-listen", address)):
            ended = subprocess.run([COMMAND, "serve", "--workers", workers, *options], capture_output=True, text=True, timeout=30)
            assert ended.returncode == 1
            assert address in ended.stderr.splitlines()[-1]
            assert "Traceback" not in ended.stderr


def test_no_worker_at_all_is_a_usage_error() -> None:
    ended = subprocess.run([COMMAND, "serve", "--workers", "0"], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert "--workers" in ended.stderr
