"""Workers as processes: who answers, and how all end when one of them, or the parent, does."""

import contextlib
import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path

import psutil
import pytest

from process.listening import CannotListen, listen, reserve
from process.tests.running_process import RunningProcess, gone

PROGRAM = Path(__file__).with_name("pid_service.py")
ANY = "127.0.0.1:0"


class Service(RunningProcess):
    def __init__(self, workers: int, address: str = ANY, metrics: str = ANY, **variables: str) -> None:
        super().__init__([sys.executable, str(PROGRAM), str(workers), address, metrics], variables)

    def ready(self, workers: int = 2) -> list[psutil.Process]:
        """The workers, once all of them listen."""
        started = self.workers(workers)
        self.wait_until(lambda: self.text.count("listening on") == workers)
        return started

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.line(r"listening on 127\.0\.0\.1:(\d+)")[1])

    def connect(self) -> "Connection":
        return Connection(self.address)

    def connect_to(self, pid: int) -> "Connection":
        """A connection that this process has; one in two would be with two workers."""
        with contextlib.ExitStack() as others:
            for _ in range(200):
                connection = self.connect()
                if connection.pid() == pid:
                    return connection
                others.callback(connection.end)
        raise AssertionError(f"process {pid} takes no connections")


class Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.file = self.socket.makefile("rw")

    def pid(self, line: str = "pid") -> int:
        """The process that answers; 0 if none does."""
        self.file.write(f"{line}\n")
        self.file.flush()
        return int(self.file.readline() or "0")

    def end(self) -> None:
        self.file.close()
        self.socket.close()


def pids_of(service: Service, connections: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        made = [service.connect() for _ in range(connections)]
        for connection in made:
            opened.callback(connection.end)
        return [connection.pid() for connection in made]


def wait_until_stopping(service: Service, workers: int) -> None:
    service.wait_until(lambda: service.text.count("pids: stopping") >= workers)


def test_connections_to_one_port_reach_every_worker() -> None:
    with Service(3) as service:
        workers = service.ready(3)
        assert set(pids_of(service, 100)) == {worker.pid for worker in workers}
        assert service.process.pid not in {worker.pid for worker in workers}


def test_one_worker_is_the_process_itself() -> None:
    with Service(1) as service:
        assert set(pids_of(service, 10)) == {service.process.pid}
        assert not psutil.Process(service.process.pid).children()
        assert not list(service.folder.iterdir())
        assert service.stop()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_at_a_signal_each_worker_finishes_what_it_has_begun(number: signal.Signals) -> None:
    with Service(2) as service:
        connections = [service.connect_to(worker.pid) for worker in service.ready()]
        service.process.send_signal(number)
        wait_until_stopping(service, workers=2)
        time.sleep(0.2)
        assert all(connection.pid() for connection in connections)
        for connection in connections:
            connection.end()
        assert service.ended() == 0
        assert service.text.count("pids: stopped") == 2


def test_a_second_signal_is_passed_on_too() -> None:
    with Service(2) as service:
        connections = [service.connect_to(worker.pid) for worker in service.ready()]
        service.process.send_signal(signal.SIGTERM)
        wait_until_stopping(service, workers=2)
        assert service.stop() < (0, 5)
        assert not any(connection.pid() for connection in connections)


def test_a_terminals_ctrl_c_does_not_count_twice() -> None:
    with Service(2) as service:
        connections = [service.connect_to(worker.pid) for worker in service.ready()]
        os.killpg(os.getpgid(service.process.pid), signal.SIGINT)
        wait_until_stopping(service, workers=2)
        time.sleep(0.2)
        assert all(connection.pid() for connection in connections)
        assert service.process.poll() is None


def test_a_signal_before_the_workers_are_ready_stops_them_cleanly() -> None:
    with Service(2, PID_SERVICE_SLOW="0.5") as service:
        service.workers(2)
        assert "listening on" not in service.text
        assert service.stop()[0] == 0
        assert service.text.count("pids: stopped") == 2


@pytest.mark.parametrize(("number", "how"), [(signal.SIGKILL, "was ended by signal 9: Killed"), (signal.SIGTERM, "exited with code 0")])
def test_a_worker_that_ends_by_itself_ends_the_command_when_the_others_have_finished(number: signal.Signals, how: str) -> None:
    with Service(3) as service:
        lost, *others = service.ready(3)
        connections = [service.connect_to(other.pid) for other in others]
        lost.send_signal(number)
        wait_until_stopping(service, workers=2)
        assert [connection.pid() for connection in connections] == [other.pid for other in others]
        assert service.process.poll() is None
        for connection in connections:
            connection.end()
        assert service.ended() == 1
        assert f"Error: worker 1 (process {lost.pid}) {how}" in service.text
        assert not list(service.folder.iterdir())


def test_an_exception_ends_its_worker_with_a_traceback_and_so_the_command() -> None:
    with Service(2) as service:
        first, _ = service.ready()
        connection = service.connect_to(first.pid)
        connection.pid("fail")
        connection.end()
        assert service.ended() == 1
        assert "RuntimeError: as told" in service.text
        assert f"Error: worker 1 (process {first.pid}) exited with code 1" in service.text


def test_a_worker_that_fails_while_all_stop_makes_the_command_fail() -> None:
    with Service(2) as service:
        first, second = service.ready()
        connections = [service.connect_to(worker.pid) for worker in (first, second)]
        service.process.send_signal(signal.SIGTERM)
        wait_until_stopping(service, workers=2)
        first.kill()
        connections[1].end()
        assert service.ended() == 1


def test_what_the_parent_owns_is_left_by_the_parent_alone_and_last() -> None:
    with Service(2) as service:
        service.ready()
        assert service.stop()[0] == 0
        assert [line.partition("pids: ")[2].strip() for line in service.lines[-3:]] == ["stopped", "context left", "exit handler ran"]
        assert service.text.count("context left") == service.text.count("exit handler ran") == 1


def test_workers_whose_parent_is_killed_finish_and_end() -> None:
    with Service(2) as service:
        workers = service.ready()
        connections = [service.connect_to(worker.pid) for worker in workers]
        service.process.kill()
        wait_until_stopping(service, workers=2)
        assert [connection.pid() for connection in connections] == [worker.pid for worker in workers]
        for connection in connections:
            connection.end()
        assert gone(workers)
        assert "Traceback" not in service.text


def test_workers_whose_parent_is_killed_before_they_are_ready_end_too() -> None:
    with Service(2, PID_SERVICE_SLOW="0.5") as service:
        workers = service.workers(2)
        service.process.kill()
        assert gone(workers)


def test_an_address_in_use_is_an_error_before_any_worker_starts() -> None:
    with Service(2) as service, socket.create_server(("127.0.0.1", 0)) as foreign:
        service.ready()
        ours = "{}:{}".format(*service.address)
        other = f"127.0.0.1:{foreign.getsockname()[1]}"
        for addresses, option in (((ours, ANY), "--listen"), ((other, ANY), "--listen"), ((ANY, other), "--metrics-listen")):
            with Service(2, *addresses) as second:
                assert second.ended() == 1
                address = addresses[option != "--listen"]
                assert f"Error: cannot listen on {address} ({option}): " in second.text
                assert "worker 1" not in second.text and "Traceback" not in second.text
        assert len(set(pids_of(service, 50))) == 2


def test_a_port_is_free_again_for_the_next() -> None:
    with Service(2) as service:
        service.ready()
        address = "{}:{}".format(*service.address)
        pids_of(service, 5)
        assert service.stop()[0] == 0
    with Service(2, address) as next_one:
        assert next_one.ready()
        assert len(set(pids_of(next_one, 50))) == 2


def test_a_reserved_address_is_nobody_elses_even_before_workers_listen() -> None:
    with reserve(("127.0.0.1", 0), "--listen") as reserved:
        address = ("127.0.0.1", reserved.getsockname()[1])
        with pytest.raises(CannotListen):
            reserve(address, "--listen")
        with pytest.raises(CannotListen):
            listen(address, "--listen")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        for _ in range(2):
            listen(address, "--listen", shared=True).close()


def test_an_address_can_be_reserved_while_connections_of_its_last_owner_linger() -> None:
    with socket.create_server(("127.0.0.1", 0)) as last:
        address = last.getsockname()
        with socket.create_connection(address) as client:
            last.accept()[0].close()  # who closes first has the connection in TIME_WAIT
            assert client.recv(1) == b""
    reserve(address, "--listen").close()


def test_metrics_are_the_sums_over_the_workers() -> None:
    with Service(2) as service:
        service.ready()
        assert len(set(pids_of(service, 50))) == 2
        found = service.metrics()
        assert found['answers_total{kind="pid"}'] == 50
        assert found["seconds_count"] == found['seconds_bucket{le="+Inf"}'] == found['seconds_bucket{le="0.005"}'] == 50
        assert not [name for name in found if name.startswith(("process_", "python_"))]


def test_the_metrics_folder_is_private_and_removed_at_the_end() -> None:
    with Service(2) as service:
        service.ready()
        [metrics_folder] = service.folder.iterdir()
        assert metrics_folder.name.startswith("payments-metrics-")
        assert stat.S_IMODE(metrics_folder.stat().st_mode) == 0o700
        assert service.stop()[0] == 0
        assert not list(service.folder.iterdir())
