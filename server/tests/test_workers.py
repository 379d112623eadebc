"""`payments-server serve --workers`: one address, one set of metrics and one end for several processes."""

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psutil
import psycopg2
import pytest

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from process.tests.running_process import gone, ports
from server.tests.server_process import ANY, Server, create, run

Query = Callable[..., list[tuple[object, ...]]]
Waiting = Callable[[], None]
Lock = Callable[[str], contextlib.AbstractContextManager[None]]
CREATED = (
    'grpc_server_handled_total{grpc_code="OK",grpc_method="CreatePayment",grpc_service="payments.v1.PaymentService",grpc_type="unary"}'
)
CREATE_SECONDS = (
    'grpc_server_handling_seconds_count{grpc_method="CreatePayment",grpc_service="payments.v1.PaymentService",grpc_type="unary"}'
)


@contextlib.contextmanager
def connections(server: Server, count: int) -> Iterator[list[PaymentServiceStub]]:
    """Clients with a connection each."""
    with contextlib.ExitStack() as opened:
        channels = [
            opened.enter_context(grpc.insecure_channel(server.target, [("grpc.use_local_subchannel_pool", 1)])) for _ in range(count)
        ]
        for channel in channels:
            grpc.channel_ready_future(channel).result(10)
        yield [PaymentServiceStub(channel) for channel in channels]


def clients_of(worker: psutil.Process, server: Server) -> int:
    """The connections that the worker has accepted."""
    port = int(server.target.rpartition(":")[2])
    return sum(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port for each in worker.net_connections("tcp"))


def ready(server: Server, workers: int) -> list[psutil.Process]:
    started = server.workers(workers)
    server.wait_until(lambda: server.text.count("database answers") == workers)
    return started


def test_two_workers_answer_on_one_port_and_metrics_count_every_call(url: str, query: Query) -> None:
    with Server(url, "--workers", "2") as server:
        workers = ready(server, 2)
        with connections(server, 32) as clients, ThreadPoolExecutor(8) as threads:
            assert sum(clients_of(worker, server) for worker in workers) == 32
            assert all(clients_of(worker, server) for worker in workers)
            assert clients_of(psutil.Process(server.process.pid), server) == 0
            assert all(ports(worker) == {int(server.target.rpartition(":")[2])} for worker in workers)
            ids = {payment.id for payment in threads.map(create, clients * 10)}
        assert len(ids) == 320
        assert query("SELECT count(*) FROM payments") == [(320,)]
        server.wait_until(lambda: server.metrics().get(CREATED, 0) >= 320)  # calls are counted when their answers have left
        metrics = server.metrics()
        assert metrics[CREATED] == metrics[CREATE_SECONDS] == 320
        assert not [name for name in metrics if name.startswith("process_")]


def test_one_worker_is_one_process_with_metrics_of_its_own(url: str) -> None:
    with Server(url) as server:
        server.wait_until_serving()
        create(server.payments)
        assert not psutil.Process(server.process.pid).children()
        server.wait_until(lambda: server.metrics().get(CREATED))
        metrics = server.metrics()
        assert metrics[CREATED] == 1
        assert metrics["process_resident_memory_bytes"] > 0


def test_the_environment_sets_workers_too(url: str) -> None:
    with Server(url, PAYMENTS_SERVER_WORKERS="3") as server:
        assert len(ready(server, 3)) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_workers_call_in_flight_finish(
    url: str, query: Query, lock: Lock, wait_for_a_waiter: Waiting, number: signal.Signals
) -> None:
    with Server(url, "--workers", "2") as server:
        workers = ready(server, 2)
        id = create(server.payments).id
        with lock(id):
            update = server.payments.UpdatePayment.future(pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=15)
            wait_for_a_waiter()
            server.process.send_signal(number)
            idle = next(worker for worker in workers if not clients_of(worker, server))
            assert gone([idle], 10)
            assert server.process.poll() is None and not update.done()
        assert update.result().status == pb.STATUS_CONSUMED
        assert server.ended() == 0
        assert server.text.count("server: stopped") == 2


def test_a_killed_worker_ends_the_command_once_the_others_have_finished(
    url: str, query: Query, lock: Lock, wait_for_a_waiter: Waiting
) -> None:
    with Server(url, "--workers", "2") as server:
        workers = ready(server, 2)
        id = create(server.payments).id
        with lock(id):
            update = server.payments.UpdatePayment.future(pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=15)
            wait_for_a_waiter()
            [idle] = [worker for worker in workers if not clients_of(worker, server)]
            idle.kill()
            server.line("SIGTERM: stopping")
            assert server.process.poll() is None and not update.done()
        assert update.result().status == pb.STATUS_CONSUMED
        assert server.ended() == 1
        assert f"(process {idle.pid}) was ended by signal 9" in server.lines[-1]
        assert "Traceback" not in server.text


def test_workers_whose_parent_is_killed_finish_their_calls_and_end(url: str, query: Query, lock: Lock, wait_for_a_waiter: Waiting) -> None:
    with Server(url, "--workers", "2") as server:
        workers = ready(server, 2)
        id = create(server.payments).id
        with lock(id):
            update = server.payments.UpdatePayment.future(pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=15)
            wait_for_a_waiter()
            server.process.kill()
            server.wait_until(lambda: server.text.count("SIGTERM: stopping") == 2)
        assert update.result().status == pb.STATUS_CONSUMED
        assert gone(workers)


@pytest.mark.parametrize(("owners", "others"), [("2", "2"), ("2", "1"), ("1", "2")])
def test_a_port_in_use_is_one_clear_line_however_many_workers_want_it(url: str, owners: str, others: str) -> None:
    with Server(url, "--workers", owners) as server:
        for options in (("--listen", server.target, "--metrics-listen", ANY), ("--listen", ANY, "--metrics-listen", server.target)):
            ended = run("serve", "--workers", others, *options, DATABASE_URL=url)
            assert ended.returncode == 1
            assert server.target in ended.stderr.splitlines()[-1]
            assert "Traceback" not in ended.stderr


def test_an_embedded_postgresql_outlives_the_workers_and_ends_with_the_parent() -> None:
    with tempfile.TemporaryDirectory(prefix="payments-", dir="/tmp") as name:
        os.chmod(name, 0o711)
        assert run("migrate", "--data-dir", name).returncode == 0
        with Server("", "--data-dir", name, "--workers", "2") as server:
            workers = ready(server, 2)
            postmaster = psutil.Process(int(Path(name, "postgres", "postmaster.pid").read_text().split()[0]))
            id = create(server.payments).id
            with contextlib.closing(psycopg2.connect(f"postgresql://payments@/postgres?host={name}/socket")) as other:
                with other.cursor() as cursor:
                    cursor.execute("SELECT FROM payments WHERE id = %s FOR UPDATE", (id,))
                update = server.payments.UpdatePayment.future(pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=15)
                [idle] = [worker for worker in workers if not clients_of(worker, server)]
                idle.terminate()
                assert gone([idle], 10)
                assert not gone([postmaster], 1)
                other.rollback()
            assert update.result().status == pb.STATUS_CONSUMED
            assert server.ended() == 1
            assert gone([postmaster], 0)
